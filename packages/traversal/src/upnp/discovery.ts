import { type Evidence, evidenceOf, summarize, TraversalError } from "../errors.ts";
import type { Gateway, Method } from "../gateway.ts";
import type { SearchReply, World } from "../ports.ts";
import { pause } from "../wait.ts";
import { servicesOf } from "./description.ts";
import { exchange, SIZE } from "./exchange.ts";
import { Igd } from "./igd.ts";
import { ownUrl } from "./location.ts";

/** What is searched for. A router of version 2 should answer for version 1 as well; not all do. */
const TARGETS: readonly string[] = [
	"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
	"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
	"urn:schemas-upnp-org:service:WANIPConnection:1",
	"urn:schemas-upnp-org:service:WANPPPConnection:1",
];

/** The search goes out three times, for datagrams get lost; then its answers have 1 s (MX), and a little. */
const PAUSES: readonly number[] = [500, 1_000, 1_500];

/** How many machines' answers are heard, and how many of each. */
const RESPONDERS = 8;
const LOCATIONS = 4;

/** One search: what was heard of whom, and what each said when asked. */
class Discovery {
	readonly #world: World;
	readonly #except: ReadonlySet<string>;
	readonly #signal: AbortSignal;
	readonly #locations = new Map<string, Set<string>>();
	readonly #evidence: Evidence[];
	readonly #tries = new Set<Promise<void>>();
	readonly #found: (gateway: Gateway) => Promise<void>;

	constructor(
		world: World,
		except: ReadonlySet<string>,
		evidence: Evidence[],
		signal: AbortSignal,
		found: (gateway: Gateway) => Promise<void>,
	) {
		this.#world = world;
		this.#except = except;
		this.#evidence = evidence;
		this.#signal = signal;
		this.#found = found;
	}

	/** Searches until all that answered was tried. */
	async run(): Promise<TraversalError> {
		const { clock } = this.#world;
		const addresses = this.#world.addresses();
		if (addresses.length > 0) {
			const heard = (reply: SearchReply): void => {
				this.#heard(reply);
			};
			for (const length of PAUSES) {
				this.#world.search(addresses, TARGETS, heard, this.#signal);
				await pause(clock, length, this.#signal);
			}
		}
		while (this.#tries.size > 0) await Promise.all(this.#tries);
		if (this.#evidence.length === 0) {
			const answer =
				addresses.length > 0 ? "no router answered the search" : "this machine is in no network";
			this.#evidence.push({ method: "UPnP", gateway: undefined, code: "NO_GATEWAY", answer });
		}
		return summarize(this.#evidence);
	}

	#heard(reply: SearchReply): void {
		const known = this.#locations.get(reply.source);
		if (known === undefined && this.#locations.size >= RESPONDERS) return;
		const locations = known ?? new Set();
		this.#locations.set(reply.source, locations);
		if (locations.has(reply.location) || locations.size >= LOCATIONS) return;
		locations.add(reply.location);
		const attempt = this.#try(reply)
			.catch((error: unknown) => {
				this.#failed(error, reply.source);
			})
			.finally(() => this.#tries.delete(attempt));
		this.#tries.add(attempt);
	}

	/** Takes the first of a device's connections that serves. */
	async #try({ location, source, localAddress }: SearchReply): Promise<void> {
		const url = ownUrl(location, source);
		const request = { url, localAddress, limit: SIZE };
		const reply = await exchange(this.#world.clock, this.#signal, (signal) =>
			this.#world.get(request, signal),
		);
		if (reply.status !== 200) {
			throw new TraversalError(
				"MALFORMED",
				`its description is HTTP status ${reply.status} instead`,
			);
		}
		for (const service of servicesOf(reply.body, url)) {
			const igd = new Igd(this.#world, service, localAddress);
			if (this.#except.has(igd.id)) continue;
			try {
				await this.#found(await igd.connect(this.#signal));
				return;
			} catch (error) {
				this.#failed(error, source);
			}
		}
	}

	#failed(error: unknown, gateway: string): void {
		if (!this.#signal.aborted) this.#evidence.push(...evidenceOf(error, "UPnP", gateway));
	}
}

/**
 * UPnP: search the network, ask whoever answers. The router of the default route is taken as soon as it serves: what
 * comes in through another would be answered through it, and lost. Without it, the first other that served.
 */
export function upnp(world: World): Method {
	return {
		name: "UPnP",
		discover: (except, evidence, signal) =>
			new Promise((resolve, reject) => {
				const controller = new AbortController();
				const end = (settle: () => void): void => {
					signal.removeEventListener("abort", abort);
					settle();
					controller.abort();
				};
				const fail = (error: unknown): void => {
					end(() => {
						reject(error);
					});
				};
				const abort = (): void => {
					fail(signal.reason);
				};
				const take = (gateway: Gateway): void => {
					end(() => {
						resolve(gateway);
					});
				};
				const nearest = world.defaultRoutes(controller.signal).then(
					([route]) => route?.gateway,
					() => undefined,
				);
				const others: Gateway[] = [];
				const found = async (gateway: Gateway): Promise<void> => {
					const host = await nearest;
					if (host === undefined || host === gateway.host) take(gateway);
					else others.push(gateway);
				};
				signal.addEventListener("abort", abort);
				new Discovery(world, except, evidence, controller.signal, found).run().then((error) => {
					const [other] = others;
					if (other === undefined) fail(error);
					else take(other);
				}, fail);
			}),
	};
}
