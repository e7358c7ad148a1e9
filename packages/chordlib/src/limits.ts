import { ChordError } from "./errors.ts";

/** What a node allows itself and others. Times are milliseconds, sizes bytes. */
export interface Limits {
	/** The largest frame, sent or received. */
	readonly frame: number;
	/** Links held at once. */
	readonly links: number;
	/** Accepted links that have not yet said who they are. */
	readonly pendingLinks: number;
	/** How long a dialled address may take to answer. */
	readonly dialTimeout: number;
	/** How long the opening of a link may take once it is connected. */
	readonly handshakeTimeout: number;
	/** How long a request may take when its caller says nothing. */
	readonly requestTimeout: number;
	/** Requests that one peer may have pending here, and we there. */
	readonly requestsPerPeer: number;
	/** Requests pending in all, in each direction. */
	readonly requests: number;
	/** Unsent bytes on a link above which what is merely relayed is dropped. */
	readonly writeBufferSoft: number;
	/** Unsent bytes on a link above which it is closed. */
	readonly writeBufferHard: number;
	/** A link that nothing came over for so long is asked for a sign of life. */
	readonly ping: number;
	/** A link that nothing came over for so long is closed. */
	readonly dead: number;
	/** A link that the ring does not need and nobody used for so long is closed by the end that dialled it. */
	readonly idle: number;
	/** Links that a lookup or a routed message may cross. */
	readonly hops: number;
}

export const defaultLimits: Limits = {
	frame: 65_536,
	links: 256,
	pendingLinks: 64,
	dialTimeout: 5_000,
	handshakeTimeout: 5_000,
	requestTimeout: 10_000,
	requestsPerPeer: 256,
	requests: 4_096,
	writeBufferSoft: 4 * 1_048_576,
	writeBufferHard: 16 * 1_048_576,
	ping: 5_000,
	dead: 15_000,
	idle: 30_000,
	hops: 32,
};

/** @throws ChordError `INVALID_ARGUMENT` for an unknown name or anything but a positive integer. */
export function completeLimits(given: Partial<Limits> = {}): Limits {
	for (const [name, value] of Object.entries(given)) {
		if (!Object.hasOwn(defaultLimits, name)) {
			throw new ChordError("INVALID_ARGUMENT", `there is no limit called ${name}`);
		}
		if (!Number.isSafeInteger(value) || value < 1) {
			throw new ChordError("INVALID_ARGUMENT", `the limit ${name} must be a positive integer`);
		}
	}
	return { ...defaultLimits, ...given };
}
