/**
 * What peers say to each other about broadcasts; see `../broadcast.ts`.
 *
 * @module
 */
import {
	type Codec,
	Hash,
	type NoticeType,
	type RequestType,
	address,
	boolean,
	bytes,
	choice,
	defineNotice,
	defineRequest,
	fixed,
	hash,
	list,
	optional,
	struct,
	u32,
	u8,
} from "@cicada/chordlib";

import type { RemotePeer } from "../remote-peer.ts";

/** Peers that a broadcast may leave out. */
export const EXCLUDED_LIMIT: number = 256;

/** Bytes of the payload that go in one piece, at most and, but for the last, at least. */
const PIECE = { most: 48 * 1_024, least: 1_024 } as const;

/** Bytes that a slow line carries in a millisecond. */
export const SLOW = 128;

/** Broadcasts that one digest may name. */
export const DIGEST_LIMIT: number = 64;

/** The highest that a count can be on the wire. */
export const MOST: number = 2 ** 32 - 1;

/** Which broadcast: who signed it, by its Ed25519 key, that one's epoch, and a number that it uses once in it. */
export interface BroadcastId {
	readonly key: Uint8Array;
	readonly epoch: number;
	readonly number: number;
}

/** What the origin says once, and signs; it is the same wherever the broadcast goes. */
export interface Statement extends BroadcastId {
	readonly origin: Hash;
	readonly originAddress: RemotePeer["address"];
	/** Who neither gets nor relays it: all of them, so that each who has it knows to whom it must not go. */
	readonly excluded: readonly Hash[];
	/** Bytes of the payload, and their SHA-256. */
	readonly size: number;
	readonly digest: Uint8Array;
}

/** The same with the signature (RFC 8032). */
export interface Header extends Statement {
	readonly signature: Uint8Array;
}

/** "Look after the peers from you to the limit." Times are milliseconds, and what is left of them. */
export interface Offer {
	readonly header: Header;
	/** Since the broadcast began. */
	readonly age: number;
	/** Until nobody looks after it any more. */
	readonly budget: number;
	/** How long the asker waits for progress before it asks others. */
	readonly patience: number;
	/** The interval goes from the receiver to here, not included. */
	readonly limit: Hash;
	/** The asker's number for this, by which it knows what is reported. */
	readonly ask: number;
	/** Bytes in one piece, when the payload is pulled from the asker. */
	readonly piece: number;
	/** The payload, where it is small and the receiver will hardly have it. */
	readonly data: Uint8Array | undefined;
}

/** How far an interval is served. Counts are of peers, the one that reports included. */
export interface Progress {
	/** Have the payload. */
	readonly held: number;
	/** Have taken it into their inboxes. */
	readonly reached: number;
	/** All have the payload: none waits for a relay any more. */
	readonly spread: boolean;
	/** All have taken it that ever will. */
	readonly done: boolean;
	/** None was passed over that should have it. */
	readonly complete: boolean;
}

/**
 * The answer to an offer. `busy`: no room to relay it now. `tooLarge`: never. `over`: for this peer it has ended, or it
 * is none of its concern.
 */
export interface Acknowledgement {
	readonly state: "accepted" | "busy" | "tooLarge" | "over";
	readonly progress: Progress;
}

export interface Report {
	readonly ask: number;
	readonly progress: Progress;
}

/** "Give me a piece of the payload." */
export interface Pull extends BroadcastId {
	readonly offset: number;
}

/** A broadcast that somebody has, and milliseconds since it began. */
export interface Recent extends BroadcastId {
	readonly age: number;
}

const id = { key: fixed(32), epoch: u32, number: u32 };
const said = {
	...id,
	origin: hash,
	originAddress: optional(address),
	excluded: list(hash, EXCLUDED_LIMIT),
	size: u32,
	digest: fixed(32),
};
const progress: Codec<Progress> = struct({
	held: u32,
	reached: u32,
	spread: boolean,
	done: boolean,
	complete: boolean,
});

/** As it is signed. */
export const statement: Codec<Statement> = struct(said);

const offer: Codec<Offer> = struct({
	header: struct({ ...said, signature: fixed(64) }),
	age: u32,
	budget: u32,
	patience: u32,
	limit: hash,
	ask: u32,
	piece: u32,
	data: optional(bytes(PIECE.most)),
});

const acknowledgement: Codec<Acknowledgement> = struct({
	state: choice(["accepted", "busy", "tooLarge", "over"]),
	progress,
});

export const offerType: RequestType<Offer, Acknowledgement> = defineRequest(
	"cicada/swarm/1/broadcast/offer",
	{ request: offer, response: acknowledgement },
);

/** From a peer to one that asked it to look after an interval. */
export const reportType: NoticeType<Report> = defineNotice(
	"cicada/swarm/1/broadcast/report",
	struct({ ask: u32, progress }),
);

/** The asker no longer waits for anything about a broadcast. */
export const withdrawType: NoticeType<BroadcastId> = defineNotice(
	"cicada/swarm/1/broadcast/withdraw",
	struct(id),
);

/** Answered by one piece, or by nothing where it is not at hand. */
export const pullType: RequestType<Pull, Uint8Array | undefined> = defineRequest(
	"cicada/swarm/1/broadcast/pull",
	{ request: struct({ ...id, offset: u32 }), response: optional(bytes(PIECE.most)) },
);

/** "These are recent": answered by the places in the list of those that the receiver lacks. */
export const digestType: RequestType<readonly Recent[], readonly number[]> = defineRequest(
	"cicada/swarm/1/broadcast/digest",
	{
		request: list(struct({ ...id, age: u32 }), DIGEST_LIMIT),
		response: list(u8, DIGEST_LIMIT),
	},
);

/** What an offer takes of a frame besides the payload and those who are left out. */
const OVERHEAD = 420;

/** Bytes of the payload in one piece, where frames are so large. */
export function pieceSize(frame: number): number {
	return Math.min(PIECE.most, frame - OVERHEAD);
}

/** Bytes of the largest payload that goes with an offer; below 0 when not even the offer fits. */
export function inlineSize(frame: number, excluded: number): number {
	return Math.min(PIECE.most, frame - OVERHEAD - 32 * excluded);
}

/** Whether pieces of such a size can be asked for. */
export function isPiece(size: number): boolean {
	return size >= PIECE.least && size <= PIECE.most;
}

/** Which broadcast, as maps have it. */
export interface Name {
	/** The key and the epoch. */
	readonly series: string;
	readonly number: number;
}

/** The name of a broadcast. */
export function nameOf({ key, epoch, number }: BroadcastId): Name {
	return { series: `${new Hash({ hashed: key }).toString()} ${epoch}`, number };
}
