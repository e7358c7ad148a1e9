/**
 * Sessions: what two peers say to each other, sealed from one end to the other, however many relays are between them.
 *
 * ```text
 * sender                                           target
 *   | ---- who: number ---------------------------> |   unless its record is known, for example from a link
 *   | <--- here: number, record ------------------- |
 *   | ---- hello: number, handshake {record} -----> |
 *   | <--- welcome: number, handshake {number} ---- |
 *   | ==== sealed: its number, count {packet} ====> |   the first proves that the hello was no recording
 *   | <=== sealed: our number, count {reply} ====== |
 * ```
 *
 * Each end gives the session a number for what comes to it. A peer that gets what it has no session for, or a hello
 * that is not for it, answers "here", with its record: a hint, which anybody could have made up. So are all messages
 * until they have opened, and what does not open changes nothing (`session/approach.ts`).
 *
 * Sessions go one way: the sender's packets, the target's replies. Who answers a request opens one in return.
 *
 * @module
 */
import {
	type Clock,
	type Crypto,
	type Hash,
	type LocalNode,
	type NodeRecord,
	type Random,
	type RemoteNode,
	type Routed,
	TokenBucket,
} from "@cicada/chordlib";

import type { Packet, Reply } from "./delivery-messages.ts";
import { type RemotePeer, remotePeer } from "./remote-peer.ts";
import { Approach, type ApproachPorts } from "./session/approach.ts";
import type { Handshakes, Reception } from "./session/handshake.ts";
import {
	type Here,
	type Hello,
	type Refusal,
	type Sealed,
	type Welcome,
	helloType,
	hereType,
	refusalType,
	sealedType,
	welcomeType,
	whoType,
} from "./session/messages.ts";
import { Records } from "./session/records.ts";
import { type Party, type Saying, Session, isSameParty } from "./session/session.ts";
import type { SwarmLimit } from "./stats.ts";

export type { Party, Saying } from "./session/session.ts";
export { Session } from "./session/session.ts";

/** A message that came to this peer, and is not what its sender said. It was thrown away. */
export interface Tampering {
	/** Something said in a session; a message of a handshake; or what a peer says of itself. */
	readonly what: "message" | "handshake" | "record";
	/** With whom the session is; `undefined` where that is not known. */
	readonly peer: RemotePeer | undefined;
	/** Who handed it to this peer: not necessarily who altered it. */
	readonly via: RemotePeer | undefined;
}

/** How many handshakes others may begin. */
export interface HandshakeLimits {
	/** Sessions in which nothing was said yet; the one that was opened first goes first. Default 1,024. */
	readonly opening: number;
	/** Handshakes that are answered in a second, on average: each costs about a millisecond. Default 200. */
	readonly rate: number;
	/** Handshakes that are answered at once. Default 500. */
	readonly burst: number;
}

/** What sessions ask of the peer that they are part of. */
export interface SessionPorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	readonly random: Random;
	readonly crypto: Crypto;
	readonly handshakes: Handshakes;
	readonly limits: {
		/** Bytes of the largest frame. */
		readonly frame: number;
		/** Sessions that others opened, and keys whose newest record is remembered; the one longest unused goes first. */
		readonly sessions: number;
		readonly handshakes: HandshakeLimits;
	};
	readonly reached: (limit: SwarmLimit) => void;
	/** A packet came in a session that another peer opened. */
	readonly packet: (session: Session, packet: Packet, hops: number) => void;
	/** Such a session is no more. */
	readonly ended: (session: Session) => void;
	readonly tampered: (what: Tampering) => void;
}

/** Who hears what is answered to "who is there?". */
export interface Asker {
	here(party: Party, hops: number): void;
}

/** A session that another peer opened, and in which nothing was said yet. */
interface Pending {
	readonly session: Session;
	readonly welcome: Welcome;
	readonly since: number;
}

/** A session that this peer opened, or another did: then in which life of this one. */
interface Entry {
	readonly session: Session;
	readonly approach: Approach | undefined;
	readonly life: number;
}

const NOTHING: Uint8Array = new Uint8Array(0);
/** Milliseconds for which a hello may come again, and the session that it opened be used for the first time. */
const OPENING = 60_000;

/** The sessions of one peer. */
export class Sessions {
	readonly #ports: SessionPorts;
	readonly #records: Records;
	readonly #approachPorts: ApproachPorts;
	readonly #hellos: TokenBucket;
	/** Open sessions by our number. */
	readonly #sessions = new Map<number, Entry>();
	/** Those that this peer opened, by the target's number: what it answers when it has lost one carries that. */
	readonly #byTheirs = new Map<number, Approach>();
	/** Our numbers of those that others opened, the longest unused first. */
	readonly #incoming = new Set<number>();
	/** By hello. */
	readonly #pending = new Map<string, Pending>();
	/** Who waits for answers, by number. */
	readonly #askers = new Map<number, Approach | Asker>();
	/** This peer's life as it was last seen. */
	#life: { readonly number: number; readonly since: number };
	#silent = false;

	constructor(ports: SessionPorts) {
		this.#ports = ports;
		const { clock, crypto, handshakes, limits, node } = ports;
		const { burst, rate } = limits.handshakes;
		this.#life = { number: node.incarnation, since: clock.now() };
		this.#records = new Records(node, clock, crypto, limits.sessions);
		this.#hellos = new TokenBucket(rate, burst, clock.now());
		this.#approachPorts = {
			clock,
			handshakes,
			ownRecord: () => this.#ownRecord(),
			linkedRecord: (peer) => (handshakes.sealing ? this.#records.linked(peer) : undefined),
			number: (approach) => this.ask(approach),
			release: (number) => {
				this.release(number);
			},
			open: (approach, numbers, party, ciphers) => {
				this.#askers.delete(numbers.ours);
				const session = new Session(numbers, party, ciphers, limits.frame, clock.now());
				this.#sessions.set(numbers.ours, { session, approach, life: 0 });
				this.#byTheirs.set(numbers.theirs, approach);
				return session;
			},
			close: ({ numbers }) => {
				this.#sessions.delete(numbers.ours);
				this.#byTheirs.delete(numbers.theirs);
			},
		};
		// Sooner than anybody can send something to it.
		node.on("standing", () => {
			this.#lifeSince();
		});
		node.handleRouted(whoType, ({ number }, routed) => {
			this.#sayHere(number, routed);
		});
		node.handleRouted(hereType, (here, routed) => {
			this.#here(here, routed);
		});
		node.handleRouted(helloType, (hello, routed) => {
			this.#hello(hello, routed);
		});
		node.handleRouted(welcomeType, (welcome, routed) => {
			this.#welcome(welcome, routed);
		});
		node.handleRouted(refusalType, (refusal, routed) => {
			this.#refusal(refusal, routed);
		});
		node.handleRouted(sealedType, (sealed, routed) => {
			this.#sealed(sealed, routed);
		});
	}

	/** How many sessions others have with this peer. */
	get incoming(): number {
		return this.#incoming.size;
	}

	/** The way to sessions with a target. */
	approach(target: Hash): Approach {
		return new Approach(this.#approachPorts, target);
	}

	/** A number for a question: `asker` hears who answers it. */
	ask(asker: Approach | Asker): number {
		const number = this.#newNumber();
		this.#askers.set(number, asker);
		return number;
	}

	/** Answers to a question are of no interest any more. */
	release(number: number): void {
		this.#askers.delete(number);
	}

	/** Says in a session that another peer opened how far this one has come. */
	reply(session: Session, reply: Reply): void {
		if (!this.#silent) this.#send(session.party.node, session.say({ kind: "reply", ...reply }));
	}

	/** The other end of a session, as the application sees it. */
	readonly peerOf = ({ node, record }: Party): RemotePeer =>
		remotePeer(node, record !== undefined && this.#ports.node.isProven(record));

	/** Ends a session that another peer opened: it is not as it should be. */
	end({ numbers }: Session): void {
		const entry = this.#sessions.get(numbers.ours);
		this.#incoming.delete(numbers.ours);
		this.#sessions.delete(numbers.ours);
		if (entry !== undefined) this.#ports.ended(entry.session);
	}

	/** Forgets all sessions. */
	clear(): void {
		this.#sessions.clear();
		this.#byTheirs.clear();
		this.#incoming.clear();
		this.#pending.clear();
		this.#askers.clear();
	}

	/** Says nothing any more. */
	close(): void {
		this.clear();
		this.#silent = true;
	}

	#here({ number, hops, record: bytes }: Here, routed: Routed): void {
		const asker = this.#askers.get(number) ?? this.#byTheirs.get(number);
		if (asker === undefined) return;
		const party = this.#partyIn(bytes, routed);
		if (party === undefined) this.#tampered("record", undefined, routed);
		else asker.here(party, hops);
	}

	#hello(hello: Hello, routed: Routed): void {
		if (this.#silent) return;
		const { clock, handshakes } = this.#ports;
		const name = `${hello.number} ${routed.origin.hash.toString()} ${hello.message.subarray(0, 32).join()}`;
		const known = this.#pending.get(name);
		if (known !== undefined) {
			// Said again, because the answer was late or lost.
			this.#send(known.session.party.node, { type: welcomeType, body: known.welcome });
			return;
		}
		if (handshakes.sealing && !this.#hellos.take(clock.now())) {
			this.#ports.reached("handshakes.rate");
			return;
		}
		const reception = handshakes.receive(hello);
		if (reception === undefined) {
			this.#sayHere(hello.number, routed);
			return;
		}
		const party = this.#partyIn(reception.content.record, routed);
		if (party === undefined || (party.record && !reception.isFrom(party.record))) {
			this.#tampered("record", undefined, routed);
			return;
		}
		const trusts = party.record !== undefined && handshakes.trusts(party.record);
		if (trusts !== hello.trusted) {
			this.#send(party.node, { type: refusalType, body: reception.refuse() });
			return;
		}
		this.#open(name, hello.number, reception, party);
	}

	/** Opens a session for another peer. It counts once something was said in it. */
	#open(name: string, theirs: number, reception: Reception, party: Party): void {
		const { clock, limits, node } = this.#ports;
		const before = this.#sessions.get(reception.content.before);
		const knowsBefore = before !== undefined && isSameParty(before.session.party, party);
		const ours = this.#newNumber();
		const since = this.#lifeSince();
		const age = Math.floor(clock.now() - since);
		const content = { number: ours, knowsBefore, life: node.incarnation, age };
		const { content: welcome, ciphers } = reception.welcome(content, party.record);
		const session = new Session({ ours, theirs }, party, ciphers, limits.frame, clock.now());
		this.#sessions.set(ours, { session, approach: undefined, life: node.incarnation });
		this.#pending.set(name, { session, welcome, since: clock.now() });
		this.#forgetPending();
		this.#send(party.node, { type: welcomeType, body: welcome });
	}

	/** Forgets the hellos that nobody says again any more, and those beyond the limit, with what nobody used. */
	#forgetPending(): void {
		const { clock, limits, reached } = this.#ports;
		for (const [name, { session, since }] of this.#pending) {
			const isOld = clock.now() - since >= OPENING;
			const tooMany = this.#pending.size > limits.handshakes.opening;
			if (!isOld && !tooMany) return;
			this.#pending.delete(name);
			if (this.#incoming.has(session.numbers.ours)) continue;
			if (!isOld) reached("handshakes.opening");
			this.#sessions.delete(session.numbers.ours);
		}
	}

	/** Since when it is known that this life of the peer has begun. */
	#lifeSince(): number {
		const { clock, node } = this.#ports;
		if (this.#life.number !== node.incarnation) {
			this.#life = { number: node.incarnation, since: clock.now() };
		}
		return this.#life.since;
	}

	#welcome(welcome: Welcome, routed: Routed): void {
		const asker = this.#askers.get(welcome.number);
		if (!(asker instanceof Approach)) return;
		const origin = { node: routed.origin, record: undefined };
		if (!asker.welcome(welcome, origin)) this.#tampered("handshake", undefined, routed);
	}

	#refusal(refusal: Refusal, routed: Routed): void {
		const asker = this.#askers.get(refusal.number);
		if (!(asker instanceof Approach)) return;
		if (!asker.refused(refusal)) this.#tampered("handshake", undefined, routed);
	}

	#sealed({ session: number, number: count, content }: Sealed, routed: Routed): void {
		const entry = this.#sessions.get(number);
		const isOver = entry?.approach === undefined && entry?.life !== this.#ports.node.incarnation;
		if (entry === undefined || isOver) {
			if (entry !== undefined) this.end(entry.session);
			this.#sayHere(number, routed);
			return;
		}
		const { approach, session } = entry;
		const said = session.hear(count, content);
		if (said === "forged") this.#tampered("message", session, routed);
		// A copy that came by another route; or the other end's own nonsense.
		if (typeof said === "string") return;
		session.heard = this.#ports.clock.now();
		if (approach !== undefined && said.kind === "reply") approach.replied(said, session);
		if (approach !== undefined || said.kind !== "packet") return;
		this.#used(number);
		this.#ports.packet(session, said, routed.hops);
		if (!this.#sessions.has(number)) this.#sayHere(number, routed);
	}

	/** A session that another peer opened was used. */
	#used(number: number): void {
		this.#incoming.delete(number);
		this.#incoming.add(number);
		const [oldest = -1] = this.#incoming;
		const entry = this.#sessions.get(oldest);
		if (this.#incoming.size <= this.#ports.limits.sessions || entry === undefined) return;
		this.#ports.reached("sessions");
		this.end(entry.session);
	}

	/** Who says something of himself; `undefined` when it is not to be believed. In clear it is whoever is said. */
	#partyIn(bytes: Uint8Array, { origin }: Routed): Party | undefined {
		if (!this.#ports.handshakes.sealing) return { node: origin, record: undefined };
		const record: NodeRecord | undefined = this.#records.read(bytes);
		return record && { node: record.contact, record };
	}

	#sayHere(number: number, { origin, hops }: Routed): void {
		if (this.#silent) return;
		const body = { number, hops, record: this.#ownRecord() };
		this.#send(origin, { type: hereType, body });
	}

	#ownRecord(): Uint8Array {
		const { handshakes, node } = this.#ports;
		return handshakes.sealing ? node.record.bytes : NOTHING;
	}

	#send(to: RemoteNode, { type, body }: Saying): void {
		this.#ports.node.route(to.hash, type, body);
	}

	#tampered(what: Tampering["what"], session: Session | undefined, { via }: Routed): void {
		this.#ports.tampered({
			what,
			peer: session && this.peerOf(session.party),
			via: via && this.#linked(via),
		});
	}

	#linked(peer: RemoteNode): RemotePeer {
		return remotePeer(peer, this.#ports.node.isVerified(peer));
	}

	#newNumber(): number {
		const bytes = this.#ports.random.bytes(6);
		const number = bytes.reduce((value, byte) => value * 256 + byte, 0);
		return this.#sessions.has(number) || this.#askers.has(number) ? this.#newNumber() : number;
	}
}
