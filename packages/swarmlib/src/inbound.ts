import type { Clock } from "@cicada/chordlib";

import { CALL_HEAD } from "./call-messages.ts";
import { concat } from "./concat.ts";
import {
	type Chunk,
	LEAST_CHUNK,
	type Lane,
	type Packet,
	type Reply,
} from "./delivery-messages.ts";
import type { RemotePeer } from "./remote-peer.ts";
import type { Party, Session } from "./session.ts";
import type { SwarmLimit } from "./stats.ts";

/** How much of messages that are not whole yet is kept. */
export interface ReassemblyLimits {
	/** Unfinished messages of one other peer. Default 8. */
	readonly perPeer: number;
	/** Bytes of unfinished messages in all. The one that was begun first may go beyond. Default 4 MiB. */
	readonly bytes: number;
	/** Bytes of chunks that came before their turn, in all. Default 4 MiB. */
	readonly early: number;
	/** Milliseconds after which an unfinished message that does not go on makes room for others. Default 10,000. */
	readonly stalled: number;
}

/** What the receiver's end of sessions asks of the peer that it is part of. */
export interface InboundPorts {
	readonly clock: Clock;
	readonly limits: {
		/** Bytes of the largest message. */
		readonly message: number;
		readonly reassembly: ReassemblyLimits;
	};
	readonly reached: (limit: SwarmLimit) => void;
	/** The other end of a session, as the application sees it. */
	readonly peerOf: (party: Party) => RemotePeer;
	/** Takes a copy of a message; false when there is no room for it. */
	readonly accept: (source: RemotePeer, data: Uint8Array, lane: Lane) => boolean;
	readonly reply: (session: Session, reply: Reply) => void;
	/** Ends a session: it is not as it should be, or there is no room for it. */
	readonly end: (session: Session) => void;
}

/** Chunks of one lane of a session that came before their turn and are kept: as many as a sender has under way. */
const EARLY = 1_024;
/** Chunks are numbered below this; it is the highest that a reply can carry. */
const LAST = 2 ** 48 - 1;
/** What a chunk that is kept takes besides its data. */
const OVERHEAD = 128;

/** What comes in one lane of a session. */
interface Stream {
	readonly session: Session;
	readonly lane: Lane;
	/** Whom it comes from, as it was known when the last packet came. */
	source: RemotePeer;
	/** False once the session has ended. */
	open: boolean;
	/** The number of the next chunk to take. */
	next: number;
	/** Chunks of the message that is being put together. */
	parts: Uint8Array[];
	partBytes: number;
	/** The message that comes next is larger than this peer takes. */
	tooLarge: boolean;
	/** Chunks that came before their turn. */
	readonly early: Map<number, Chunk>;
	/** What comes next had no room: where it is to go, or among the unfinished messages. */
	starved: false | "lane" | "parts";
	/** A reply goes out when what is handled now is done, so that one stands for many chunks. */
	due: boolean;
	/** Links that the last chunk crossed, and when it came. */
	hops: number;
	heard: number;
}

/** Messages from other peers to this one. */
export class Inbound {
	readonly #ports: InboundPorts;
	/** By session, the one longest unused first. */
	readonly #streams = new Map<Session, Map<Lane, Stream>>();
	/** Those with unfinished messages, the one that was begun first in front. */
	readonly #assembling = new Set<Stream>();
	#earlyBytes = 0;
	#partBytes = 0;
	/** An unfinished message could not grow, for want of room. */
	#crowded = false;

	constructor(ports: InboundPorts) {
		this.#ports = ports;
	}

	/** Bytes of unfinished messages, and of chunks that came before their turn. */
	get counts(): { readonly unfinished: number; readonly early: number } {
		return { unfinished: this.#partBytes, early: this.#earlyBytes };
	}

	/** Takes a packet that came in a session. One without chunks only wants to know how far it has come. */
	receive(session: Session, packet: Packet, hops: number): void {
		const { base, chunks, number } = packet;
		const crumbs = chunks.some(({ end, data }) => !end && data.length < LEAST_CHUNK);
		if (crumbs || number + chunks.length > LAST || base >= LAST) return;
		const stream = this.#streamOf(session, packet.lane);
		if (stream.due && stream.hops !== hops) this.#answer(stream);
		stream.hops = hops;
		stream.heard = this.#ports.clock.now();
		stream.starved = false;
		stream.source = this.#ports.peerOf(session.party);
		this.#skipTo(stream, base);
		for (const [index, chunk] of chunks.entries()) this.#place(stream, number + index, chunk);
		this.#takeEarly(stream);
		this.#acknowledge(stream);
	}

	/** There is room again: those who were turned away may go on. */
	roomAgain(): void {
		for (const stream of this.#all()) {
			if (stream.starved === false) continue;
			stream.starved = false;
			this.#takeEarly(stream);
			this.#acknowledge(stream);
		}
	}

	/** Says what has been taken and not been acknowledged yet, and forgets all sessions. */
	clear(): void {
		for (const stream of this.#all()) if (stream.due) this.#answer(stream);
		for (const session of [...this.#streams.keys()]) this.forget(session);
	}

	/** A session has ended. */
	forget(session: Session): void {
		const streams = this.#streams.get(session);
		this.#streams.delete(session);
		for (const stream of streams?.values() ?? []) {
			stream.open = false;
			this.#skipTo(stream, Infinity);
		}
	}

	#all(): Stream[] {
		return [...this.#streams.values()].flatMap((streams) => [...streams.values()]);
	}

	/** What comes in a lane of a session, which is now the one used last. */
	#streamOf(session: Session, lane: Lane): Stream {
		const streams = this.#streams.get(session) ?? new Map<Lane, Stream>();
		this.#streams.delete(session);
		this.#streams.set(session, streams);
		const stream = streams.get(lane) ?? {
			session,
			lane,
			source: this.#ports.peerOf(session.party),
			open: true,
			next: 0,
			parts: [],
			partBytes: 0,
			tooLarge: false,
			early: new Map<number, Chunk>(),
			starved: false,
			due: false,
			hops: 0,
			heard: 0,
		};
		streams.set(lane, stream);
		return stream;
	}

	/** The sender no longer cares about chunks before `base`. */
	#skipTo(stream: Stream, base: number): void {
		if (base <= stream.next) return;
		stream.next = base;
		this.#dropParts(stream);
		stream.tooLarge = false;
		for (const number of stream.early.keys()) {
			if (number < base) this.#dropEarly(stream, number);
		}
	}

	#dropParts(stream: Stream): void {
		this.#partBytes -= stream.partBytes + stream.parts.length * OVERHEAD;
		stream.parts = [];
		stream.partBytes = 0;
		this.#assembling.delete(stream);
		if (!this.#crowded) return;
		this.#crowded = false;
		this.#ports.clock.defer(() => {
			this.roomAgain();
		});
	}

	/** Takes a chunk whose turn it is, keeps one that comes before its turn, and leaves one that was taken. */
	#place(stream: Stream, number: number, chunk: Chunk): void {
		if (number > stream.next) this.#keepEarly(stream, number, chunk);
		else if (number === stream.next) this.#take(stream, chunk);
	}

	#keepEarly({ early }: Stream, number: number, chunk: Chunk): void {
		const cost = chunk.data.length + OVERHEAD;
		const { early: most } = this.#ports.limits.reassembly;
		if (early.has(number) || early.size >= EARLY) return;
		if (this.#earlyBytes + cost > most) this.#dropStalledEarly();
		if (this.#earlyBytes + cost > most) {
			this.#ports.reached("reassembly.early");
			return;
		}
		early.set(number, { ...chunk, data: new Uint8Array(chunk.data) });
		this.#earlyBytes += cost;
	}

	/** Makes room for chunks before their turn: whose sender has fallen silent will not be completed soon. */
	#dropStalledEarly(): void {
		const now = this.#ports.clock.now();
		for (const stream of this.#all()) {
			if (now - stream.heard <= this.#ports.limits.reassembly.stalled) continue;
			for (const number of stream.early.keys()) this.#dropEarly(stream, number);
		}
	}

	#dropEarly({ early }: Stream, number: number): void {
		const chunk = early.get(number);
		if (early.delete(number)) this.#earlyBytes -= (chunk?.data.length ?? 0) + OVERHEAD;
	}

	/** Takes the chunk whose turn it is; false when that cannot be now. */
	#take(stream: Stream, { start, end, data }: Chunk): boolean {
		if (stream.tooLarge) return false;
		if (start !== (stream.parts.length === 0)) {
			// A piece of a message whose beginning is not here, or a message within another.
			this.#ports.end(stream.session);
			return false;
		}
		const bytes = stream.partBytes + data.length;
		const head = stream.lane === "inbox" ? 0 : CALL_HEAD;
		if (bytes > this.#ports.limits.message + head) {
			this.#ports.reached("message");
			this.#dropParts(stream);
			stream.tooLarge = true;
			return false;
		}
		if (end) {
			const message = start ? data : concat([...stream.parts, data]);
			if (!this.#ports.accept(stream.source, message, stream.lane)) {
				stream.starved = "lane";
				return false;
			}
			this.#dropParts(stream);
		} else {
			if (!this.#roomFor(stream, data.length + OVERHEAD)) {
				stream.starved = "parts";
				this.#crowded = true;
				return false;
			}
			stream.parts.push(new Uint8Array(data));
			stream.partBytes = bytes;
			this.#partBytes += data.length + OVERHEAD;
			this.#assembling.add(stream);
		}
		stream.next++;
		return true;
	}

	#takeEarly(stream: Stream): void {
		for (;;) {
			const chunk = stream.early.get(stream.next);
			if (chunk === undefined || !this.#take(stream, chunk)) return;
			this.#dropEarly(stream, stream.next - 1);
		}
	}

	/** Whether an unfinished message may grow by so many bytes. */
	#roomFor(stream: Stream, bytes: number): boolean {
		const { limits, reached } = this.#ports;
		const { bytes: most, perPeer } = limits.reassembly;
		if (!this.#assembling.has(stream)) {
			const { hash } = stream.source;
			const ofPeer = [...this.#assembling].filter(({ source }) => source.hash.equals(hash));
			if (ofPeer.length >= perPeer && !ofPeer.some((other) => this.#makesRoom(other))) {
				reached("reassembly.perPeer");
				return false;
			}
		}
		for (const oldest of this.#assembling) {
			if (oldest === stream || this.#partBytes + bytes <= most) return true;
			if (this.#makesRoom(oldest)) continue;
			reached("reassembly.bytes");
			return false;
		}
		return true;
	}

	/** Lets go of an unfinished message that does not go on, unless it waits for this peer; false when it goes on. */
	#makesRoom(stream: Stream): boolean {
		const { clock, end, limits, reached } = this.#ports;
		const silence = clock.now() - stream.heard;
		if (stream.starved === "lane" || silence <= limits.reassembly.stalled) return false;
		reached("reassembly.stalled");
		end(stream.session);
		return true;
	}

	/** Answers once for all that is taken in one go. */
	#acknowledge(stream: Stream): void {
		if (stream.due || !stream.open) return;
		stream.due = true;
		this.#ports.clock.defer(() => {
			// It may have been answered, or forgotten, meanwhile.
			if (stream.due && stream.open) this.#answer(stream);
			stream.due = false;
		});
	}

	#answer({ session, lane, next, hops, starved, tooLarge }: Stream): void {
		const state = starved !== false ? "full" : tooLarge ? "tooLarge" : "open";
		this.#ports.reply(session, { lane, state, next, hops });
	}
}
