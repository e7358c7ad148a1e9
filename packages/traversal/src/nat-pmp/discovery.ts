import { evidenceOf, summarize, TraversalError } from "../errors.ts";
import type { Gateway, Method } from "../gateway.ts";
import type { World } from "../ports.ts";
import { PmpGateway } from "./pmp-gateway.ts";

/** How many default routes are tried. */
const ROUTES = 4;

/** NAT-PMP: ask the routers of the default routes (RFC 6886, section 3.1), all at once; the nearest that serves. */
export function natPmp(world: World): Method {
	return {
		name: "NAT-PMP",
		discover: async (except, evidence, signal) => {
			const routes = await world.defaultRoutes(signal);
			const hosts = [...new Set(routes.map(({ gateway }) => gateway))].slice(0, ROUTES);
			const tries = hosts
				.filter((host) => !except.has(host))
				.map(async (host): Promise<Gateway | undefined> => {
					try {
						const localAddress = await world.addressTowards(host);
						if (localAddress === undefined) throw new Error("no interface leads to it");
						return await new PmpGateway(world, host, localAddress).connect(signal);
					} catch (error) {
						if (signal.aborted) return undefined;
						// One that is silent from the start does not speak the protocol.
						const silent = error instanceof TraversalError && error.code === "NO_ANSWER";
						evidence.push(
							...evidenceOf(error, "NAT-PMP", host).map((one) =>
								silent ? { ...one, code: "NO_GATEWAY" as const } : one,
							),
						);
						return undefined;
					}
				});
			for (const attempt of tries) {
				const gateway = await attempt;
				if (gateway !== undefined) return gateway;
			}
			signal.throwIfAborted();
			if (evidence.length === 0) {
				const answer = "this machine has no default route, so no router to ask";
				evidence.push({ method: "NAT-PMP", gateway: undefined, code: "NO_GATEWAY", answer });
			}
			throw summarize(evidence);
		},
	};
}
