import type {
	Answer,
	Cancel,
	Clock,
	Hash,
	LocalNode,
	NoticeType,
	RemoteNode,
	Timer,
} from "@cicada/chordlib";

import { CHUNK_HEAD, type Lane, type Reply, knockType, packetType } from "./delivery-messages.ts";
import type { Dialling } from "./dialling.ts";
import { SwarmError } from "./errors.ts";
import { Flight, type InFlight, packets } from "./flight.ts";
import { Patience } from "./patience.ts";
import type { RemotePeer } from "./remote-peer.ts";
import { type RouteNetwork, Routes } from "./routes.ts";
import type { Destination } from "./target.ts";

/** What a sender learns about a message that was taken. */
export interface Receipt {
	/** Who has taken it. */
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

/** How a message may go: straight to its target where that can be dialled, or over links that are there. */
export type Route = "auto" | "ring";

/** A message to be sent. `done` hears of its fate once, unless the sending is cancelled. */
export interface Outgoing {
	readonly destination: Destination;
	readonly data: Uint8Array;
	readonly duplicates: number;
	readonly route: Route;
	readonly lane: Lane;
	readonly done: Answer<Receipt, SwarmError>;
}

/** What the sender's end of a session asks of the peer that it is part of. */
export interface OutboundPorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	readonly dialling: Dialling;
	readonly routes: RouteNetwork;
	/** Bytes of a packet's chunks. */
	readonly packet: number;
	/** Gives a new session number, by which replies find their way here. */
	readonly newSession: (outbound: Outbound) => number;
}

/** Milliseconds until a target without room is asked again: at first, at most. */
const FULL = { first: 1_000, most: 30_000 };
/** Milliseconds for which a session without messages is believed to be the same still. */
const FRESH = 2_000;
/** Milliseconds for which messages wait while the target is dialled; then they go along the ring. */
const DIAL_FIRST = 500;

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

/** The sender's end of the sessions with one target in one lane, one session after the other. */
export class Outbound {
	readonly #ports: OutboundPorts;
	readonly #target: Hash;
	readonly #lane: Lane;
	/** Messages that are not wholly in chunks yet, in the order they were given. */
	readonly #queue = new Set<Message>();
	readonly #flight = new Flight<Message>();
	readonly #patience = new Patience();
	readonly #routes: Routes;
	#session = 0;
	/** Who answered the knock, whether it is the target itself, and its life; undefined until then. */
	#peer: RemotePeer | undefined;
	#exact = false;
	#life: number | undefined;
	/** When anything was last heard in the session. */
	#heard = -Infinity;
	#knocks = 0;
	#knocked = 0;
	/** Whether a link to the target itself was tried for in this session; what is to be sent waits while the timer runs. */
	#dialled = false;
	#dialTimer: Timer | undefined;
	/** While the target has no room: how often it was asked. */
	#full = 0;
	#timer: Timer | undefined;
	#due = Infinity;
	#pumping = false;
	#confirming = false;

	constructor(ports: OutboundPorts, target: Hash, lane: Lane) {
		this.#ports = ports;
		this.#target = target;
		this.#lane = lane;
		this.#routes = new Routes(ports.routes, target);
		this.#reset();
	}

	get session(): number {
		return this.#session;
	}

	get idle(): boolean {
		return this.#queue.size === 0 && this.#flight.size === 0;
	}

	/** How far the session has come, in words: why a message to the target was not taken yet. */
	get progress(): string {
		if (this.#life === undefined) {
			return `nobody answered at its place, asked ${this.#knocks} times`;
		}
		if (this.#full > 0) return this.#lane === "inbox" ? "its inbox is full" : "it serves too much";
		return "it answers, but has not taken all of it";
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
		this.#routes.prepare(outgoing.duplicates, () => {
			this.#pumpSoon();
		});
		if (outgoing.route === "auto") this.#dial(outgoing.destination);
		if (this.#life === undefined && this.#due === Infinity) this.#knock();
		else this.#pumpSoon();
		return () => {
			this.#drop(message);
			// It may have been all that kept the others waiting.
			this.#pumpSoon();
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
		this.#dialTimer?.cancel();
		this.#dialTimer = undefined;
		this.#routes.stop();
		this.#life = undefined;
	}

	#reset(): void {
		this.#session = this.#ports.newSession(this);
		this.#life = undefined;
		this.#knocks = 0;
		this.#dialled = false;
		this.#dialTimer?.cancel();
		this.#dialTimer = undefined;
		this.#full = 0;
		this.#flight.clear();
	}

	#messages(): Set<Message> {
		const all = new Set(this.#queue);
		for (const { message } of this.#flight.values()) all.add(message);
		return all;
	}

	/** Tries, once in a session, for a link to the target itself. What is to be sent waits a moment for it. */
	#dial({ hash, address }: Pick<Destination, "hash" | "address">): void {
		if (this.#dialled || address === undefined) return;
		this.#dialled = true;
		const { clock, dialling } = this.#ports;
		const proceed = (): void => {
			timer.cancel();
			if (this.#dialTimer !== timer) return;
			this.#dialTimer = undefined;
			this.#pumpSoon();
		};
		const timer = clock.schedule(DIAL_FIRST, proceed);
		this.#dialTimer = timer;
		dialling.link({ hash, address }, proceed);
	}

	#knock(): void {
		this.#knocks++;
		this.#knocked = this.#ports.clock.now();
		const body = { session: this.#session, lane: this.#lane };
		const duplicates = [...this.#queue].map((message) => message.duplicates);
		this.#transmit(knockType, body, this.#knocks, Math.max(0, ...duplicates));
		this.#arm(this.#knocked + this.#patience.of(this.#knocks));
	}

	/** A knock was answered. Only what may go to whoever owns the target's place goes to another than the target. */
	#answered(reply: Reply, from: RemotePeer): void {
		if (!reply.exact) {
			const wanted = [...this.#queue].filter(({ destination }) => destination.exact);
			if (wanted.length > 0) this.#confirmAbsent();
			if (wanted.length === this.#queue.size) return;
		}
		if (this.#knocks === 1) this.#patience.measure(this.#ports.clock.now() - this.#knocked);
		this.#life = reply.life;
		this.#exact = reply.exact;
		this.#peer = from;
		const mayDial = [...this.#queue].some(({ route }) => route === "auto");
		if (reply.exact && mayDial) this.#dial(from);
		this.#pump();
	}

	#acknowledged({ state, next, hops }: Reply): void {
		const wasFull = this.#full > 0;
		this.#full = state === "full" ? Math.max(this.#full, 1) : 0;
		for (const chunk of this.#flight.values()) {
			if (chunk.number >= next) break;
			this.#full = Math.min(this.#full, 1);
			this.#taken(chunk, hops);
		}
		const refused = state === "tooLarge" ? this.#flight.get(next)?.message : undefined;
		if (refused !== undefined) {
			const { name } = refused.destination;
			this.#finish(
				refused,
				new SwarmError("TOO_LARGE", `${name} takes no message of ${refused.data.length} bytes`),
			);
		}
		// What came while there was no room, or after what was refused, was thrown away.
		if ((wasFull && this.#full === 0) || refused !== undefined) {
			this.#sendAnew();
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

	/** Sends at the end of this turn, so that what is given in one turn shares packets. */
	#pumpSoon(): void {
		if (this.#pumping) return;
		this.#pumping = true;
		this.#ports.clock.defer(() => {
			this.#pumping = false;
			this.#pump();
		});
	}

	/** Sends what the window lets through; while there is no room, one chunk that asks for it. */
	#pump(): void {
		if (this.#life === undefined || this.#dialTimer !== undefined || this.#routes.preparing) return;
		const fresh: InFlight<Message>[] = [];
		while (this.#full > 0 ? this.#flight.size === 0 : this.#flight.hasRoom) {
			const message = this.#nextQueued();
			if (message === undefined) break;
			fresh.push(this.#cut(message));
		}
		this.#sendChunks(fresh);
		if (this.#flight.size === 0 && this.#queue.size > 0) {
			// The session is with the owner of the target's place, and what waits wants the target itself.
			this.#reset();
			this.#knock();
		}
	}

	/** Cuts the next chunk off a message. */
	#cut(message: Message): InFlight<Message> {
		const { clock, packet } = this.#ports;
		const { offset } = message;
		const data = message.data.subarray(offset, offset + packet - CHUNK_HEAD);
		message.offset += data.length;
		message.cut = message.offset === message.data.length;
		if (offset === 0) message.started = clock.now();
		if (message.cut) this.#queue.delete(message);
		message.untaken++;
		return this.#flight.add(message, { start: offset === 0, end: message.cut, data });
	}

	/** Sends what the target had no use for when it came; not what may be on its way still. */
	#sendAnew(): void {
		const before = this.#ports.clock.now() - this.#patience.rtt;
		const chunks = [...this.#flight.values()].filter(({ sent }) => sent <= before);
		for (const chunk of chunks) chunk.attempts = 0;
		this.#sendChunks(chunks);
	}

	/** Sends chunks, whether for the first time or again: then by other routes too. */
	#sendChunks(chunks: Iterable<InFlight<Message>>): void {
		const now = this.#ports.clock.now();
		const alike = (a: InFlight<Message>, b: InFlight<Message>): boolean =>
			a.attempts === b.attempts && a.message.duplicates === b.message.duplicates;
		for (const packet of packets(chunks, this.#ports.packet, alike)) {
			const [first] = packet;
			if (first === undefined) continue;
			const attempts = first.attempts + 1;
			for (const chunk of packet) {
				chunk.attempts = attempts;
				chunk.sent = now;
			}
			const body = {
				session: this.#session,
				to: this.#life ?? 0,
				number: first.number,
				base: this.#flight.base,
				chunks: packet,
			};
			const copies = this.#transmit(packetType, body, attempts, first.message.duplicates);
			for (const { message, start } of packet) if (attempts === 1 && start) message.copies = copies;
			this.#arm(now + this.#patienceFor(attempts));
		}
	}

	/**
	 * Sends towards the target, and copies by disjoint routes: as many as are asked for; and when it is said again one at
	 * least, by others each time. A target that has no room has been reached.
	 */
	#transmit<Body>(
		type: NoticeType<Body>,
		body: Body,
		attempts: number,
		duplicates: number,
	): number {
		const { node } = this.#ports;
		const usual = node.route(this.#target, type, body) ? 1 : 0;
		const again = this.#full === 0 ? attempts - 1 : 0;
		if (again === 0 && duplicates === 0) return usual;
		const first = duplicates === 0 ? again - 1 : again * duplicates;
		const count = Math.max(1, duplicates);
		const use = (via: RemoteNode): boolean => node.route(this.#target, type, body, { via });
		return usual + this.#routes.send(first, count, use);
	}

	/** The first message that the session's peer may have. */
	#nextQueued(): Message | undefined {
		for (const message of this.#queue) {
			if (this.#exact || !message.destination.exact) return message;
		}
		return undefined;
	}

	#taken(chunk: InFlight<Message>, hops: number): void {
		const { message } = chunk;
		const now = this.#ports.clock.now();
		this.#flight.remove(chunk);
		if (chunk.attempts === 1) this.#patience.measure(now - chunk.sent);
		message.untaken--;
		if (message.untaken > 0 || !message.cut || this.#peer === undefined) return;
		const { copies, started } = message;
		const receipt = { target: this.#peer, exact: this.#exact, copies, hops, rtt: now - started };
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
		if (message.untaken > 0) {
			for (const chunk of this.#flight.values()) {
				if (chunk.message === message) this.#flight.remove(chunk);
			}
		}
		if (this.idle) this.#disarm();
	}

	#patienceFor(attempts: number): number {
		if (this.#full === 0) return this.#patience.of(attempts);
		return Math.min(FULL.first * 2 ** (this.#full - 1), FULL.most);
	}

	/** Sets the timer to the moment given, unless it is set to an earlier one. */
	#arm(due: number): void {
		if (this.idle || due >= this.#due) return;
		this.#disarm();
		this.#due = due;
		const { clock } = this.#ports;
		this.#timer = clock.schedule(Math.max(1, due - clock.now()), () => {
			this.#due = Infinity;
			this.#resend();
		});
	}

	#disarm(): void {
		this.#timer?.cancel();
		this.#due = Infinity;
	}

	/** Says again what was not answered in time, and sets the timer to when the next is due. */
	#resend(): void {
		const now = this.#ports.clock.now();
		if (this.#life === undefined) {
			const due = this.#knocked + this.#patience.of(this.#knocks);
			if (due <= now + 1) this.#knock();
			else this.#arm(due);
			return;
		}
		const overdue: InFlight<Message>[] = [];
		for (const chunk of this.#flight.values()) {
			const due = chunk.sent + this.#patienceFor(chunk.attempts);
			if (due <= now + 1) overdue.push(chunk);
			else this.#arm(due);
			// A peer without room is asked with one chunk, not with all of them.
			if (this.#full > 0) break;
		}
		if (this.#full > 0 && overdue.length > 0) this.#full++;
		this.#sendChunks(overdue);
	}
}
