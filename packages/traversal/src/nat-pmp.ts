import type { MappedPort, MappingEvents } from "./mapped-port.ts";
import { MappingTable } from "./mapping-table.ts";
import { natPmp } from "./nat-pmp/discovery.ts";
import { system } from "./node/system.ts";
import type { PortMapper } from "./port-mapper.ts";
import type { World } from "./ports.ts";
import type { Wait } from "./wait.ts";

/**
 * Maps ports by NAT-PMP (RFC 6886), on the router of a default route. Only that router's own answers count.
 */
export class NatPMP implements PortMapper {
	/** How it is called. */
	readonly name = "NAT-PMP";
	readonly #table: MappingTable;

	/** @param options.world what it asks of the machine; tests may give another */
	constructor(options: { readonly world?: World } = {}) {
		const world = options.world ?? system;
		this.#table = new MappingTable(world, natPmp(world));
	}

	/** The router's public address, as last seen. @throws TraversalError `NOT_OPEN` before {@link create} */
	get externalIp(): string {
		return this.#table.gateway.externalIp;
	}

	/** The address of the interface that faces the router. @throws TraversalError `NOT_OPEN` before {@link create} */
	get localAddress(): string {
		return this.#table.gateway.localAddress;
	}

	/** What it has mapped. */
	get mappings(): readonly MappedPort[] {
		return this.#table.mappings;
	}

	/**
	 * Finds a router: asks those of the default routes, takes the nearest that has a public address. 8 s unless
	 * said otherwise; one that is silent is given up after 3.75 s.
	 *
	 * @throws TraversalError `NO_GATEWAY`, `NO_ANSWER`, `DOUBLE_NAT`, `REFUSED`, `UNSUPPORTED`
	 */
	async create(options?: Wait): Promise<this> {
		await this.#table.create(options);
		return this;
	}

	/**
	 * Maps a port, TCP for 3,600 s unless said otherwise, and renews it at half its life until it is deleted. The
	 * router may choose another external port than the one asked for.
	 *
	 * @throws TraversalError `REFUSED`, `NO_ANSWER`, `NOT_OPEN`, …
	 */
	addPortMapping(
		localPort: number,
		externalPort: number,
		options?: { readonly protocol?: "tcp" | "udp"; readonly lifetime?: number } & Wait,
	): Promise<MappedPort> {
		return this.#table.add(localPort, externalPort, options);
	}

	/**
	 * Takes a mapping off the router. When that fails it is still among {@link mappings}, but no longer renewed.
	 *
	 * @throws TraversalError `NOT_MAPPED`, or why it failed
	 */
	deletePortMapping(
		localPort: number,
		options?: { readonly protocol?: "tcp" | "udp" } & Wait,
	): Promise<void> {
		return this.#table.delete(localPort, options);
	}

	/** Removes all of its mappings. @throws TraversalError when one may still be there */
	cleanup(): Promise<void> {
		return this.#table.cleanup();
	}

	/** Calls `listener` for each event of a type, until it is taken back or `signal` aborts. */
	on<Type extends keyof MappingEvents>(
		type: Type,
		listener: (event: MappingEvents[Type]) => void,
		options?: { signal?: AbortSignal },
	): () => void {
		return this.#table.events.on(type, listener, options);
	}

	/** Removes all of its mappings, as well as it can within 6 s, and lets go of sockets and timers. Never rejects. */
	close(): Promise<void> {
		return this.#table.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}
