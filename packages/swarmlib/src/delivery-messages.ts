/**
 * What the two ends of an open session say to each other; see `delivery.ts`. All of it is sealed.
 *
 * @module
 */
import { type Codec, boolean, bytes, choice, list, struct, u48, u8 } from "@cicada/chordlib";

/**
 * What is sent is for the inbox, a request, or an answer. Each has its own numbers and its own order, so that none waits
 * for room that another needs.
 */
export type Lane = "inbox" | "requests" | "responses";

/** A message, or a piece of one. */
export interface Chunk {
	/** The message starts here, and ends here. */
	readonly start: boolean;
	readonly end: boolean;
	readonly data: Uint8Array;
}

/** Chunks that go together, numbered from `number` on. One without any only asks how far the receiver has come. */
export interface Packet {
	readonly lane: Lane;
	readonly number: number;
	/** The lowest number that the sender still cares about. */
	readonly base: number;
	readonly chunks: readonly Chunk[];
}

/**
 * What an answer says besides how far the receiver has come. `full`: there is no room for what comes next.
 * `tooLarge`: the message that comes next is larger than this peer takes.
 */
type ReplyState = "open" | "full" | "tooLarge";

/** The answer. */
export interface Reply {
	readonly lane: Lane;
	readonly state: ReplyState;
	/** All chunks before this number have been taken. */
	readonly next: number;
	/** Links that what is answered here crossed. */
	readonly hops: number;
}

/** The sender says packets, the target replies. */
export type Said = ({ readonly kind: "packet" } & Packet) | ({ readonly kind: "reply" } & Reply);

/** The most data in a chunk, where frames are large enough. */
const LARGEST_CHUNK = 48 * 1_024;

/** The least data in a chunk that is not a message's last: nobody has reason to cut finer. */
export const LEAST_CHUNK = 1_024;

/** Chunks that a packet may have. */
const PACKET_CHUNKS = 1_024;

/** Bytes that a chunk takes in a packet besides its data. */
export const CHUNK_HEAD = 4;

/** Bytes of a packet's chunks, their heads included: what a frame holds besides the fields of packet, session and relays. */
export function packetSize(frame: number): number {
	return Math.min(LARGEST_CHUNK + CHUNK_HEAD, frame - 256);
}

const lane = choice(["inbox", "requests", "responses"]);
const chunkData = bytes(LARGEST_CHUNK);
/** Written out, not put together from parts: every message goes through it. */
const chunk: Codec<Chunk> = {
	write: (writer, { start, end, data }) => {
		boolean.write(writer, start);
		boolean.write(writer, end);
		chunkData.write(writer, data);
	},
	read: (reader) => ({
		start: boolean.read(reader),
		end: boolean.read(reader),
		data: chunkData.read(reader),
	}),
};
const packet = struct({ lane, number: u48, base: u48, chunks: list(chunk, PACKET_CHUNKS) });
const reply = struct({ lane, state: choice(["open", "full", "tooLarge"]), next: u48, hops: u8 });
const kinds = choice(["packet", "reply"]);

/** A byte for the kind, then the fields. */
export const said: Codec<Said> = {
	write: (writer, value) => {
		kinds.write(writer, value.kind);
		if (value.kind === "packet") packet.write(writer, value);
		else reply.write(writer, value);
	},
	read: (reader) =>
		kinds.read(reader) === "packet"
			? { kind: "packet", ...packet.read(reader) }
			: { kind: "reply", ...reply.read(reader) },
};
