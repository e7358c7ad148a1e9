import { ChordError } from "./errors.ts";

/** What a node allows itself and others. Times are milliseconds, sizes bytes. */
export interface Limits {
	/** The largest frame that is sent. Frames of 64 KiB are received always, larger ones only by who has set as much. */
	readonly frame: number;
	/** What may come over a link, or over a handshake, before the other end has said who it is. */
	readonly opening: number;
	/** What is kept of a link's messages while its other end is dialled for a proof of where it is. */
	readonly early: number;
	/** Links held at once. */
	readonly links: number;
	/** Accepted links that have not yet said who they are. */
	readonly pendingLinks: number;
	/** Of `links`, those that are kept for peers that this node dials; at most an eighth of them. */
	readonly outboundLinks: number;
	/** Accepted links, pending ones included, from one IP address, and from one subnet (/24, for IPv6 /64). */
	readonly linksPerIp: number;
	/** The same from one subnet. */
	readonly linksPerSubnet: number;
	/** Links a second that may come from one IP address, and from one subnet; four times as many at once. */
	readonly inboundPerIp: number;
	/** The same from one subnet. */
	readonly inboundPerSubnet: number;
	/** Messages a second from one peer that only keep the ring; those beyond are not answered, and too many end the link. */
	readonly controlMessages: number;
	/** Offences of an IP address (IPv6: of a /64) that are borne at once; one is forgotten each minute. */
	readonly offences: number;
	/** How long an IP address with more offences gets no link. */
	readonly barTime: number;
	/** IP addresses and subnets of which all this is remembered. */
	readonly knownHosts: number;
	/** Claims to be at an address of which it is remembered what came of dialling it. */
	readonly proofs: number;
	/** Members of rings that were met, to be tried when they are in this node's ring no longer. */
	readonly remembered: number;
	/** Of them, those at one public IP address. */
	readonly rememberedPerIp: number;
	/** Of them, those in one subnet of public addresses. */
	readonly rememberedPerSubnet: number;
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
	/** Unsent bytes on a link above which what is merely relayed is dropped; one that stays so for `dead` is closed. */
	readonly writeBufferSoft: number;
	/** Unsent bytes on a link above which it is closed. */
	readonly writeBufferHard: number;
	/** Unsent bytes on all links together, at the end of a turn, above which those with the most of them are closed. */
	readonly writeBuffers: number;
	/** A link that nothing came over for so long is asked for a sign of life by the end that dialled it, after twice as long by the other. */
	readonly ping: number;
	/** A link that nothing came over for so long is closed. */
	readonly dead: number;
	/** A link that the ring does not need and nobody used for so long is closed by the end that dialled it. */
	readonly idle: number;
	/** Links that a lookup or a routed message may cross. */
	readonly hops: number;
}

/** The limits of a node that is given no others. */
export const defaultLimits: Limits = {
	frame: 65_536,
	opening: 1_024,
	early: 65_536,
	links: 256,
	pendingLinks: 64,
	outboundLinks: 32,
	linksPerIp: 8,
	linksPerSubnet: 32,
	inboundPerIp: 5,
	inboundPerSubnet: 20,
	controlMessages: 500,
	offences: 3,
	barTime: 60_000,
	knownHosts: 4_096,
	proofs: 1_024,
	remembered: 64,
	rememberedPerIp: 8,
	rememberedPerSubnet: 16,
	dialTimeout: 5_000,
	handshakeTimeout: 5_000,
	requestTimeout: 10_000,
	requestsPerPeer: 256,
	requests: 4_096,
	writeBufferSoft: 4 * 1_048_576,
	writeBufferHard: 16 * 1_048_576,
	writeBuffers: 64 * 1_048_576,
	ping: 5_000,
	dead: 15_000,
	idle: 30_000,
	hops: 32,
};

/** The bounds of the limits themselves: messages of our own must fit, and a timer must fit 31 bits. */
const LEAST: Partial<Limits> = { frame: 4_096, opening: 1_024 };
const MOST: Partial<Limits> = { hops: 255, opening: 65_535 };

/** @throws ChordError `INVALID_ARGUMENT` for an unknown name or anything but an integer within bounds. */
export function completeLimits(given: Partial<Limits> = {}): Limits {
	if (typeof given !== "object" || given === null) {
		throw new ChordError("INVALID_ARGUMENT", "limits must be an object");
	}
	for (const [key, value] of Object.entries(given)) {
		if (!Object.hasOwn(defaultLimits, key)) {
			throw new ChordError("INVALID_ARGUMENT", `there is no limit called ${key}`);
		}
		const name = key as keyof Limits;
		const { [name]: least = 1 } = LEAST;
		const { [name]: most = 2 ** 31 - 1 } = MOST;
		if (!Number.isInteger(value) || value < least || value > most) {
			throw new ChordError(
				"INVALID_ARGUMENT",
				`the limit ${name} must be an integer from ${least} to ${most}`,
			);
		}
	}
	return { ...defaultLimits, ...given };
}

/** The largest body of a message: what a frame holds besides takes at most 13 bytes. */
export function bodyLimit({ frame }: Limits): number {
	return frame - 13;
}
