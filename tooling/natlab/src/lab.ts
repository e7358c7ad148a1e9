import { fileURLToPath } from "node:url";

import { must } from "./command.ts";
import { Machine } from "./machine.ts";
import { Namespaces } from "./namespaces.ts";
import { gatewayOf, type Offer, Router } from "./router.ts";

/** A home: a router with machines behind it. */
export interface HomeOptions extends Offer {
	/** How many machines are at home; 1. */
	readonly clients?: number;
	/** The router's address to the outside; a public one. */
	readonly wan?: string;
	/** Without a daemon, the router only translates addresses. */
	readonly daemon?: boolean;
}

export interface Home {
	readonly router: Router;
	readonly clients: readonly Machine[];
	/** The first machine. */
	readonly client: Machine;
}

/** What someone outside met behind an address. */
export type Reached = "answered" | "refused" | "silence";

/**
 * Homes behind routers, and a world outside. Nothing of it can reach anything else. Call {@link Lab.close}; when the
 * process is killed before, it is taken down all the same.
 */
export class Lab {
	readonly homes: readonly Home[];
	/** A machine outside, which is everybody's router too. */
	readonly outside: Machine;
	readonly #namespaces: Namespaces;

	private constructor(namespaces: Namespaces, outside: Machine, homes: readonly Home[]) {
		this.#namespaces = namespaces;
		this.outside = outside;
		this.homes = homes;
	}

	/** Builds a lab: one home with one machine, unless said otherwise. */
	static async create(homes: readonly HomeOptions[] = [{}]): Promise<Lab> {
		const plans = homes.map((options, index) => ({
			options,
			router: `router${index + 1}`,
			prefix: `192.168.${77 + index}`,
			wan: options.wan ?? `198.51.${101 + index}.1`,
			clients: Array.from({ length: options.clients ?? 1 }, (_, number) => ({
				name: `client${index + 1}${number === 0 ? "" : `-${number + 1}`}`,
				address: `192.168.${77 + index}.${number + 2}`,
			})),
		}));
		const names = plans.flatMap(({ router, clients }) => [
			router,
			...clients.map(({ name }) => name),
		]);
		const namespaces = await Namespaces.create(["outside", ...names]);
		try {
			await namespaces.ip("outside", ["link add wan type bridge", "link set wan up"]);
			await must(namespaces.within("outside", ["sh", "-c", FORWARD]));
			const outside = new Machine(namespaces, "outside", gatewayOf(plans[0]?.wan ?? ""));
			const built = await Promise.all(
				plans.map(async ({ options, router: name, prefix, wan, clients }, index): Promise<Home> => {
					await namespaces.cable([name, "wan"], ["outside", `home${index + 1}`]);
					await namespaces.ip("outside", [
						`addr add ${gatewayOf(wan)}/24 dev wan`,
						`link set home${index + 1} master wan up`,
					]);
					await must(namespaces.within(name, ["sh", "-c", FORWARD]));
					await namespaces.ip(name, [
						"link add lan type bridge",
						`addr add ${prefix}.1/24 dev lan`,
						"link set lan up",
						`addr add ${wan}/24 dev wan`,
						"link set wan up",
						`route add default via ${gatewayOf(wan)}`,
					]);
					for (const [port, client] of clients.entries()) {
						await namespaces.cable([client.name, "eth0"], [name, `port${port}`]);
						await namespaces.ip(name, [`link set port${port} master lan up`]);
						await namespaces.ip(client.name, [
							`addr add ${client.address}/24 dev eth0`,
							"link set eth0 up",
							`route add default via ${prefix}.1`,
						]);
					}
					const router = new Router(namespaces, name, prefix, wan);
					if (options.daemon !== false) await router.start(options);
					const machines = clients.map(
						({ name, address }) => new Machine(namespaces, name, address),
					);
					const [client] = machines;
					if (client === undefined) throw new Error("a home has at least one machine");
					return { router, clients: machines, client };
				}),
			);
			return new Lab(namespaces, outside, built);
		} catch (error) {
			await namespaces.close();
			throw error;
		}
	}

	/** The first home. */
	get home(): Home {
		const [home] = this.homes;
		if (home === undefined) throw new Error("the lab has no homes");
		return home;
	}

	/** Gives the outside an address in another network, so that a router may have its own there. */
	async addNetwork(wan: string): Promise<void> {
		await this.outside.ip(`addr add ${gatewayOf(wan)}/24 dev wan`);
	}

	/** Sends a word from outside to an address, and waits up to a second for the word to come back. */
	async reach(host: string, port: number, protocol: "tcp" | "udp" = "tcp"): Promise<Reached> {
		const program = fileURLToPath(new URL("reach.js", import.meta.url));
		const { stdout } = await this.outside.run(
			process.execPath,
			program,
			host,
			String(port),
			protocol,
		);
		return stdout.trim() as Reached;
	}

	async close(): Promise<void> {
		await this.#namespaces.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}

const FORWARD = "echo 1 > /proc/sys/net/ipv4/ip_forward";
