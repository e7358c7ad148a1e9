/**
 * What a protocol asks of the world. The simulation gives these to each host; code that is written
 * against them runs in it unchanged. They are shapes, not classes: interfaces of your own that have the
 * same members fit, and nothing of this package needs to be imported by the protocol.
 *
 * @module
 */

/** Where one can be dialled: a literal IP address and a port. */
export interface Address {
	/** A literal IP address. */
	readonly host: string;
	/** 1 to 65535; 0 asks for any free one where that makes sense. */
	readonly port: number;
}

/** A pending call of {@link Clock.schedule}. */
export interface Timer {
	/** Takes the call back. Harmless once it has run. */
	cancel(): void;
}

/** Time. It only ever goes forward; its zero means nothing. */
export interface Clock {
	/** Milliseconds since some fixed moment. */
	now(): number;
	/** Seconds since 1970; a simulation begins with 2026. */
	wall(): number;
	/** Calls `run` once, `delay` milliseconds from now. */
	schedule(delay: number, run: () => void): Timer;
	/** Calls `run` once, as soon as what runs now has finished, before anything later. */
	defer(run: () => void): void;
}

/** Chance. */
export interface Random {
	/** A number in [0, 1). */
	next(): number;
	/** `length` bytes. In a simulation they follow from the seed: no secrets here. */
	bytes(length: number): Uint8Array;
}

/** What a {@link Link} tells its owner. What a method throws comes out of the call that runs the simulation. */
export interface LinkHandler {
	/** The dialled end answered; a link that was accepted is open from the start and never says so. */
	open(): void;
	/** Bytes in the order they were sent, cut anywhere. */
	data(chunk: Uint8Array): void;
	/** All that was waiting in {@link Link.buffered} has gone out. */
	drain(): void;
	/** Nothing comes after this. `error` says why, unless the link ended in good order. */
	close(error?: Error): void;
}

/** A reliable, ordered stream of bytes between two processes. */
export interface Link {
	/** This end. Meaningful once the link is open. */
	readonly local: Address;
	/** The other end as the network shows it: of an accepted link, not an address to dial. */
	readonly remote: Address;
	/** Bytes sent that the network has not taken yet. */
	readonly buffered: number;
	/** Queues bytes. The link keeps `bytes`; the caller no longer changes them. Ignored once closed. */
	send(bytes: Uint8Array): void;
	/** Lets what was sent go out, then closes. */
	close(): void;
	/** Closes at once; what was not sent is lost, and the other end sees a reset. */
	destroy(): void;
}

/** A place where others can dial. */
export interface Listener {
	/** Where it listens; a port that was asked for as 0 is the one that was given. */
	readonly address: Address;
	/** Accepts no more. Links that were accepted live on. */
	close(): Promise<void>;
}

/** The network as one process sees it. */
export interface Transport {
	/**
	 * Accepts links at `address` (a literal IP address; port 0 for any). `accept` is called for each one.
	 * The place is taken when this returns; the promise only says so.
	 *
	 * @throws A {@link LinkError} `EADDRINUSE` or `EADDRNOTAVAIL`, as a rejection.
	 */
	listen(address: Address, accept: (link: Link) => LinkHandler): Promise<Listener>;
	/** Opens a link. Failure is told by {@link LinkHandler.close}, never before this has returned. */
	dial(address: Address, handler: LinkHandler): Link;
	/** The literal IP address of a host name. Rejects with a {@link LinkError} `ENOTFOUND` when there is none. */
	resolve(host: string): Promise<string>;
	/** The literal IP address of this machine. */
	localHost(): Promise<string>;
}

/** All the ports of one process. */
export interface Ports {
	/** Time. */
	readonly clock: Clock;
	/** Chance. */
	readonly random: Random;
	/** The network. */
	readonly transport: Transport;
}
