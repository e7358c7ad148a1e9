/**
 * Everything that port mapping asks of the world. What to ask a router, and what to believe of its
 * answers, is decided without sockets and clocks; `node/` has those. Tests give their own.
 *
 * @module
 */

/** A pending call of {@link Clock.schedule}. */
export interface Timer {
	/** Takes the call back. Harmless once it has run. */
	cancel(): void;
}

/** Time. */
export interface Clock {
	/** Milliseconds since some fixed moment; only ever forward. */
	now(): number;
	/**
	 * Calls `run` once, `delay` milliseconds from now. A timer `inBackground` does not keep the process
	 * alive.
	 */
	schedule(delay: number, run: () => void, inBackground?: boolean): Timer;
	/** The wall clock's time at a moment of {@link now}. */
	date(moment: number): Date;
}

/** A router that this machine sends to when it knows no better. */
export interface DefaultRoute {
	/** The router's IPv4 address. */
	readonly gateway: string;
	/** The network interface's name, or its address where the system has no names. */
	readonly interface: string;
}

/** One answer to an SSDP search (UPnP Device Architecture 1.1, section 1.3.3). */
export interface SearchReply {
	/** The URL of the device's description, as it was sent. */
	readonly location: string;
	/** The address that the answer came from. */
	readonly source: string;
	/** The address of the interface that it came to. */
	readonly localAddress: string;
}

/** A request over HTTP. */
export interface HttpRequest {
	/** `http:`, with a literal IP address. */
	readonly url: URL;
	/** The address of the interface to send from. */
	readonly localAddress: string;
	/** How many bytes the answer may have; a longer one is an error. */
	readonly limit: number;
}

/** A SOAP action (UPnP Device Architecture 1.1, section 3.1). */
export interface SoapRequest extends HttpRequest {
	/** The type of the service: `urn:schemas-upnp-org:service:WANIPConnection:1`. */
	readonly service: string;
	/** The name of the action, such as `AddPortMapping`. */
	readonly action: string;
	/** Names and values; the values must be fit for XML. */
	readonly args: readonly (readonly [name: string, value: string | number])[];
}

/** What a router answers over HTTP. */
export interface HttpReply {
	/** The HTTP status code. */
	readonly status: number;
	/** At most 64 KiB. */
	readonly body: string;
}

/** A NAT-PMP request (RFC 6886, sections 3.2 and 3.3). */
export type PmpRequest =
	| { readonly kind: "address" }
	| {
			readonly kind: "map";
			readonly protocol: "tcp" | "udp";
			readonly internalPort: number;
			readonly externalPort: number;
			/** Seconds; 0 takes the mapping away. */
			readonly lifetime: number;
	  };

/** What a NAT-PMP gateway answered. */
export type PmpReply =
	/** A result code other than 0, or -1: not our version of the protocol. */
	| { readonly kind: "refusal"; readonly result: number }
	| { readonly kind: "address"; readonly epoch: number; readonly address: string }
	| {
			readonly kind: "map";
			readonly epoch: number;
			readonly externalPort: number;
			/** Seconds. */
			readonly lifetime: number;
	  };

/** This run of this program, by which it knows its own mappings among those of earlier runs. */
export interface Owner {
	/** The machine: 8 hexadecimal digits. */
	readonly host: string;
	/** The number of its process. */
	readonly process: number;
	/** This run: 8 hexadecimal digits. */
	readonly run: string;
	/** Whether a process of this machine is running. */
	alive(process: number): boolean;
}

/** Everything that port mapping asks of the world. */
export interface World {
	/** Time. */
	readonly clock: Clock;
	/** Who asks for mappings: this program. */
	readonly owner: Owner;
	/** This machine's IPv4 addresses, but for loopback. */
	addresses(): readonly string[];
	/** The address of the interface that faces `host`; undefined when there is none. */
	addressTowards(host: string): Promise<string | undefined>;
	/** The default routes, nearest first. */
	defaultRoutes(signal: AbortSignal): Promise<readonly DefaultRoute[]>;
	/** Multicasts a search for each target from each address, and tells the answers, until `signal` aborts. */
	search(
		from: readonly string[],
		targets: readonly string[],
		found: (reply: SearchReply) => void,
		signal: AbortSignal,
	): void;
	/** GET, without following redirects. */
	get(request: HttpRequest, signal: AbortSignal): Promise<HttpReply>;
	/** POST of a SOAP action, without following redirects. */
	call(request: SoapRequest, signal: AbortSignal): Promise<HttpReply>;
	/** Sends a NAT-PMP request once, and waits for its answer until `signal` aborts. */
	ask(gateway: string, request: PmpRequest, signal: AbortSignal): Promise<PmpReply>;
	/** Calls `run` when the process is told to end, which it then does when `run` is done. */
	beforeExit(run: () => Promise<void>): () => void;
}
