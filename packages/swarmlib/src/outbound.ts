import {
	type Answer,
	type Cancel,
	type Clock,
	type Hash,
	type LocalNode,
	type NoticeType,
	type RemoteNode,
	type Timer,
} from "@cicada/chordlib";

import { type Reply, chunkType, knockType } from "./delivery-messages.ts";
import { SwarmError } from "./errors.ts";
import type { RemotePeer } from "./remote-peer.ts";
import type { Destination } from "./target.ts";

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

/** A message to be sent. `done` hears of its fate once, unless the sending is cancelled. */
export interface Outgoing {
	readonly destination: Destination;
	readonly data: Uint8Array;
	readonly duplicates: number;
	readonly done: Answer<Receipt, SwarmError>;
}

/** What the sender's end of a session asks of the peer that it is part of. */
export interface OutboundPorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	/** Bytes of a message in one chunk. */
	readonly chunk: number;
	/** Gives a new session number, by which replies find their way here. */
	readonly newSession: (outbound: Outbound) => number;
}

/** Chunks of one session under way at once. */
const WINDOW = 128;
/** Milliseconds until something is sent again: at first, at least, at most; and while an inbox is full. */
const RETRY = { first: 300, least: 100, most: 3_000, fullFirst: 1_000, fullMost: 30_000 };

/** Milliseconds for which a session without messages is believed to be the same still. */
const FRESH = 2_000;

/** A message under way. */
interface Message extends Outgoing {
	/** Bytes that are in chunks, each sent at least once; all of them when `cut`. */
	offset: number;
	cut: boolean;
	/** Chunks sent and not acknowledged. */
	untaken: number;
	started: number;
	copies: number;
	over: boolean;
}

/** A numbered chunk under way. */
interface InFlight {
	readonly number: number;
	readonly message: Message;
	readonly data: Uint8Array;
	readonly start: boolean;
	readonly end: boolean;
	attempts: number;
	sent: number;
}

/** The sender's end of the sessions with one target, one session after the other. */
export class Outbound {
	readonly #ports: OutboundPorts;
	readonly #target: Hash;
	/** Messages that are not wholly in chunks yet, in the order they were given. */
	readonly #queue = new Set<Message>();
	readonly #inFlight = new Map<number, InFlight>();
	#session = 0;
	/** Who answered the knock, whether it is the target itself, and its life; undefined until then. */
	#peer: RemotePeer | undefined;
	#exact = false;
	#life: number | undefined;
	#next = 0;
	/** When anything was last heard in the session. */
	#heard = -Infinity;
	#knocks = 0;
	#knocked = 0;
	/** While the target has no room: how often it was asked. */
	#full = 0;
	#smoothedRtt: number | undefined;
	#timer: Timer | undefined;
	#confirming = false;

	constructor(ports: OutboundPorts, target: Hash) {
		this.#ports = ports;
		this.#target = target;
		this.#reset();
	}

	get session(): number {
		return this.#session;
	}

	get idle(): boolean {
		return this.#queue.size === 0 && this.#inFlight.size === 0;
	}

	/** Whether the session is open, and with the target itself. */
	get #withTarget(): boolean {
		return this.#life !== undefined && this.#exact;
	}

	send(outgoing: Outgoing): Cancel {
		const message: Message = {
			...outgoing,
			offset: 0,
			cut: false,
			untaken: 0,
			started: 0,
			copies: 0,
			over: false,
		};
		const { clock } = this.#ports;
		// In so long a time the target may have begun another life: what was not sent to the old one is the new one's.
		if (this.idle && clock.now() - this.#heard > FRESH) this.#reset();
		this.#queue.add(message);
		if (this.#life === undefined && this.#knocks === 0) this.#knock();
		else this.#pump();
		return () => {
			this.#drop(message);
			// It may have been all that kept the others waiting.
			this.#pump();
		};
	}

	/** What the target, or who owns its place, answered. */
	reply(reply: Reply, from: RemotePeer): void {
		this.#heard = this.#ports.clock.now();
		if (this.#life === undefined) {
			if (reply.state === "open") this.#answered(reply, from);
		} else if (reply.state === "restarted") {
			// Somebody else's word for the target being gone is not enough: the ring may just be changing.
			if (reply.exact || !this.#exact) this.#lost();
			else this.#confirmAbsent();
		} else if (reply.life === this.#life) {
			this.#acknowledged(reply);
		}
	}

	/** Ends every message under way. */
	fail(error: SwarmError): void {
		for (const message of this.#messages()) this.#finish(message, error);
		this.#life = undefined;
	}

	#reset(): void {
		this.#session = this.#ports.newSession(this);
		this.#life = undefined;
		this.#next = 0;
		this.#knocks = 0;
		this.#full = 0;
	}

	#messages(): Set<Message> {
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

	/** A knock was answered. Only what may go to whoever owns the target's place goes to another than the target. */
	#answered(reply: Reply, from: RemotePeer): void {
		if (!reply.exact) {
			const wanted = [...this.#queue].filter(({ destination }) => destination.exact);
			if (wanted.length > 0) this.#confirmAbsent();
			if (wanted.length === this.#queue.size) return;
		}
		if (this.#knocks === 1) this.#measure(this.#ports.clock.now() - this.#knocked);
		this.#life = reply.life;
		this.#exact = reply.exact;
		this.#peer = from;
		this.#pump();
	}

	#acknowledged({ state, next, hops }: Reply): void {
		const wasFull = this.#full > 0;
		this.#full = state === "full" ? Math.max(this.#full, 1) : 0;
		for (const chunk of this.#inFlight.values()) {
			if (chunk.number >= next) break;
			this.#full = Math.min(this.#full, 1);
			this.#taken(chunk, hops);
		}
		const refused = state === "tooLarge" ? this.#inFlight.get(next)?.message : undefined;
		if (refused !== undefined) {
			const { name } = refused.destination;
			this.#finish(
				refused,
				new SwarmError("TOO_LARGE", `${name} takes no message of ${refused.data.length} bytes`),
			);
		}
		// What came while there was no room, or after what was refused, was thrown away.
		if ((wasFull && this.#full === 0) || refused !== undefined) {
			for (const chunk of this.#inFlight.values()) this.#sendChunk(chunk, 0);
		}
		this.#pump();
	}

	/** Another answers in the target's place. Asks the ring itself before believing that the target is not there. */
	#confirmAbsent(): void {
		if (this.#confirming) return;
		this.#confirming = true;
		const doubted = this.#withTarget ? this.#session : undefined;
		this.#ports.node.lookup(this.#target, { mode: "iterative" }).then(
			({ node }) => {
				this.#confirming = false;
				// It may be there after all, or have answered meanwhile: what is sent again finds it.
				if (node.hash.equals(this.#target)) return;
				if (this.#withTarget && this.#session !== doubted) return;
				this.#absent();
			},
			() => {
				// What is sent again leads here again.
				this.#confirming = false;
			},
		);
	}

	/** The target is not in the swarm. */
	#absent(): void {
		if (this.#withTarget) {
			this.#lost();
			return;
		}
		// What wants the target itself has been sent to nobody.
		for (const message of this.#queue) {
			const { exact, name } = message.destination;
			if (exact) this.#finish(message, new SwarmError("NOT_FOUND", `${name} is not in the swarm`));
		}
	}

	/** The session is over. What may have been taken in it is not sent to another life. */
	#lost(): void {
		for (const message of this.#messages()) {
			if (message.offset === 0 && !message.cut) continue;
			const { name } = message.destination;
			const what = `${name} went away before it said that it took the message`;
			this.#finish(message, new SwarmError("UNREACHABLE", what));
		}
		this.#reset();
		if (this.#queue.size > 0) this.#knock();
	}

	/** Sends what the window lets through; while there is no room, one chunk that asks for it. */
	#pump(): void {
		if (this.#life !== undefined) {
			const window = this.#full > 0 ? 1 : WINDOW;
			while (this.#inFlight.size < window) {
				const message = this.#nextQueued();
				if (message === undefined) break;
				this.#sendNext(message);
			}
			if (this.#inFlight.size === 0 && this.#queue.size > 0) {
				// The session is with the owner of the target's place, and what waits wants the target itself.
				this.#reset();
				this.#knock();
			}
		}
		this.#arm();
	}

	/** Cuts the next chunk off a message, and sends it. */
	#sendNext(message: Message): void {
		const { clock, chunk: size } = this.#ports;
		const start = message.offset;
		const data = message.data.subarray(start, start + size);
		message.offset += data.length;
		message.cut = message.offset === message.data.length;
		if (start === 0) message.started = clock.now();
		if (message.cut) this.#queue.delete(message);
		const chunk: InFlight = {
			number: this.#next++,
			message,
			data,
			start: start === 0,
			end: message.cut,
			attempts: 0,
			sent: 0,
		};
		this.#inFlight.set(chunk.number, chunk);
		message.untaken++;
		message.copies = this.#sendChunk(chunk, message.duplicates);
	}

	#sendChunk(chunk: InFlight, extra: number): number {
		chunk.attempts++;
		chunk.sent = this.#ports.clock.now();
		const { number, start, end, data } = chunk;
		const [base = number] = this.#inFlight.keys();
		const to = this.#life ?? 0;
		return this.#transmit(
			chunkType,
			{ session: this.#session, to, number, base, start, end, data },
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

	/** The first message that the session's peer may have. */
	#nextQueued(): Message | undefined {
		for (const message of this.#queue) {
			if (this.#exact || !message.destination.exact) return message;
		}
		return undefined;
	}

	#taken(chunk: InFlight, hops: number): void {
		const { message } = chunk;
		this.#inFlight.delete(chunk.number);
		if (chunk.attempts === 1) this.#measure(this.#ports.clock.now() - chunk.sent);
		message.untaken--;
		if (message.untaken > 0 || !message.cut || this.#peer === undefined) return;
		const rtt = this.#ports.clock.now() - message.started;
		const receipt = { target: this.#peer, exact: this.#exact, copies: message.copies, hops, rtt };
		this.#finish(message, undefined, receipt);
	}

	#finish(message: Message, error: SwarmError | undefined, receipt?: Receipt): void {
		this.#drop(message);
		if (message.over) return;
		message.over = true;
		message.done(error, receipt);
	}

	#drop(message: Message): void {
		this.#queue.delete(message);
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
		}
		if (due === Infinity) return;
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
			// A peer without room is asked with one chunk, not with all of them.
			if (this.#full > 0) {
				this.#full++;
				break;
			}
		}
		this.#arm();
	}
}

/** Neighbours by way of whom a copy for `target` can go, the one nearest before it left out: it is on the usual route. */
function detours(node: LocalNode, target: Hash): RemoteNode[] {
	return node.peers
		.filter(({ hash }) => !hash.equals(target))
		.map((peer) => ({ peer, distance: peer.hash.distanceTo(target) }))
		.toSorted((a, b) => (a.distance < b.distance ? -1 : 1))
		.slice(1)
		.map(({ peer }) => peer);
}
