import type { Evidence } from "./errors.ts";

/** A port as it is mapped, or asked for. */
export interface Binding {
	readonly protocol: "tcp" | "udp";
	readonly localPort: number;
	readonly externalPort: number;
}

/** What a router granted. */
export interface Grant {
	readonly externalPort: number;
	/** Seconds; undefined for a mapping without end. */
	readonly lifetime: number | undefined;
}

/** A router that was found to map ports and to have a public address. */
export interface Gateway {
	/** Tells it from the others. */
	readonly id: string;
	/** Its address. */
	readonly host: string;
	readonly localAddress: string;
	readonly externalIp: string;
	/**
	 * Maps a port, or renews the mapping. It never takes over what is another machine's.
	 *
	 * @throws TraversalError `PORT_TAKEN`, `REFUSED`, `UNSUPPORTED`, `MALFORMED`, `NO_ANSWER`
	 */
	map(binding: Binding, lifetime: number, signal: AbortSignal): Promise<Grant>;
	/** Takes a mapping away. It is no error when it is gone already, or became somebody else's. */
	unmap(binding: Binding, signal: AbortSignal): Promise<void>;
	/** Looks whether a mapping is there still, and what the external address is now. */
	check(binding: Binding, signal: AbortSignal): Promise<{ kept: boolean; externalIp: string }>;
	/** Removes what runs before this one left behind. */
	sweep(signal: AbortSignal): Promise<void>;
}

/** A way to map ports. */
export interface Method {
	readonly name: Evidence["method"];
	/**
	 * Finds a gateway that serves, but for those in `except`. What others say meanwhile is added to `evidence`.
	 *
	 * @throws TraversalError that says what each gateway answered
	 */
	discover(
		except: ReadonlySet<string>,
		evidence: Evidence[],
		signal: AbortSignal,
	): Promise<Gateway>;
}
