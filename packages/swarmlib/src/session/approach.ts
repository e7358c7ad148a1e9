import type { Clock, Hash, NodeRecord } from "@cicada/chordlib";

import type { Lane, Reply } from "../delivery-messages.ts";
import { SwarmError } from "../errors.ts";
import type { Handshakes, Initiation } from "./handshake.ts";
import type { Ciphers } from "./keys.ts";
import { type Refusal, type Welcome, helloType, whoType } from "./messages.ts";
import { sameKey } from "./records.ts";
import { type Numbers, type Party, type Saying, type Session, isSameParty } from "./session.ts";

/** What the way to one target asks of the sessions of its peer. */
export interface ApproachPorts {
	readonly clock: Clock;
	readonly handshakes: Handshakes;
	/** Of this peer, signed; nothing where sessions are in clear. */
	readonly ownRecord: () => Uint8Array;
	/** That of the other end of an open link, where its key is proven for its id. */
	readonly linkedRecord: (peer: Hash) => NodeRecord | undefined;
	/** A new number, by which answers find their way here. */
	readonly number: (approach: Approach) => number;
	/** No answers come to that number any more. */
	readonly release: (number: number) => void;
	/** Opens a session of this approach. */
	readonly open: (approach: Approach, numbers: Numbers, party: Party, ciphers: Ciphers) => Session;
	readonly close: (session: Session) => void;
}

/** Who sends in the sessions with a target, in one lane. */
export interface Sender {
	/** Whether it has something for whoever owns the target's place. */
	readonly takesOwner: boolean;
	/** There is a session: another one, or the same, of which that was in doubt. */
	opened(session: Session): void;
	/** Somebody else answers at the target's place. */
	displaced(): void;
	/** Who is there is known now, or in doubt: it is time to knock, for whoever has something to send. */
	knock(): void;
	/** There will be no session. */
	failed(error: SwarmError): void;
	replied(reply: Reply, session: Session): void;
}

/** Milliseconds for which a session that was just seen to be there is not doubted again. */
const CERTAIN = 1_000;

/**
 * The way to sessions with one target, for all lanes. It says nothing by itself: senders knock until there is a session,
 * because they know how long to wait and which routes to take.
 *
 * ```text
 * (nothing known) -- who --> here -- hello --> welcome --> (open)
 *                                     ^                       |
 *                                     +---- here, silence ----+   the target may have lost the session
 * ```
 *
 * Nothing that anybody could have said ends a session. When it seems to be lost, the target is greeted anew, and says itself
 * whether it still has it.
 */
export class Approach {
	readonly target: Hash;
	readonly #ports: ApproachPorts;
	readonly #senders = new Map<Lane, Sender>();
	/** That of who is to be greeted, by others' word. */
	#record: NodeRecord | undefined;
	/** The number of what was asked last. */
	#number: number | undefined;
	#initiation: Initiation | undefined;
	#session: Session | undefined;
	/** With whom the last session was, and in which of its lives. */
	#met: { readonly party: Party; readonly life: number } | undefined;
	/** Whether the target may have lost the session, and when it last said that it has not. */
	#doubted = false;
	#confirmed = -Infinity;

	constructor(ports: ApproachPorts, target: Hash) {
		this.#ports = ports;
		this.target = target;
	}

	/** The session, unless it is in doubt. */
	get session(): Session | undefined {
		return this.#doubted ? undefined : this.#session;
	}

	/** False when the session turns out to be with somebody else than who is met over a link to just that peer. */
	isGenuine({ party }: Session): boolean {
		const linked = this.#ports.linkedRecord(party.node.hash);
		return linked === undefined || party.record === undefined || sameKey(linked, party.record);
	}

	add(lane: Lane, sender: Sender): void {
		this.#senders.set(lane, sender);
	}

	/** Nobody sends in a lane any more. True when none is left: then it is over. */
	remove(lane: Lane): boolean {
		this.#senders.delete(lane);
		if (this.#senders.size > 0) return false;
		this.forget();
		return true;
	}

	/** What to say to the target next, for there to be a session. Each time the same, until something is heard. */
	knock(): Saying {
		const { handshakes, linkedRecord, number, ownRecord } = this.#ports;
		this.#number ??= number(this);
		if (this.#initiation === undefined) {
			const record = linkedRecord(this.target) ?? this.#record;
			if (handshakes.sealing && record === undefined) {
				return { type: whoType, body: { number: this.#number } };
			}
			const before = this.#session?.numbers.theirs ?? 0;
			this.#initiation = handshakes.initiate(this.#number, record, { record: ownRecord(), before });
		}
		return { type: helloType, body: this.#initiation.hello };
	}

	/** The session is said again to be in doubt: nothing comes back in it. */
	doubt(): void {
		if (this.#ports.clock.now() - this.#confirmed > CERTAIN) this.#doubted = true;
	}

	/** Forgets session and target: the next knock asks who is there. */
	forget(): void {
		if (this.#session !== undefined) this.#ports.close(this.#session);
		this.#session = undefined;
		this.#doubted = false;
		this.#record = undefined;
		this.#askAnew();
	}

	/** Somebody answers at the target's place, who is not, or not yet, in the session. */
	here(party: Party): void {
		if (!this.#mayBe(party)) return;
		const { record } = party;
		const { to } = this.#initiation ?? {};
		// It is being greeted.
		if (this.#initiation !== undefined && (!record || (to && sameKey(to, record)))) return;
		if (this.#session !== undefined) this.doubt();
		if (this.session !== undefined) return;
		this.#askAnew();
		this.#record = record;
		this.#tell((sender) => {
			sender.knock();
		});
	}

	/** The answer to a hello; `origin` is who sent it, by the relays' word. False when it is none. */
	welcome(welcome: Welcome, origin: Party): boolean {
		const initiation = this.#initiation;
		if (initiation === undefined) return true;
		const read = initiation.read(welcome);
		if (read === "forged") return false;
		if (read === "mistrusted") {
			this.#fail("it has other keys for this peer in its trusted_hosts than this peer has for it");
			return true;
		}
		const { to } = initiation;
		const party = to === undefined ? origin : { node: to.contact, record: to };
		if (!this.#mayBe(party)) return true;
		const { number, knowsBefore, life, age } = read.content;
		const before = this.#session;
		if (before !== undefined && knowsBefore && isSameParty(before.party, party)) {
			before.heard = this.#ports.clock.now();
			this.#askAnew();
		} else {
			const numbers = { ours: welcome.number, theirs: number };
			this.#number = undefined;
			this.#initiation = undefined;
			if (before !== undefined) this.#ports.close(before);
			this.#session = this.#ports.open(this, numbers, party, read.ciphers);
			const met = this.#met;
			// Who owns the target's place instead says nothing about how long that was there.
			const isThere = met?.party.node.hash.equals(party.node.hash) === true;
			const isAnother = isThere && (met.life !== life || !isSameParty(met.party, party));
			if (isAnother) this.#session.born = this.#ports.clock.now() - age;
			this.#met = { party, life };
		}
		this.#confirm();
		return true;
	}

	/** The target refuses. False when it was somebody else who said so. */
	refused(refusal: Refusal): boolean {
		if (this.#initiation?.isRefusedBy(refusal) === false) return false;
		const { trusted = false } = this.#initiation?.hello ?? {};
		if (this.#initiation !== undefined) {
			this.#fail(
				trusted
					? "it is in the trusted_hosts of this peer, which is not in its"
					: "this peer is in its trusted_hosts, and it is not in those of this peer",
			);
		}
		return true;
	}

	replied(reply: Reply, session: Session): void {
		this.#confirmed = this.#ports.clock.now();
		this.#doubted = false;
		this.#senders.get(reply.lane)?.replied(reply, session);
	}

	/** Whether a session may be with somebody: with the target, or who owns its place if that will do. */
	#mayBe({ node }: Party): boolean {
		if (node.hash.equals(this.target)) return true;
		this.#tell((sender) => {
			sender.displaced();
		});
		return [...this.#senders.values()].some(({ takesOwner }) => takesOwner);
	}

	#confirm(): void {
		const session = this.#session;
		this.#confirmed = this.#ports.clock.now();
		this.#doubted = false;
		this.#tell((sender) => {
			if (session !== undefined) sender.opened(session);
		});
	}

	#fail(why: string): void {
		const name = this.target.toString();
		this.forget();
		const error = new SwarmError("TRUST_MISMATCH", `${name}: ${why}`);
		this.#tell((sender) => {
			sender.failed(error);
		});
	}

	/** What was asked is no longer of interest; nor are answers to it. */
	#askAnew(): void {
		if (this.#number !== undefined) this.#ports.release(this.#number);
		this.#number = undefined;
		this.#initiation = undefined;
	}

	#tell(what: (sender: Sender) => void): void {
		for (const sender of [...this.#senders.values()]) what(sender);
	}
}
