import type { MappedPort } from "./mapped-port.ts";
import type { Wait } from "./wait.ts";

/** What maps ports on a router by one protocol: {@link UPnP} or {@link NatPMP}. */
export interface PortMapper {
	/** Which way of asking it is. */
	readonly name: "UPnP" | "NAT-PMP";
	/** The router's public address. Throws `NOT_OPEN` before {@link create}. */
	readonly externalIp: string;
	/** The address of this machine's interface that faces the router. Throws `NOT_OPEN` before {@link create}. */
	readonly localAddress: string;
	/** What it has mapped. */
	readonly mappings: readonly MappedPort[];
	/** Finds the gateway. 8 s unless said otherwise. */
	create(options?: Wait): Promise<this>;
	/** Maps a port, and keeps it mapped. TCP for 3,600 s at a time, within 8 s, unless said otherwise. */
	addPortMapping(
		localPort: number,
		externalPort: number,
		options?: { readonly protocol?: "tcp" | "udp"; readonly lifetime?: number } & Wait,
	): Promise<MappedPort>;
	/** Takes a mapping off the router. */
	deletePortMapping(
		localPort: number,
		options?: { readonly protocol?: "tcp" | "udp" } & Wait,
	): Promise<void>;
	/** Removes all of its mappings. Rejects when one may still be there. */
	cleanup(): Promise<void>;
	/** Removes all of its mappings, as well as it can, and lets go of sockets and timers. */
	close(): Promise<void>;
}
