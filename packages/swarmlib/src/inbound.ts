import type { Clock, RemoteNode, Routed } from "@cicada/chordlib";

import { CALL_HEAD } from "./call-messages.ts";
import {
	type Chunk,
	type Knock,
	LEAST_CHUNK,
	type Lane,
	type Packet,
	type Reply,
} from "./delivery-messages.ts";
import { type RemotePeer, remotePeer } from "./remote-peer.ts";
import type { SwarmLimit, SwarmStats } from "./stats.ts";

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
		/** Sessions remembered; the one longest unused goes first. */
		readonly sessions: number;
		readonly reassembly: ReassemblyLimits;
	};
	readonly reached: (limit: SwarmLimit) => void;
	/** This peer's life. */
	readonly life: () => number;
	/** Takes a copy of a message; false when there is no room for it. */
	readonly accept: (source: RemotePeer, data: Uint8Array, lane: Lane) => boolean;
	readonly reply: (to: RemoteNode, reply: Reply) => void;
}

/** Chunks of one session that came before their turn and are kept: as many as a sender has under way. */
const EARLY = 1_024;
/** Chunks are numbered below this; it is the highest that a reply can carry. */
const LAST = 2 ** 48 - 1;
/** What a chunk that is kept takes besides its data. */
const OVERHEAD = 128;

/** The receiver's end of a session. */
interface Session {
	readonly key: string;
	readonly origin: RemoteNode;
	/** The same as the application sees it. */
	readonly source: RemotePeer;
	readonly number: number;
	readonly exact: boolean;
	readonly lane: Lane;
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
	readonly #sessions = new Map<string, Session>();
	/** Sessions with unfinished messages, the one that was begun first in front. */
	readonly #assembling = new Set<Session>();
	#earlyBytes = 0;
	#partBytes = 0;
	/** An unfinished message could not grow, for want of room. */
	#crowded = false;

	constructor(ports: InboundPorts) {
		this.#ports = ports;
	}

	get counts(): SwarmStats["sessions"] {
		return { open: this.#sessions.size, unfinished: this.#partBytes, early: this.#earlyBytes };
	}

	/** Opens a session, or says how far one that is open has come. */
	knock({ session: number, lane }: Knock, routed: Routed): void {
		const { origin, exact, hops } = routed;
		const key = keyOf(number, routed);
		const session = this.#sessions.get(key) ?? {
			key,
			origin,
			source: remotePeer(origin),
			number,
			exact,
			lane,
			next: 0,
			parts: [],
			partBytes: 0,
			tooLarge: false,
			early: new Map<number, Chunk>(),
			starved: false,
			due: false,
			hops,
			heard: 0,
		};
		this.#used(session);
		const { next } = session;
		const life = this.#ports.life();
		this.#ports.reply(origin, { session: number, life, exact, state: "open", next, hops });
	}

	/** Takes a packet of chunks that was routed here. */
	receive(packet: Packet, routed: Routed): void {
		const { base, chunks, number } = packet;
		const session = this.#sessions.get(keyOf(packet.session, routed));
		if (session === undefined || packet.to !== this.#ports.life()) {
			this.#refuse(packet, routed);
			return;
		}
		const crumbs = chunks.some(({ end, data }) => !end && data.length < LEAST_CHUNK);
		if (crumbs || number + chunks.length > LAST || base >= LAST) return;
		if (session.due && session.hops !== routed.hops) this.#answer(session);
		session.hops = routed.hops;
		session.heard = this.#ports.clock.now();
		session.starved = false;
		this.#used(session);
		this.#skipTo(session, base);
		for (const [index, chunk] of chunks.entries()) this.#place(session, number + index, chunk);
		this.#takeEarly(session);
		if (this.#sessions.has(session.key)) this.#acknowledge(session);
		else this.#refuse(packet, routed);
	}

	/** There is room again: those who were turned away may go on. */
	roomAgain(): void {
		for (const session of [...this.#sessions.values()]) {
			if (session.starved === false) continue;
			session.starved = false;
			this.#takeEarly(session);
			this.#acknowledge(session);
		}
	}

	/** Says what has been taken and not been acknowledged yet, and forgets all sessions. */
	clear(): void {
		for (const session of [...this.#sessions.values()]) {
			if (session.due) this.#answer(session);
			this.#forget(session);
		}
	}

	/** Makes `session` the one used last. */
	#used(session: Session): void {
		this.#sessions.delete(session.key);
		this.#sessions.set(session.key, session);
		const [oldest] = this.#sessions.values();
		if (this.#sessions.size <= this.#ports.limits.sessions || oldest === undefined) return;
		this.#ports.reached("sessions");
		this.#forget(oldest);
	}

	#forget(session: Session): void {
		this.#sessions.delete(session.key);
		this.#skipTo(session, Infinity);
	}

	/** The sender no longer cares about chunks before `base`. */
	#skipTo(session: Session, base: number): void {
		if (base <= session.next) return;
		session.next = base;
		this.#dropParts(session);
		session.tooLarge = false;
		for (const number of session.early.keys()) {
			if (number < base) this.#dropEarly(session, number);
		}
	}

	#dropParts(session: Session): void {
		this.#partBytes -= session.partBytes + session.parts.length * OVERHEAD;
		session.parts = [];
		session.partBytes = 0;
		this.#assembling.delete(session);
		if (!this.#crowded) return;
		this.#crowded = false;
		this.#ports.clock.defer(() => {
			this.roomAgain();
		});
	}

	/** Takes a chunk whose turn it is, keeps one that comes before its turn, and leaves one that was taken. */
	#place(session: Session, number: number, chunk: Chunk): void {
		if (number > session.next) this.#keepEarly(session, number, chunk);
		else if (number === session.next) this.#take(session, chunk);
	}

	#keepEarly({ early }: Session, number: number, chunk: Chunk): void {
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
		for (const session of this.#sessions.values()) {
			if (now - session.heard <= this.#ports.limits.reassembly.stalled) continue;
			for (const number of session.early.keys()) this.#dropEarly(session, number);
		}
	}

	#dropEarly({ early }: Session, number: number): void {
		const chunk = early.get(number);
		if (early.delete(number)) this.#earlyBytes -= (chunk?.data.length ?? 0) + OVERHEAD;
	}

	/** Takes the chunk whose turn it is; false when that cannot be now. */
	#take(session: Session, { start, end, data }: Chunk): boolean {
		if (session.tooLarge) return false;
		if (start !== (session.parts.length === 0)) {
			// A piece of a message whose beginning is not here, or a message within another.
			this.#forget(session);
			return false;
		}
		const bytes = session.partBytes + data.length;
		const head = session.lane === "inbox" ? 0 : CALL_HEAD;
		if (bytes > this.#ports.limits.message + head) {
			this.#ports.reached("message");
			this.#dropParts(session);
			session.tooLarge = true;
			return false;
		}
		if (end) {
			const message = start ? data : join([...session.parts, data], bytes);
			if (!this.#ports.accept(session.source, message, session.lane)) {
				session.starved = "lane";
				return false;
			}
			this.#dropParts(session);
		} else {
			if (!this.#roomFor(session, data.length + OVERHEAD)) {
				session.starved = "parts";
				this.#crowded = true;
				return false;
			}
			session.parts.push(new Uint8Array(data));
			session.partBytes = bytes;
			this.#partBytes += data.length + OVERHEAD;
			this.#assembling.add(session);
		}
		session.next++;
		return true;
	}

	#takeEarly(session: Session): void {
		for (;;) {
			const chunk = session.early.get(session.next);
			if (chunk === undefined || !this.#take(session, chunk)) return;
			this.#dropEarly(session, session.next - 1);
		}
	}

	/** Whether an unfinished message may grow by so many bytes. */
	#roomFor(session: Session, bytes: number): boolean {
		const { limits, reached } = this.#ports;
		const { bytes: most, perPeer } = limits.reassembly;
		if (!this.#assembling.has(session)) {
			const { hash } = session.origin;
			const ofPeer = [...this.#assembling].filter(({ origin }) => origin.hash.equals(hash));
			if (ofPeer.length >= perPeer && !ofPeer.some((other) => this.#makesRoom(other))) {
				reached("reassembly.perPeer");
				return false;
			}
		}
		for (const oldest of this.#assembling) {
			if (oldest === session || this.#partBytes + bytes <= most) return true;
			if (this.#makesRoom(oldest)) continue;
			reached("reassembly.bytes");
			return false;
		}
		return true;
	}

	/** Lets go of an unfinished message that does not go on, unless it waits for this peer; false when it goes on. */
	#makesRoom(session: Session): boolean {
		const { clock, limits, reached } = this.#ports;
		const silence = clock.now() - session.heard;
		if (session.starved === "lane" || silence <= limits.reassembly.stalled) return false;
		reached("reassembly.stalled");
		this.#forget(session);
		return true;
	}

	/** Answers once for all that is taken in one go. */
	#acknowledge(session: Session): void {
		if (session.due) return;
		session.due = true;
		this.#ports.clock.defer(() => {
			// It may have been answered, or forgotten, meanwhile.
			if (session.due && this.#sessions.get(session.key) === session) this.#answer(session);
			session.due = false;
		});
	}

	#answer({ origin, number, exact, next, hops, starved, tooLarge }: Session): void {
		const state = starved !== false ? "full" : tooLarge ? "tooLarge" : "open";
		const life = this.#ports.life();
		this.#ports.reply(origin, { session: number, life, exact, state, next, hops });
	}

	/** The session that a packet belongs to is not, or no longer, one of ours. */
	#refuse({ session }: Packet, { origin, exact, hops }: Routed): void {
		const life = this.#ports.life();
		this.#ports.reply(origin, { session, life, exact, state: "restarted", next: 0, hops });
	}
}

function keyOf(session: number, { origin, target }: Pick<Routed, "origin" | "target">): string {
	return `${session} ${origin.hash.toString()} ${target.toString()}`;
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
	const whole = new Uint8Array(length);
	let offset = 0;
	for (const part of parts) {
		whole.set(part, offset);
		offset += part.length;
	}
	return whole;
}
