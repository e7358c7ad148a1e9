import type { Method } from "./gateway.ts";
import type { MappedPort, MappingEvents } from "./mapped-port.ts";
import { MappingTable } from "./mapping-table.ts";
import type { World } from "./ports.ts";
import type { Wait } from "./wait.ts";

/** What maps ports on a router by one protocol: {@link UPnP} or {@link NatPMP}. */
export abstract class PortMapper {
	/** Which way of asking it is. */
	abstract readonly name: "UPnP" | "NAT-PMP";
	readonly #table: MappingTable;

	protected constructor(world: World, method: Method) {
		this.#table = new MappingTable(world, method);
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
	 * Finds a router that has a public address. 8 s unless said otherwise.
	 *
	 * @throws TraversalError `NO_GATEWAY`, `NO_ANSWER`, `DOUBLE_NAT`, `REFUSED`, `UNSUPPORTED`: what tells most of what those
	 * said that answered
	 */
	async create(options?: Wait): Promise<this> {
		await this.#table.create(options);
		return this;
	}

	/**
	 * Maps a port, TCP for 3,600 s unless said otherwise, and renews it at half its life until it is deleted. 8 s unless
	 * said otherwise.
	 *
	 * @throws TraversalError `PORT_TAKEN`, `REFUSED`, `NO_ANSWER`, `NOT_OPEN`, …
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
