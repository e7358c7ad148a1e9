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
	/** The number of an earlier home whose LAN this router is in, too: a second router there, with no machines. */
	readonly lanOf?: number;
}

/** How a home is built. */
interface Plan {
	readonly options: HomeOptions;
	/** Its number, from 0. */
	readonly index: number;
	readonly name: string;
	/** The router's address in its LAN. */
	readonly gateway: string;
	readonly wan: string;
	readonly clients: readonly { readonly name: string; readonly address: string }[];
}

export class Home {
	readonly router: Router;
	readonly clients: readonly Machine[];

	constructor(router: Router, clients: readonly Machine[]) {
		this.router = router;
		this.clients = clients;
	}

	/** The first machine. */
	get client(): Machine {
		const [client] = this.clients;
		if (client === undefined) throw new Error("there is no machine in this home");
		return client;
	}
}

/** What someone outside met behind an address. */
export type Reached = "answered" | "refused" | "silence";

/** The metric of a machine's default route. */
const METRIC = 100;

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
		const plans = homes.map(planOf);
		const names = plans.flatMap(({ name, clients }) => [name, ...clients.map(({ name }) => name)]);
		const namespaces = await Namespaces.create(["outside", ...names]);
		try {
			await namespaces.ip("outside", ["link add wan type bridge", "link set wan up"]);
			await must(namespaces.within("outside", ["sh", "-c", FORWARD]));
			const outside = new Machine(namespaces, "outside", gatewayOf(plans[0]?.wan ?? ""));
			const built = await Promise.all(plans.map((plan) => build(namespaces, plan)));
			for (const plan of plans) await share(namespaces, plan, plans);
			await Promise.all(
				plans.map(async ({ options }, index) => {
					const router = built[index]?.router;
					await (options.daemon === false ? router?.translate() : router?.start(options));
				}),
			);
			return new Lab(namespaces, outside, built);
		} catch (error) {
			await namespaces.close();
			throw error;
		}
	}

	/**
	 * Connects a machine to another home as well, by an interface of its own, and answers its address there. Of its
	 * default routes the one with the lower metric is taken; that of its own home has {@link METRIC}.
	 */
	async plug(machine: Machine, home: Home, metric: number): Promise<string> {
		const { name, address: gateway } = home.router;
		const address = gateway.replace(/\d+$/, "200");
		const cable = `${machine.name}-${name}`.slice(-15);
		await this.#namespaces.cable([machine.name, "eth1"], [name, cable]);
		await home.router.ip(`link set ${cable} master lan up`);
		await machine.ip(
			`addr add ${address}/24 dev eth1`,
			"link set eth1 up",
			`route add default via ${gateway} metric ${metric}`,
		);
		return address;
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

function planOf(options: HomeOptions, index: number): Plan {
	const lan = 77 + (options.lanOf ?? index);
	const machines = options.lanOf === undefined ? (options.clients ?? 1) : 0;
	return {
		options,
		index,
		name: `router${index + 1}`,
		gateway: `192.168.${lan}.${options.lanOf === undefined ? 1 : 100 + index}`,
		wan: options.wan ?? `198.51.${101 + index}.1`,
		clients: Array.from({ length: machines }, (_, number) => ({
			name: `client${index + 1}${number === 0 ? "" : `-${number + 1}`}`,
			address: `192.168.${lan}.${number + 2}`,
		})),
	};
}

/** Builds a router between its LAN and the outside, and the machines in the LAN. */
async function build(namespaces: Namespaces, plan: Plan): Promise<Home> {
	const { clients, gateway, index, name, wan } = plan;
	await namespaces.cable([name, "wan"], ["outside", `home${index + 1}`]);
	await namespaces.ip("outside", [
		`addr add ${gatewayOf(wan)}/24 dev wan`,
		`link set home${index + 1} master wan up`,
	]);
	await must(namespaces.within(name, ["sh", "-c", FORWARD]));
	await namespaces.ip(name, [
		"link add lan type bridge",
		`addr add ${gateway}/24 dev lan`,
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
			`route add default via ${gateway} metric ${METRIC}`,
		]);
	}
	return new Home(
		new Router(namespaces, name, gateway, wan),
		clients.map(({ name, address }) => new Machine(namespaces, name, address)),
	);
}

/** Connects a router to the LAN that it shares. */
async function share(
	namespaces: Namespaces,
	{ index, name, options }: Plan,
	plans: readonly Plan[],
): Promise<void> {
	const owner = options.lanOf === undefined ? undefined : plans[options.lanOf];
	if (owner === undefined) return;
	await namespaces.cable([name, "shared"], [owner.name, `router${index + 1}`]);
	await namespaces.ip(name, ["link set shared master lan up"]);
	await namespaces.ip(owner.name, [`link set router${index + 1} master lan up`]);
}
