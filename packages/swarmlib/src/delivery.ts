/**
 * How a message gets to one other peer. Read it top to bottom: {@link Delivery.send} is the sender's end,
 * {@link Delivery.receive} the receiver's, and what they say to each other comes first.
 *
 * A sender opens a *session* with a target by a knock, which tells it which life of the target it talks to and
 * whether the target is there at all. Messages are cut into chunks, chunks are numbered, and the target takes
 * them in that order. Its acknowledgements are cumulative: "I have taken all before this number". What is not
 * acknowledged is sent again, over other routes too, until the sender gives up; with every chunk it says which
 * number is the lowest that it still cares about, so a message that was given up holds up none after it.
 */
import {
	type Answer,
	type Cancel,
	type Clock,
	type Codec,
	type Hash,
	type LocalNode,
	type NoticeType,
	type Random,
	type RemoteNode,
	type Routed,
	type Timer,
	boolean,
	choice,
	defineNotice,
	rest,
	struct,
	u48,
	u8,
} from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";
import { type RemotePeer, remotePeer } from "./remote-peer.ts";
import type { Destination } from "./target.ts";

/** "Who is there?" */
interface Knock {
	/** Chosen by the sender, anew for each session. */
	readonly session: number;
}

/** A piece of a message. */
interface Chunk {
	readonly session: number;
	/** The life of the target that the session is with. */
	readonly to: number;
	readonly number: number;
	/** The lowest number that the sender still cares about. */
	readonly base: number;
	/** The message ends here. */
	readonly end: boolean;
	readonly data: Uint8Array;
}

/** The answer to both. */
interface Reply {
	readonly session: number;
	/** The life of who answers. */
	readonly life: number;
	/** Whether it is the target itself, or only owns its place. */
	readonly exact: boolean;
	/** `restarted`: the session was with another life. `full`: the inbox has no room. */
	readonly state: "open" | "full" | "restarted";
	/** All chunks before this number have been taken. */
	readonly next: number;
	/** Links that what is answered here crossed. */
	readonly hops: number;
}

const knockType: NoticeType<Knock> = defineNotice("cicada/swarm/1/knock", struct({ session: u48 }));
const chunkType: NoticeType<Chunk> = defineNotice(
	"cicada/swarm/1/chunk",
	struct({ session: u48, to: u48, number: u48, base: u48, end: boolean, data: rest }),
);
const replyType: NoticeType<Reply> = defineNotice(
	"cicada/swarm/1/reply",
	struct({
		session: u48,
		life: u48,
		exact: boolean,
		state: choice(["open", "full", "restarted"]),
		next: u48,
		hops: u8,
	}) satisfies Codec<Reply>,
);

/** What a sender learns about a message that was taken. */
export interface Receipt {
	readonly target: RemotePeer;
	/** False when the message was for a bare `Hash` and went to the peer responsible for it. */
	readonly exact: boolean;
	/** How many copies were sent at first, by different routes. */
	readonly copies: number;
	/** Links that the acknowledged copy crossed; 0 to oneself, 1 to a neighbour. */
	readonly hops: number;
	/** Milliseconds from the first attempt to the acknowledgement. */
	readonly rtt: number;
}

/** What delivery asks of the peer that it is part of. */
export interface DeliveryPorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	readonly random: Random;
	/** Takes a message into the inbox; false when it is full. */
	readonly accept: (source: RemotePeer, data: Uint8Array) => boolean;
}

/** Bytes of a message in one chunk, and chunks of one session under way at once. */
const CHUNK = 48 * 1024;
const WINDOW = 128;
/** Sessions remembered in each direction; the one longest unused goes first. */
const SESSIONS = 4_096;
/** Chunks that came before their turn and are kept, of one session and in all. */
const EARLY = 64;
const EARLY_BYTES = 4 * 1_048_576;
/** Milliseconds until something is sent again: at first, at least, at most; and while an inbox is full. */
const RETRY = { first: 300, least: 100, most: 3_000, fullFirst: 1_000, fullMost: 30_000 };

/** A message under way. */
interface Outgoing {
	readonly destination: Destination;
	readonly duplicates: number;
	readonly done: Answer<Receipt, SwarmError>;
	readonly chunks: readonly Uint8Array[];
	untaken: number;
	started: number;
	copies: number;
	over: boolean;
}

/** A numbered chunk under way. */
interface InFlight {
	readonly number: number;
	readonly message: Outgoing;
	readonly data: Uint8Array;
	readonly end: boolean;
	attempts: number;
	sent: number;
}

/** The sender's end of a session. */
class Outbound {
	readonly #ports: DeliveryPorts;
	readonly #target: Hash;
	/** Gives a new session number, by which replies find their way here. */
	readonly #newSession: (outbound: Outbound) => number;
	readonly #queue: Outgoing[] = [];
	readonly #inFlight = new Map<number, InFlight>();
	#session = 0;
	#peer: RemotePeer | undefined;
	#exact = false;
	/** The target's life; undefined until it has answered a knock. */
	#life: number | undefined;
	#next = 0;
	#knocks = 0;
	#knocked = 0;
	/** While the target's inbox is full: how often that was heard in a row. */
	#full = 0;
	#smoothedRtt: number | undefined;
	#timer: Timer | undefined;
	#confirming = false;

	constructor(ports: DeliveryPorts, target: Hash, newSession: (outbound: Outbound) => number) {
		this.#ports = ports;
		this.#target = target;
		this.#newSession = newSession;
		this.#reset();
	}

	get session(): number {
		return this.#session;
	}

	get idle(): boolean {
		return this.#queue.length === 0 && this.#inFlight.size === 0;
	}

	send(message: Outgoing): Cancel {
		this.#queue.push(message);
		if (this.#life === undefined && this.#knocks === 0) this.#knock();
		else this.#pump();
		return () => {
			this.#drop(message);
		};
	}

	/** What the target, or who owns its place, answered. */
	reply(reply: Reply, from: RemotePeer): void {
		if (this.#life === undefined) {
			if (reply.state === "open") this.#opened(reply, from);
		} else if (reply.life === this.#life) {
			this.#acknowledged(reply);
		} else if (reply.state === "restarted") {
			// Somebody else's word for the target being gone is not enough: the ring may just be changing.
			if (reply.exact || !this.#exact) this.#lost();
			else this.#confirmAbsent();
		}
	}

	/** Ends every message under way. */
	fail(error: SwarmError): void {
		this.#timer?.cancel();
		for (const message of this.#messages()) this.#finish(message, error);
	}

	#reset(): void {
		this.#session = this.#newSession(this);
		this.#life = undefined;
		this.#next = 0;
		this.#knocks = 0;
		this.#full = 0;
	}

	#messages(): Set<Outgoing> {
		const all = new Set(this.#queue);
		for (const { message } of this.#inFlight.values()) all.add(message);
		return all;
	}

	#knock(): void {
		this.#knocks++;
		this.#knocked = this.#ports.clock.now();
		this.#transmit(knockType, { session: this.#session }, this.#knocks > 1 ? 1 : 0);
		this.#arm();
	}

	#opened(reply: Reply, from: RemotePeer): void {
		if (!reply.exact && this.#queue.some(({ destination }) => destination.exact)) {
			this.#confirmAbsent();
			// Those who asked for whoever is responsible can go on.
			if (this.#queue.every(({ destination }) => destination.exact)) return;
		}
		if (this.#knocks === 1) this.#measure(this.#ports.clock.now() - this.#knocked);
		this.#life = reply.life;
		this.#exact = reply.exact;
		this.#peer = from;
		this.#pump();
	}

	#acknowledged({ state, next, hops }: Reply): void {
		const wasFull = this.#full > 0;
		this.#full = state === "full" ? this.#full + 1 : 0;
		for (const chunk of this.#inFlight.values()) {
			if (chunk.number >= next) break;
			this.#full = Math.min(this.#full, 1);
			this.#taken(chunk, hops);
		}
		// What came while there was no room was thrown away.
		if (wasFull && this.#full === 0) {
			for (const chunk of this.#inFlight.values()) this.#sendChunk(chunk, 0);
		}
		this.#pump();
	}

	/** The owner of the target's place says that it is not the target. Asks the ring itself before believing it. */
	#confirmAbsent(): void {
		if (this.#confirming) return;
		this.#confirming = true;
		this.#ports.node.lookup(this.#target, { mode: "iterative" }).then(
			({ node }) => {
				this.#confirming = false;
				// It may be there after all: what is sent again finds it.
				if (!node.hash.equals(this.#target)) this.#lost();
			},
			() => {
				// What is sent again leads here again.
				this.#confirming = false;
			},
		);
	}

	/** The life that the session was with is over. What it may have taken is not sent to another. */
	#lost(): void {
		for (const { message } of this.#inFlight.values()) {
			this.#finish(
				message,
				new SwarmError(
					"UNREACHABLE",
					`${message.destination.name} went away before it took the message`,
				),
			);
		}
		// After a knock that somebody else answered, what still waits has been sent to nobody.
		if (this.#life === undefined) {
			for (const message of [...this.#queue]) {
				const { exact, name } = message.destination;
				if (!exact) continue;
				this.#finish(message, new SwarmError("NOT_FOUND", `${name} is not in the swarm`));
			}
		}
		this.#reset();
		if (this.#queue.length > 0) this.#knock();
	}

	/** Sends what the window lets through. */
	#pump(): void {
		if (this.#life !== undefined && this.#full === 0) {
			while (this.#inFlight.size < WINDOW) {
				const index = this.#queue.findIndex(({ destination }) => this.#exact || !destination.exact);
				const [message] = index < 0 ? [] : this.#queue.splice(index, 1);
				if (message === undefined) break;
				this.#start(message);
			}
			if (this.#inFlight.size === 0 && this.#queue.length > 0) {
				// The session is with the owner of the target's place, and what waits wants the target itself.
				this.#reset();
				this.#knock();
			}
		}
		this.#arm();
	}

	#start(message: Outgoing): void {
		message.started = this.#ports.clock.now();
		for (const [index, data] of message.chunks.entries()) {
			const end = index === message.chunks.length - 1;
			const chunk = { number: this.#next++, message, data, end, attempts: 0, sent: 0 };
			this.#inFlight.set(chunk.number, chunk);
			message.copies = this.#sendChunk(chunk, message.duplicates);
		}
	}

	#sendChunk(chunk: InFlight, extra: number): number {
		chunk.attempts++;
		chunk.sent = this.#ports.clock.now();
		const { number, end, data } = chunk;
		const [first] = this.#inFlight.keys();
		const base = first ?? number;
		const to = this.#life ?? 0;
		return this.#transmit(
			chunkType,
			{ session: this.#session, to, number, base, end, data },
			extra,
		);
	}

	/** Sends towards the target, and `extra` copies by way of other neighbours. Gives the number of copies. */
	#transmit<Body>(type: NoticeType<Body>, body: Body, extra: number): number {
		const { node } = this.#ports;
		let copies = node.route(this.#target, type, body) ? 1 : 0;
		if (extra === 0) return copies;
		for (const via of detours(node, this.#target).slice(0, extra)) {
			if (node.route(this.#target, type, body, { via })) copies++;
		}
		return copies;
	}

	#taken(chunk: InFlight, hops: number): void {
		const { message } = chunk;
		this.#inFlight.delete(chunk.number);
		if (chunk.attempts === 1) this.#measure(this.#ports.clock.now() - chunk.sent);
		message.untaken--;
		if (message.untaken > 0 || this.#peer === undefined) return;
		const rtt = this.#ports.clock.now() - message.started;
		const receipt = { target: this.#peer, exact: this.#exact, copies: message.copies, hops, rtt };
		this.#finish(message, undefined, receipt);
	}

	#finish(message: Outgoing, error: SwarmError | undefined, receipt?: Receipt): void {
		this.#drop(message);
		if (message.over) return;
		message.over = true;
		message.done(error, receipt);
	}

	#drop(message: Outgoing): void {
		const queued = this.#queue.indexOf(message);
		if (queued >= 0) this.#queue.splice(queued, 1);
		for (const chunk of this.#inFlight.values()) {
			if (chunk.message === message) this.#inFlight.delete(chunk.number);
		}
		if (this.idle) this.#timer?.cancel();
	}

	#measure(rtt: number): void {
		this.#smoothedRtt =
			this.#smoothedRtt === undefined ? rtt : this.#smoothedRtt * 0.875 + rtt * 0.125;
	}

	/** How long to wait for an answer to the given attempt. */
	#patience(attempts: number): number {
		if (this.#full > 0) {
			return Math.min(RETRY.fullFirst * 2 ** (this.#full - 1), RETRY.fullMost);
		}
		const first =
			this.#smoothedRtt === undefined
				? RETRY.first
				: Math.max(RETRY.least, this.#smoothedRtt * 2 + 50);
		return Math.min(first * 2 ** (attempts - 1), RETRY.most);
	}

	/** Sets the timer to when something is due to be sent again. */
	#arm(): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		if (this.idle) return;
		let due = Infinity;
		if (this.#life === undefined) {
			due = this.#knocked + this.#patience(this.#knocks);
		} else {
			for (const { sent, attempts } of this.#inFlight.values()) {
				due = Math.min(due, sent + this.#patience(attempts));
				if (this.#full > 0) break;
			}
			if (due === Infinity) return;
		}
		const { clock } = this.#ports;
		this.#timer = clock.schedule(Math.max(1, due - clock.now()), () => {
			this.#resend();
		});
	}

	#resend(): void {
		const now = this.#ports.clock.now();
		if (this.#life === undefined) {
			this.#knock();
			return;
		}
		for (const chunk of this.#inFlight.values()) {
			if (chunk.sent + this.#patience(chunk.attempts) > now + 1) continue;
			this.#sendChunk(chunk, Math.max(1, chunk.message.duplicates));
			// A full inbox is asked with one chunk, not with all of them.
			if (this.#full > 0) break;
		}
		this.#arm();
	}
}

/** The receiver's end of a session. */
interface Inbound {
	readonly origin: RemoteNode;
	readonly session: number;
	readonly exact: boolean;
	/** The number of the next chunk to take. */
	next: number;
	/** Chunks of the message that is being put together. */
	parts: Uint8Array[];
	partBytes: number;
	/** Chunks that came before their turn. */
	readonly early: Map<number, Chunk>;
	/** A reply that goes out when what is handled now is done, so that one stands for many chunks. */
	due: "open" | "full" | undefined;
	/** Links that the last chunk crossed. */
	hops: number;
	/** The inbox had no room for what comes next. */
	starved: boolean;
}

/** Messages from this peer to others, and from others to this one. */
export class Delivery {
	readonly #ports: DeliveryPorts;
	readonly #limit: number;
	readonly #outbound = new Map<string, Outbound>();
	readonly #bySession = new Map<number, Outbound>();
	readonly #inbound = new Map<string, Inbound>();
	#earlyBytes = 0;

	/** `limit`: bytes of the largest message. */
	constructor(ports: DeliveryPorts, limit: number) {
		this.#ports = ports;
		this.#limit = limit;
		const { node } = ports;
		node.handleRouted(knockType, (knock, routed) => {
			const inbound = this.#inbound.get(keyOf(knock.session, routed));
			const { hops, exact } = routed;
			const next = inbound?.next ?? 0;
			this.#reply(routed.origin, { session: knock.session, exact, state: "open", next, hops });
		});
		node.handleRouted(chunkType, (chunk, routed) => {
			this.receive(chunk, routed);
		});
		node.handleRouted(replyType, (reply, { origin, exact }) => {
			if (!exact) return;
			this.#bySession.get(reply.session)?.reply(reply, remotePeer(origin));
		});
	}

	/** Sends `data`, which is ours to keep. `done` hears of its fate once, unless the sending is cancelled. */
	send(
		destination: Destination,
		data: Uint8Array,
		duplicates: number,
		done: Answer<Receipt, SwarmError>,
	): Cancel {
		const { node, clock } = this.#ports;
		if (destination.hash.equals(node.hash)) return this.#sendToSelf(data, done);
		const chunks = cut(data);
		const message: Outgoing = {
			destination,
			duplicates,
			done,
			chunks,
			untaken: chunks.length,
			started: clock.now(),
			copies: 0,
			over: false,
		};
		return this.#sessionWith(destination.hash).send(message);
	}

	/** Takes a chunk that was routed here. */
	receive(chunk: Chunk, { origin, hops, exact, target }: Routed): void {
		if (chunk.to !== this.#ports.node.incarnation) {
			const { session } = chunk;
			this.#reply(origin, { session, exact, state: "restarted", next: 0, hops });
			return;
		}
		const inbound = this.#inboundFor(chunk, { origin, exact, target });
		if (inbound.due !== undefined && inbound.hops !== hops) this.#answer(inbound, inbound.due);
		inbound.hops = hops;
		inbound.starved = false;
		this.#skipTo(inbound, chunk.base);
		const ahead = chunk.number - inbound.next;
		if (ahead > 0) this.#keepEarly(inbound, chunk);
		else if (ahead === 0 && !this.#take(inbound, chunk)) inbound.starved = true;
		this.#takeEarly(inbound);
		this.#acknowledge(inbound);
	}

	/** There is room in the inbox again: those who were turned away may go on. */
	roomAgain(): void {
		for (const inbound of this.#inbound.values()) {
			if (!inbound.starved) continue;
			inbound.starved = false;
			this.#takeEarly(inbound);
			this.#acknowledge(inbound);
		}
	}

	/** Ends every message under way, and forgets what came in. */
	close(error: SwarmError): void {
		for (const outbound of this.#outbound.values()) outbound.fail(error);
		this.#outbound.clear();
		this.#bySession.clear();
		this.#inbound.clear();
		this.#earlyBytes = 0;
	}

	#sendToSelf(data: Uint8Array, done: Answer<Receipt, SwarmError>): Cancel {
		const { node, clock, accept } = this.#ports;
		const started = clock.now();
		const self = remotePeer(node);
		let timer: Timer | undefined;
		const attempt = (): void => {
			if (accept(self, data)) {
				const rtt = clock.now() - started;
				done(undefined, { target: self, exact: true, copies: 1, hops: 0, rtt });
			} else {
				timer = clock.schedule(RETRY.least, attempt);
			}
		};
		attempt();
		return () => {
			timer?.cancel();
		};
	}

	#sessionWith(target: Hash): Outbound {
		const key = target.toString();
		const outbound = this.#outbound.get(key) ?? new Outbound(this.#ports, target, this.#newSession);
		this.#outbound.delete(key);
		this.#outbound.set(key, outbound);
		for (const [oldest, candidate] of this.#outbound) {
			if (this.#outbound.size <= SESSIONS) break;
			if (!candidate.idle) continue;
			this.#outbound.delete(oldest);
			this.#bySession.delete(candidate.session);
		}
		return outbound;
	}

	readonly #newSession = (outbound: Outbound): number => {
		this.#bySession.delete(outbound.session);
		const session = sessionNumber(this.#ports.random);
		this.#bySession.set(session, outbound);
		return session;
	};

	#inboundFor(chunk: Chunk, routed: Pick<Routed, "origin" | "exact" | "target">): Inbound {
		const key = keyOf(chunk.session, routed);
		const inbound = this.#inbound.get(key) ?? {
			origin: routed.origin,
			session: chunk.session,
			exact: routed.exact,
			next: chunk.base,
			parts: [],
			partBytes: 0,
			early: new Map<number, Chunk>(),
			due: undefined,
			hops: 0,
			starved: false,
		};
		this.#inbound.delete(key);
		this.#inbound.set(key, inbound);
		if (this.#inbound.size > SESSIONS) {
			for (const [oldest, { early }] of this.#inbound) {
				for (const { data } of early.values()) this.#earlyBytes -= data.length;
				this.#inbound.delete(oldest);
				break;
			}
		}
		return inbound;
	}

	/** The sender no longer cares about chunks before `base`. */
	#skipTo(inbound: Inbound, base: number): void {
		if (base <= inbound.next) return;
		inbound.next = base;
		inbound.parts = [];
		inbound.partBytes = 0;
		for (const [number, { data }] of inbound.early) {
			if (number >= base) continue;
			inbound.early.delete(number);
			this.#earlyBytes -= data.length;
		}
	}

	#keepEarly({ early }: Inbound, chunk: Chunk): void {
		const bytes = chunk.data.length;
		if (early.has(chunk.number) || early.size >= EARLY) return;
		if (this.#earlyBytes + bytes > EARLY_BYTES) return;
		early.set(chunk.number, { ...chunk, data: chunk.data.slice() });
		this.#earlyBytes += bytes;
	}

	/** Takes the chunk whose turn it is; false when it ends a message for which the inbox has no room. */
	#take(inbound: Inbound, { data, end }: Chunk): boolean {
		const bytes = inbound.partBytes + data.length;
		if (!end || inbound.parts.length > 0) inbound.parts.push(data.slice());
		if (end) {
			const message = inbound.parts.length > 0 ? join(inbound.parts, bytes) : data.slice();
			// What is larger than a message may be is taken from the sender and thrown away.
			const fits = bytes <= this.#limit;
			if (fits && !this.#ports.accept(remotePeer(inbound.origin), message)) {
				if (inbound.parts.length > 0) inbound.parts.pop();
				return false;
			}
			inbound.parts = [];
			inbound.partBytes = 0;
		} else {
			inbound.partBytes = bytes;
			if (bytes > this.#limit) inbound.parts = [];
		}
		inbound.next++;
		return true;
	}

	#takeEarly(inbound: Inbound): void {
		for (;;) {
			const chunk = inbound.early.get(inbound.next);
			if (chunk === undefined) return;
			if (!this.#take(inbound, chunk)) {
				inbound.starved = true;
				return;
			}
			inbound.early.delete(chunk.number);
			this.#earlyBytes -= chunk.data.length;
		}
	}

	/** Answers once for all that is taken in one go. */
	#acknowledge(inbound: Inbound): void {
		const scheduled = inbound.due !== undefined;
		inbound.due = inbound.starved ? "full" : "open";
		if (scheduled) return;
		this.#ports.clock.defer(() => {
			if (inbound.due !== undefined) this.#answer(inbound, inbound.due);
			inbound.due = undefined;
		});
	}

	#answer({ origin, session, exact, next, hops }: Inbound, state: "open" | "full"): void {
		this.#reply(origin, { session, exact, state, next, hops });
	}

	#reply(origin: RemoteNode, reply: Omit<Reply, "life">): void {
		const { node } = this.#ports;
		// The peer may have been closed since.
		if (node.standing !== "member") return;
		node.route(origin.hash, replyType, { ...reply, life: node.incarnation });
	}
}

/** Neighbours by way of whom a copy for `target` can go, the one nearest before it left out: it is on the usual route. */
function detours(node: LocalNode, target: Hash): RemoteNode[] {
	const distance = (peer: RemoteNode): bigint => peer.hash.distanceTo(target);
	const peers = [...node.peers].filter(({ hash }) => !hash.equals(target));
	peers.sort((a, b) => (distance(a) < distance(b) ? -1 : 1));
	return peers.slice(1);
}

function keyOf(session: number, { origin, target }: Pick<Routed, "origin" | "target">): string {
	return `${session} ${origin.hash.toString()} ${target.toString()}`;
}

function sessionNumber(random: Random): number {
	return random.bytes(6).reduce((value, byte) => value * 256 + byte, 0);
}

function cut(data: Uint8Array): Uint8Array[] {
	if (data.length <= CHUNK) return [data];
	const chunks: Uint8Array[] = [];
	for (let start = 0; start < data.length; start += CHUNK) {
		chunks.push(data.subarray(start, start + CHUNK));
	}
	return chunks;
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
