import type { Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import { type Id, between } from "../id.ts";
import type { Timer } from "../ports.ts";
import type { Answer, Cancel } from "../protocol.ts";
import { type Direction, type Found, type Query, askDirection } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { lateAfter } from "./round-trips.ts";

/** Nodes that are asked at the same time. */
const ALPHA = 3;
/** How long one node may take to answer, a link to it opened first. */
const STEP = 1_500;
/** How often all are asked, and how long to wait before the second time; twice as long before each further one. */
const ATTEMPTS = 6;
const PAUSE = 200;
/** How many nodes are asked at most, as a multiple of the hop limit. */
const QUERIES = 4;

/** What a walk asks of the node that it begins at. */
export interface Walker {
	readonly network: RingNetwork;
	/** Asks one of those on the way. */
	readonly call: RingNetwork["call"];
	readonly self: Contact;
	/** What this node itself answers, for when the way leads back here. */
	readonly here: (query: Query) => Direction;
	/** Those that it knows on the way to an id, the nearest to that first. */
	readonly before: (id: Id) => readonly Contact[];
	/** A node did not answer. */
	readonly suspect: (contact: Contact) => void;
	/** Makes this node, which is joining, the first member of a ring instead. */
	readonly becomeFirst: () => void;
}

interface Candidate {
	readonly contact: Contact;
	readonly last: boolean;
	readonly depth: number;
}

/** A candidate that is being asked. */
interface Question {
	cancel: Cancel;
	readonly timer: Timer;
	isLate: boolean;
}

/**
 * One iterative lookup under way. The candidate that seems nearest to the owner is asked first. When its answer is
 * late the next one is asked as well, up to three at the same time, and whichever answers leads on.
 */
export class Walk {
	readonly #walker: Walker;
	readonly #id: Id;
	readonly #deadline: number;
	readonly #done: Answer<Found>;
	readonly #asked = new Set<string>();
	readonly #questions = new Set<Question>();
	/** Nodes on the way that are joining themselves, and whether the way led through them alone, and back here. */
	readonly #joiners = new Set<Id>();
	#isCircle = false;
	#metMember = false;
	/** The best first. */
	#candidates: Candidate[] = [];
	/** Of those that may be the owner the first that is known to live. */
	#alive: Candidate | undefined;
	/** How often it may still begin again, and whether from here. */
	#attempts = ATTEMPTS;
	#isFromHere = false;
	/** How long one node may take to answer: longer in each attempt. */
	#patience = STEP;
	#pause = PAUSE;
	#timer: Timer | undefined;
	#over = false;

	constructor(walker: Walker, id: Id, budget: number, done: Answer<Found>) {
		this.#walker = walker;
		this.#id = id;
		this.#deadline = walker.network.clock.now() + budget;
		this.#done = done;
	}

	/** Starts from here, and from here again when all who were named have been asked in vain. */
	begin(): void {
		this.#isFromHere = true;
		this.#beginHere();
	}

	/** Starts from nodes that are in the ring, when this one is not; once. */
	beginAt(start: readonly Contact[]): void {
		this.#take(this.#walker.self, { outcome: "ask", last: false, contacts: start }, 0);
	}

	cancel(): void {
		this.#over = true;
		this.#timer?.cancel();
		for (const question of this.#questions) this.#end(question);
	}

	#beginHere(): void {
		const { before, here, self } = this.#walker;
		// When all that may be the owner are dead, the others on the way know who comes after those.
		this.#add(before(this.#id), false, 1);
		this.#take(self, here({ id: this.#id, last: false, hops: 0 }), 0);
	}

	/** What `from`, which is `depth` links away, answered. */
	#take(from: Contact, { outcome, last, contacts }: Direction, depth: number): void {
		const { network } = this.#walker;
		if (outcome === "mine") {
			// Which life of it has answered only its link tells.
			const owner = network.met(from.id)?.contact ?? from;
			this.#finish(undefined, { owner, predecessor: contacts[0], hops: depth });
			return;
		}
		if (depth < network.limits.hops) this.#add(contacts, last, depth + 1);
		this.#next();
	}

	#add(contacts: readonly Contact[], last: boolean, depth: number): void {
		const named = contacts.map((contact) => ({ contact, last, depth }));
		const all = [...named, ...this.#candidates].toSorted((a, b) => this.#compare(a, b));
		this.#candidates = all.slice(0, this.#walker.network.limits.hops);
	}

	/** Whether one that lives and may be the owner rules a candidate out: only who stands before it may be it instead. */
	#isOut({ contact, last }: Candidate): boolean {
		if (this.#alive === undefined) return false;
		return !last || between(this.#alive.contact.id, contact.id, this.#id);
	}

	/** Who may be the owner comes first, the nearest at or after the id; then the nearest before it. */
	#compare(a: Candidate, b: Candidate): number {
		const [first, second] = [a.contact.id, b.contact.id];
		if (a.last !== b.last) return a.last ? -1 : 1;
		if (first === second) return 0;
		if (!a.last) return between(second, first, this.#id) ? -1 : 1;
		return first === this.#id || (second !== this.#id && between(this.#id, first, second)) ? -1 : 1;
	}

	#finish(error: ChordError | undefined, result?: Found): void {
		if (this.#over) return;
		this.cancel();
		this.#done(error, result);
	}

	/** Asks the next candidate, unless an answer is expected any moment, or enough are being asked. */
	#next(): void {
		const { network } = this.#walker;
		const isTired =
			this.#deadline - network.clock.now() < 1 || this.#asked.size > network.limits.hops * QUERIES;
		if (isTired) {
			this.#giveUp();
			return;
		}
		const questions = [...this.#questions];
		if (questions.length === ALPHA || questions.some(({ isLate }) => !isLate)) return;
		const candidate = this.#takeCandidate();
		if (candidate !== undefined) this.#ask(candidate);
		else if (questions.length === 0) this.#beginAgain();
	}

	#giveUp(): void {
		const { becomeFirst, self } = this.#walker;
		// Of nodes that join through each other, and so would wait for ever, the one with the lowest id is the first.
		const isFirst = [...this.#joiners].every((id) => self.id < id);
		if (this.#isCircle && !this.#metMember && isFirst) becomeFirst();
		const message = `nobody who was asked knows the owner of ${this.#id}`;
		this.#finish(new ChordError("NO_ROUTE", message));
	}

	#ask(candidate: Candidate): void {
		const { contact, last, depth } = candidate;
		const { call, here, network, self, suspect } = this.#walker;
		const { clock, limits } = network;
		const query = { id: this.#id, last, hops: Math.min(depth, limits.hops) };
		if (contact.id === self.id) {
			this.#takeOwn(candidate, here(query));
			return;
		}
		const timer = clock.schedule(lateAfter(network.roundTrip(contact.id)), () => {
			question.isLate = true;
			this.#next();
		});
		const question: Question = { cancel: () => {}, timer, isLate: false };
		this.#questions.add(question);
		const budget = Math.min((this.#deadline - clock.now()) / 2, this.#patience);
		question.cancel = call(contact, askDirection, query, budget, (error, direction) => {
			this.#end(question);
			const joins = direction?.outcome === "outside" && direction.contacts.length > 0;
			if (joins) this.#joiners.add(contact.id);
			else this.#metMember ||= direction !== undefined;
			if (direction !== undefined && (joins || direction.outcome !== "outside")) {
				this.#answered(candidate, direction);
				return;
			}
			if (error?.code !== "BUSY") suspect(contact);
			this.#next();
		});
	}

	#end(question: Question): void {
		this.#questions.delete(question);
		question.timer.cancel();
		question.cancel();
	}

	/** The way has led back to this node. */
	#takeOwn(candidate: Candidate, direction: Direction): void {
		this.#isCircle ||= direction.outcome === "outside";
		if (direction.outcome === "outside") this.#next();
		else this.#answered({ ...candidate, contact: this.#walker.self }, direction);
	}

	#answered(candidate: Candidate, direction: Direction): void {
		if (candidate.last && !this.#isOut(candidate)) this.#alive = candidate;
		this.#take(candidate.contact, direction, candidate.depth);
	}

	/**
	 * Later, and with more patience: the ring may be changing, or they are too busy to answer. Who lives and may be the
	 * owner is asked again, since by then it knows whether those before it are dead.
	 */
	#beginAgain(): void {
		const alive = this.#alive;
		if (--this.#attempts === 0 || (alive === undefined && !this.#isFromHere)) {
			this.#giveUp();
			return;
		}
		this.#timer = this.#walker.network.clock.schedule(this.#pause, () => {
			this.#asked.clear();
			this.#alive = undefined;
			if (alive === undefined) {
				this.#beginHere();
			} else {
				// It is linked: however long the way to it was, from there it begins anew.
				this.#candidates = [{ ...alive, depth: 1 }];
				this.#next();
			}
		});
		this.#patience *= 2;
		this.#pause *= 2;
	}

	#takeCandidate(): Candidate | undefined {
		for (;;) {
			const candidate = this.#candidates.shift();
			if (candidate === undefined) return undefined;
			if (this.#isOut(candidate)) continue;
			const key = `${candidate.contact.id}${candidate.contact.incarnation}${candidate.last}`;
			if (this.#asked.has(key)) continue;
			this.#asked.add(key);
			return candidate;
		}
	}
}
