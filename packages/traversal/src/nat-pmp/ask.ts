import { TraversalError } from "../errors.ts";
import type { PmpReply, PmpRequest, World } from "../ports.ts";
import { pause } from "../wait.ts";

/** A request goes out again after 250 ms, then after twice the time (RFC 6886, section 3.1); four times, not nine. */
const PAUSES: readonly number[] = [250, 500, 1_000, 2_000];

/** Result codes: RFC 6886, section 3.5. */
const REFUSALS: Readonly<
	Record<number, readonly [code: "DOUBLE_NAT" | "REFUSED" | "UNSUPPORTED", answer: string]>
> = {
	[-1]: ["UNSUPPORTED", "it speaks another version of the protocol"],
	1: ["UNSUPPORTED", "it does not support this version"],
	2: ["REFUSED", "it does not authorize this, or has mapping switched off"],
	3: ["DOUBLE_NAT", "it has no external address itself (network failure)"],
	4: ["REFUSED", "it is out of resources"],
	5: ["UNSUPPORTED", "it does not support this operation"],
};

/**
 * Asks until an answer comes. Earlier questions are still listened for when the next has gone out.
 *
 * @throws TraversalError `NO_ANSWER`, `UNSUPPORTED`, `REFUSED`, or `DOUBLE_NAT`
 */
export async function ask<Kind extends "address" | "map">(
	world: World,
	gateway: string,
	request: PmpRequest & { readonly kind: Kind },
	signal: AbortSignal,
): Promise<PmpReply & { readonly kind: Kind }> {
	signal.throwIfAborted();
	const controller = new AbortController();
	const stop = (): void => {
		controller.abort(signal.reason);
	};
	signal.addEventListener("abort", stop);
	try {
		const reply = await new Promise<PmpReply>((resolve, reject) => {
			let why: unknown;
			const send = async (): Promise<void> => {
				for (const length of PAUSES) {
					world.ask(gateway, request, controller.signal).then(resolve, (error: unknown) => {
						why = error;
					});
					await pause(world.clock, length, controller.signal);
				}
				const said = why instanceof Error ? `: ${why.message}` : "";
				throw new TraversalError("NO_ANSWER", `it does not answer${said}`, { cause: why });
			};
			send().catch(reject);
		});
		if (reply.kind === request.kind) return reply as PmpReply & { readonly kind: Kind };
		const result = reply.kind === "refusal" ? reply.result : -1;
		const [code, answer] = REFUSALS[result] ?? ["REFUSED", `it answered with code ${result}`];
		throw new TraversalError(code, answer);
	} finally {
		signal.removeEventListener("abort", stop);
		controller.abort();
	}
}
