/**
 * What the two ends of a session say to each other; see `delivery.ts`.
 *
 * @module
 */
import {
	type NoticeType,
	boolean,
	bytes,
	choice,
	defineNotice,
	list,
	struct,
	u48,
	u8,
} from "@cicada/chordlib";

/**
 * What a session is for. Messages for the inbox, requests, and answers go in sessions of their own, so that none waits
 * for room that another needs.
 */
export type Lane = "inbox" | "requests" | "responses";

/** "Who is there?" Opens a session at whoever answers. */
export interface Knock {
	/** Chosen by the sender, anew for each session. */
	readonly session: number;
	readonly lane: Lane;
}

/** A message, or a piece of one. */
export interface Chunk {
	/** The message starts here, and ends here. */
	readonly start: boolean;
	readonly end: boolean;
	readonly data: Uint8Array;
}

/** Chunks that go together, numbered from `number` on. */
export interface Packet {
	readonly session: number;
	/** The life of the target that the session is with. */
	readonly to: number;
	readonly number: number;
	/** The lowest number that the sender still cares about. */
	readonly base: number;
	readonly chunks: readonly Chunk[];
}

/**
 * What an answer says besides how far the receiver has come. `full`: there is no room for what comes next.
 * `tooLarge`: the message that comes next is larger than this peer takes. `restarted`: there is no such session,
 * because it was with another life, or is forgotten.
 */
type ReplyState = "open" | "full" | "tooLarge" | "restarted";

/** The answer to both. */
export interface Reply {
	readonly session: number;
	/** The life of who answers. */
	readonly life: number;
	/** Whether it is the target itself, or only owns its place. */
	readonly exact: boolean;
	readonly state: ReplyState;
	/** All chunks before this number have been taken. */
	readonly next: number;
	/** Links that what is answered here crossed. */
	readonly hops: number;
}

/** The most data in a chunk, where frames are large enough. */
const LARGEST_CHUNK = 48 * 1_024;

/** The least data in a chunk that is not a message's last: nobody has reason to cut finer. */
export const LEAST_CHUNK = 1_024;

/** Chunks in a packet at most. */
export const PACKET_CHUNKS = 1_024;

/** Bytes that a chunk takes in a packet besides its data. */
export const CHUNK_HEAD = 4;

/** Bytes of a packet's chunks, their heads included: what a frame holds besides the packet's and the relays' own fields. */
export function packetSize(frame: number): number {
	return Math.min(LARGEST_CHUNK + CHUNK_HEAD, frame - 256);
}

export const knockType: NoticeType<Knock> = defineNotice(
	"cicada/swarm/1/knock",
	struct({ session: u48, lane: choice(["inbox", "requests", "responses"]) }),
);

export const packetType: NoticeType<Packet> = defineNotice(
	"cicada/swarm/1/packet",
	struct({
		session: u48,
		to: u48,
		number: u48,
		base: u48,
		chunks: list(
			struct({ start: boolean, end: boolean, data: bytes(LARGEST_CHUNK) }),
			PACKET_CHUNKS,
		),
	}),
);

export const replyType: NoticeType<Reply> = defineNotice(
	"cicada/swarm/1/reply",
	struct({
		session: u48,
		life: u48,
		exact: boolean,
		state: choice(["open", "full", "tooLarge", "restarted"]),
		next: u48,
		hops: u8,
	}),
);
