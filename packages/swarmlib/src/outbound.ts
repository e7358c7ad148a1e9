import type { Cancel, Clock, Hash, LocalNode, RemoteNode, Timer } from "@cicada/chordlib";

import { CHUNK_HEAD, type Chunk, type Lane, type Reply } from "./delivery-messages.ts";
import type { Dialling } from "./dialling.ts";
import { SwarmError } from "./errors.ts";
import { FULL_PACKET, Flight, type InFlight, packets } from "./flight.ts";
import { Message, type Outgoing, type Receipt } from "./outgoing.ts";
import { Patience } from "./patience.ts";
import type { RemotePeer } from "./remote-peer.ts";
import { type RouteNetwork, Routes } from "./routes.ts";
import { Row } from "./row.ts";
import type { Party, Saying, Session } from "./session.ts";
import type { Approach, Sender } from "./session/approach.ts";
import type { Destination } from "./target.ts";

/** What the sender's end of a session asks of the peer that it is part of. */
export interface OutboundPorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	readonly dialling: Dialling;
	readonly routes: RouteNetwork;
	/** Bytes of a packet's chunks. */
	readonly packet: number;
	/** The other end of a session, as the application sees it. */
	readonly peerOf: (party: Party) => RemotePeer;
}

/** Milliseconds until a target without room is asked again: at first, at most. */
const FULL = { first: 1_000, most: 30_000 };
/** Milliseconds for which a session in which nothing is heard is believed to be there still. */
const FRESH = 2_000;
/** How often something is said in vain until it is asked whether the session is there still. */
const IN_VAIN = 2;
/** Milliseconds for which messages wait while the target is dialled; then they go along the ring. */
const DIAL_FIRST = 500;

/** What is sent to one target in one lane, in one session after the other. */
export class Outbound implements Sender {
	readonly #ports: OutboundPorts;
	readonly target: Hash;
	readonly #approach: Approach;
	readonly lane: Lane;
	/** Messages that are not wholly in chunks yet, in the order they were given. */
	#queue = new Row<Message>();
	readonly #flight = new Flight<Message>();
	readonly #patience = new Patience();
	readonly #routes: Routes;
	/** The session that the numbers of the chunks belong to; whether it is with the target itself; and whether it is there still. */
	#session: Session | undefined;
	#exact = false;
	#open = false;
	#given = 0;
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
	/** Messages that were given since the last look at what the window lets through. */
	#fresh = 0;
	#confirming = false;

	constructor(ports: OutboundPorts, approach: Approach, lane: Lane) {
		this.#ports = ports;
		this.#approach = approach;
		this.target = approach.target;
		this.lane = lane;
		this.#routes = new Routes(ports.routes, this.target);
		approach.add(lane, this);
	}

	/** Whether the session with whoever owns the target's place will do. */
	get takesOwner(): boolean {
		return [...this.#messages()].some(({ destination }) => !destination.exact);
	}

	/** Sends nothing any more. True when that was the last lane to the target. */
	end(): boolean {
		// Other lanes may go on in the session, and later this one: the other end takes no number twice.
		if (this.#session !== undefined) this.#session.given[this.lane] = this.#flight.next;
		return this.#approach.remove(this.lane);
	}

	get idle(): boolean {
		return this.#queue.size === 0 && this.#flight.size === 0;
	}

	/** How far the session has come, in words: why a message to the target was not taken yet. */
	get progress(): string {
		if (!this.#open) {
			return `nobody answered at its place, asked ${this.#knocks} times`;
		}
		if (this.#full > 0) return this.lane === "inbox" ? "its inbox is full" : "it serves too much";
		return "it answers, but has not taken all of it";
	}

	/** Whether the session is open, and with the target itself. */
	get #withTarget(): boolean {
		return this.#open && this.#exact;
	}

	send(outgoing: Outgoing): Cancel {
		const message = new Message(outgoing, this.#given++);
		// In so long a time the target may have begun another life: what was not sent to the old one is the new one's.
		if (this.idle && !this.#isFresh(this.#session)) this.#reset();
		this.#enqueue(message);
		if (outgoing.duplicates > 0) {
			this.#routes.prepare(outgoing.duplicates, () => {
				this.#pumpSoon();
			});
		}
		if (outgoing.route === "auto") this.#dial(outgoing.destination);
		if (!this.#open && this.#due === Infinity) this.#begin();
		// The target may begin with those, while the others are given.
		else if (++this.#fresh >= FULL_PACKET) this.#pump();
		else this.#pumpSoon();
		return () => {
			this.#drop(message);
			// It may have been all that kept the others waiting.
			this.#pumpSoon();
		};
	}

	/** There is a session. */
	opened(session: Session): void {
		const { clock } = this.#ports;
		if (!this.#open && this.#knocks === 1) this.#patience.measure(clock.now() - this.#knocked);
		this.#adopt(session);
		if (this.#open) return;
		this.#open = true;
		const mayDial = [...this.#queue].some(({ route }) => route === "auto");
		if (this.#exact && mayDial) this.#dial(session.party.node);
		this.#pumpSoon();
	}

	/** Numbers what is sent in a session; when that is another than before, what was under way in the old one may be lost. */
	#adopt(session: Session): void {
		if (session === this.#session) return;
		this.#lose(session.born);
		if (this.#session !== undefined) this.#reset();
		this.#session = session;
		this.#flight.begin(session.given[this.lane] ?? 0);
		this.#exact = session.party.node.hash.equals(this.target);
	}

	/** Only what may go to whoever owns the target's place goes to another than the target. */
	displaced(): void {
		const wanted = [...this.#messages()].some(({ destination }) => destination.exact);
		if (wanted || this.#withTarget) this.#confirmAbsent();
	}

	/** It is known whom to greet, or in doubt whether the session is there still. */
	knock(): void {
		if (this.idle) return;
		this.#knocks = 0;
		this.#knock();
	}

	/** What the other end of the session answered. */
	replied(reply: Reply, session: Session): void {
		if (session !== this.#session) return;
		if (!this.#open) this.opened(session);
		this.#acknowledged(reply, session);
	}

	/** There will be no session. */
	failed(error: SwarmError): void {
		this.fail(error);
		this.#reset();
	}

	/** Ends every message under way. */
	fail(error: SwarmError): void {
		for (const message of this.#messages()) this.#finish(message, error);
		this.#dialTimer?.cancel();
		this.#dialTimer = undefined;
		this.#routes.stop();
		this.#open = false;
	}

	/** Whether something was heard in a session lately. */
	#isFresh(session: Session | undefined): session is Session {
		return session !== undefined && this.#ports.clock.now() - session.heard <= FRESH;
	}

	/** The next message waits until it is seen whether the session is there still. */
	#reset(): void {
		this.#open = false;
		this.#knocks = 0;
		this.#dialled = false;
		this.#dialTimer?.cancel();
		this.#dialTimer = undefined;
		this.#full = 0;
	}

	/** Sends in a session in which another lane has heard something lately, or knocks to have one. */
	#begin(): void {
		const { session } = this.#approach;
		if (this.#isFresh(session)) this.opened(session);
		else this.#knock();
	}

	#messages(): Set<Message> {
		const all = new Set(this.#queue);
		for (const { message } of this.#flight.values()) all.add(message);
		return all;
	}

	/** Tries, once in a session, for a link to the target itself. What is to be sent waits a moment for it. */
	#dial(target: Pick<Destination, "hash" | "address">): void {
		if (this.#dialled) return;
		const { hash, address } = target;
		if (address === undefined) return;
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

	/** Asks for a sign of life in the session, once; then for another session. */
	#knock(): void {
		this.#knocks++;
		this.#knocked = this.#ports.clock.now();
		const { session } = this.#approach;
		const inSession = this.#knocks === 1 && session !== undefined;
		if (inSession) this.#adopt(session);
		const saying = inSession ? this.#packet(session, []) : this.#approach.knock();
		const duplicates = [...this.#queue].map((message) => message.duplicates);
		this.#transmit(saying, this.#knocks, Math.max(0, ...duplicates));
		this.#arm(this.#knocked + this.#patience.of(this.#knocks));
	}

	#acknowledged({ state, next, hops }: Reply, session: Session): void {
		const wasFull = this.#full > 0;
		this.#full = state === "full" ? Math.max(this.#full, 1) : 0;
		const target = this.#ports.peerOf(session.party);
		const now = this.#ports.clock.now();
		const end = Math.min(next, this.#flight.next);
		for (let number = this.#flight.base; number < end; number++) {
			const chunk = this.#flight.get(number);
			if (chunk === undefined) continue;
			this.#full = Math.min(this.#full, 1);
			this.#taken(chunk, target, hops, now);
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
		const asked = this.#ports.clock.now();
		this.#ports.node.lookup(this.target, { mode: "iterative" }).then(
			({ node }) => {
				this.#confirming = false;
				// It may be there after all, or have answered meanwhile: what is sent again finds it.
				if (node.hash.equals(this.target)) return;
				if (this.#withTarget && this.#session !== doubted) return;
				this.#absent(asked);
			},
			() => {
				// What is sent again leads here again.
				this.#confirming = false;
			},
		);
	}

	/** The target was not in the swarm at some moment since it was asked for. */
	#absent(asked: number): void {
		if (!this.#withTarget) {
			// What wants the target itself has been sent to nobody.
			for (const message of this.#queue) {
				const { exact, name } = message.destination;
				if (exact)
					this.#finish(message, new SwarmError("NOT_FOUND", `${name} is not in the swarm`));
			}
			return;
		}
		// What was first sent later may have met it again.
		let isMet = false;
		for (const message of this.#messages()) {
			if (!message.isSent) continue;
			if (message.started <= asked) this.#wentAway(message);
			else isMet = true;
		}
		if (isMet) return;
		this.#lose();
		this.#forget();
	}

	/**
	 * The session is over. What may have been taken in it is not sent to another life; what was first sent after that was
	 * `born` cannot have been.
	 */
	#lose(born = Infinity): void {
		const again: Message[] = [];
		for (const message of this.#messages()) {
			if (!message.isSent || message.started > born) {
				message.beginAgain();
				again.push(message);
				continue;
			}
			this.#wentAway(message);
		}
		this.#flight.begin(0);
		this.#queue = new Row();
		for (const message of again.toSorted((a, b) => a.order - b.order)) this.#enqueue(message);
	}

	/** It may have been taken, or not. */
	#wentAway(message: Message): void {
		const { name } = message.destination;
		const what = `${name} went away before it said that it took the message`;
		this.#finish(message, new SwarmError("UNREACHABLE", what));
	}

	/** Begins again by asking who is there. */
	#forget(): void {
		this.#reset();
		this.#approach.forget();
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
		this.#fresh = 0;
		if (!this.#open || this.#dialTimer !== undefined || this.#session === undefined) return;
		if (this.#routes.preparing) return;
		if (!this.#approach.isGenuine(this.#session)) {
			this.#lose();
			this.#forget();
			return;
		}
		const now = this.#ports.clock.now();
		const fresh: InFlight<Message>[] = [];
		while (this.#full > 0 ? this.#flight.size === 0 : this.#flight.hasRoom) {
			const message = this.#nextQueued();
			if (message === undefined) break;
			fresh.push(this.#cut(message, now));
		}
		this.#sendChunks(fresh);
		if (this.#flight.size === 0 && this.#queue.size > 0) {
			// The session is with the owner of the target's place, and what waits wants the target itself.
			this.#forget();
		}
	}

	/** Cuts the next chunk off a message. */
	#cut(message: Message, now: number): InFlight<Message> {
		const { packet } = this.#ports;
		const { offset } = message;
		const most = packet - CHUNK_HEAD;
		const isWhole = message.data.length <= most;
		const data = isWhole ? message.data : message.data.subarray(offset, offset + most);
		message.offset += data.length;
		message.cut = message.offset === message.data.length;
		if (offset === 0) message.started = now;
		if (message.cut) this.#queue.remove(message.place);
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
		const session = this.#session;
		if (session === undefined) return;
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
			const saying = this.#packet(session, packet, first.number);
			const copies = this.#transmit(saying, attempts, first.message.duplicates);
			for (const { message, start } of packet) if (attempts === 1 && start) message.copies = copies;
			this.#arm(now + this.#patienceFor(attempts));
		}
	}

	#packet(session: Session, chunks: readonly Chunk[], number: number = this.#flight.base): Saying {
		const { base } = this.#flight;
		return session.say({ kind: "packet", lane: this.lane, number, base, chunks });
	}

	/**
	 * Sends towards the target, and copies by disjoint routes: as many as are asked for; and when it is said again one at
	 * least, by others each time. A target that has no room has been reached.
	 */
	#transmit({ type, body }: Saying, attempts: number, duplicates: number): number {
		const { node } = this.#ports;
		const usual = node.route(this.target, type, body) ? 1 : 0;
		const again = this.#full === 0 ? attempts - 1 : 0;
		if (again === 0 && duplicates === 0) return usual;
		const first = duplicates === 0 ? again - 1 : again * duplicates;
		const count = Math.max(1, duplicates);
		const use = (via: RemoteNode): boolean => node.route(this.target, type, body, { via });
		return usual + this.#routes.send(first, count, use);
	}

	/** The first message that the session's peer may have. */
	#nextQueued(): Message | undefined {
		if (this.#exact) return this.#queue.get(this.#queue.first);
		for (const message of this.#queue) if (!message.destination.exact) return message;
		return undefined;
	}

	#taken(chunk: InFlight<Message>, target: RemotePeer, hops: number, now: number): void {
		const { message } = chunk;
		this.#flight.remove(chunk);
		if (chunk.attempts === 1) this.#patience.measure(now - chunk.sent);
		message.untaken--;
		if (message.untaken > 0 || !message.cut) return;
		const { copies, started } = message;
		const receipt = { target, exact: this.#exact, copies, hops, rtt: now - started };
		this.#finish(message, undefined, receipt);
	}

	#finish(message: Message, error: SwarmError | undefined, receipt?: Receipt): void {
		this.#drop(message);
		if (message.over) return;
		message.over = true;
		message.done(error, receipt);
	}

	#enqueue(message: Message): void {
		message.place = this.#queue.add(message);
	}

	#drop(message: Message): void {
		if (this.#queue.get(message.place) === message) this.#queue.remove(message.place);
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
		if (!this.#open) {
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
		const [first] = overdue;
		if (first !== undefined && first.attempts > IN_VAIN) this.#askWhetherLost(first.attempts);
	}

	/** Nothing comes back in the session: it goes on when the target says that it has it. */
	#askWhetherLost(attempts: number): void {
		this.#approach.doubt();
		if (this.#approach.session !== undefined) return;
		this.#transmit(this.#approach.knock(), attempts, 0);
	}
}
