import type { Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import type { Id } from "../id.ts";
import type { Answer, Cancel } from "../protocol.ts";
import { type Direction, type Found, type Query, askDirection, askOwner } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { type RingState, step } from "./state.ts";

/** Has the ring look after a node that did not answer; `settled` is called when it is known whether it is alive. */
export type Suspect = (contact: Contact, settled?: () => void) => void;

/** The part of its time that a node gives to the next one; the rest is for trying another. */
const SHARE = 0.7;

/**
 * Lookups: who owns an id. It is the owner itself that answers, so an answer was true when it was given.
 *
 * Recursive: each node asks the next, and passes the answer back. Fast, since it uses links that are open.
 * Iterative: the asker asks each node for the next one. Slower, but it sees and goes round those that fail.
 */
export class Lookups {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	/** Told of nodes that did not answer, so that the ring looks after them. */
	readonly #suspect: Suspect;
	/** Makes this node, which is joining, the first member of a ring instead. */
	readonly #becomeFirst: () => void;

	constructor(state: RingState, network: RingNetwork, suspect: Suspect, becomeFirst: () => void) {
		this.#becomeFirst = becomeFirst;
		this.#state = state;
		this.#network = network;
		this.#suspect = suspect;
		network.serve(askOwner, (query, _from, budget, answer) =>
			this.#serveOwner(query, budget, answer),
		);
		network.serve(askDirection, (query, _from, _budget, answer) => {
			answer(undefined, this.#direction(query));
			return undefined;
		});
	}

	/** Looks up as asked; a recursive lookup that fails goes on iteratively. */
	find(id: Id, mode: "recursive" | "iterative", budget: number, done: Answer<Found>): Cancel {
		if (mode === "iterative") return this.iterative(id, budget, done);
		const { clock } = this.#network;
		const deadline = clock.now() + budget;
		const { standing } = this.#state;
		let second: Cancel | undefined;
		const first = this.recursive(id, budget / 2, (error, found) => {
			if (error === undefined) done(undefined, found);
			else if (this.#state.standing !== standing) done(error);
			else second = this.iterative(id, Math.max(1, deadline - clock.now()), done);
		});
		return () => {
			first();
			second?.();
		};
	}

	/** Asks along the ring. */
	recursive(id: Id, budget: number, done: Answer<Found>): Cancel {
		return this.#ask({ id, last: false, hops: 0 }, budget, done);
	}

	/** Asks step by step from here, or from `start` where this node is in no ring yet. */
	iterative(
		id: Id,
		budget: number,
		done: Answer<Found>,
		start: readonly Contact[] = this.#state.attachedTo,
	): Cancel {
		const here = (query: Query): Direction => this.#direction(query);
		const { self } = this.#state;
		const walk = new Walk(
			this.#network,
			self,
			here,
			id,
			budget,
			done,
			this.#suspect,
			this.#becomeFirst,
		);
		if (start.length === 0) walk.begin(ATTEMPTS);
		else walk.take(self, { outcome: "ask", last: false, contacts: start }, 0);
		return () => {
			walk.cancel();
		};
	}

	#found(hops: number): Found {
		return { owner: this.#state.self, predecessor: this.#state.predecessor, hops };
	}

	#serveOwner(query: Query, budget: number, answer: Answer<Found>): Cancel | undefined {
		if (this.#state.standing !== "member") {
			answer(new ChordError("NOT_MEMBER", "not a member of a ring"));
			return undefined;
		}
		return this.#ask(query, budget, answer);
	}

	#direction(query: Query): Direction {
		// A node that has not joined anything yet is the first of a ring to come.
		const { firstFrom, joinsThrough, standing } = this.#state;
		if (standing === "leaf") return { outcome: "outside", last: false, contacts: [] };
		if (standing === "joining") return { outcome: "outside", last: false, contacts: joinsThrough };
		if (standing === "outside" && this.#network.clock.now() < firstFrom) {
			return { outcome: "outside", last: false, contacts: [] };
		}
		const next = step(this.#state, query.id, query.last);
		if (!next.mine) return { outcome: "ask", last: next.last, contacts: next.next };
		const { predecessor } = this.#state;
		return {
			outcome: "mine",
			last: false,
			contacts: predecessor === undefined ? [] : [predecessor],
		};
	}

	/** Answers, or asks the best of the next nodes, then the second best, … as long as `budget` lasts. */
	#ask(query: Query, budget: number, done: Answer<Found>): Cancel {
		const { clock, counter, limits } = this.#network;
		const deadline = clock.now() + budget;
		const { standing } = this.#state;
		const tried = new Set<Contact>();
		let cancel: Cancel = () => {};
		const attempt = (): void => {
			// Who has left meanwhile knows no ring any more, and owns nothing of this one.
			if (this.#state.standing !== standing) {
				done(new ChordError("NO_ROUTE", "this node left the ring meanwhile"));
				return;
			}
			const next = step(this.#state, query.id, query.last);
			if (next.mine) {
				done(undefined, this.#found(query.hops));
				return;
			}
			const left = deadline - clock.now();
			const contact = next.next.find((candidate) => !tried.has(candidate));
			const far = query.hops >= limits.hops;
			if (far) counter.count("hops");
			if (contact === undefined || left < 1 || far) {
				done(new ChordError("NO_ROUTE", `the owner of ${query.id} could not be asked`));
				return;
			}
			tried.add(contact);
			const onward = { id: query.id, last: next.last, hops: query.hops + 1 };
			cancel = this.#network.call(contact, askOwner, onward, left * SHARE, (error, found) => {
				if (error === undefined) {
					done(undefined, found);
					return;
				}
				if (error.code === "REMOTE" || error.code === "BUSY") {
					attempt();
				} else if (next.next.every((candidate) => tried.has(candidate))) {
					// Perhaps this node is the owner now: that is known once it is known who is dead.
					this.#suspect(contact, attempt);
				} else {
					this.#suspect(contact);
					attempt();
				}
			});
		};
		attempt();
		return () => {
			cancel();
		};
	}
}

/** How long one node may take to answer an iterative lookup, a link to it opened first. */
const STEP = 1_500;
/** How often all are asked, and how long to wait in between. */
const ATTEMPTS = 3;
const PAUSE = 200;
/** How many nodes an iterative lookup asks at most, as a multiple of the hop limit. */
const QUERIES = 4;

interface Candidate {
	readonly contact: Contact;
	readonly last: boolean;
	readonly depth: number;
}

/** One iterative lookup under way. The best candidate is asked first; what it names goes before the others. */
class Walk {
	readonly #network: RingNetwork;
	readonly #id: Id;
	readonly #deadline: number;
	readonly #done: Answer<Found>;
	readonly #suspect: Suspect;
	readonly #self: Contact;
	/** What this node itself answers, for when the way leads back here. */
	readonly #here: (query: Query) => Direction;
	readonly #becomeFirst: () => void;
	readonly #asked = new Set<string>();
	/** Nodes on the way that are joining themselves, and whether the way led through them alone, and back here. */
	readonly #joiners = new Set<Id>();
	#isCircle = false;
	#metMember = false;
	#candidates: Candidate[] = [];
	/** How often it may still begin again from here. */
	#attempts = 0;
	/** How long one node may take to answer: longer in each attempt. */
	#patience = STEP;
	#cancel: Cancel = () => {};
	#over = false;

	constructor(
		network: RingNetwork,
		self: Contact,
		here: (query: Query) => Direction,
		id: Id,
		budget: number,
		done: Answer<Found>,
		suspect: Suspect,
		becomeFirst: () => void,
	) {
		this.#becomeFirst = becomeFirst;
		this.#network = network;
		this.#self = self;
		this.#here = here;
		this.#id = id;
		this.#deadline = network.clock.now() + budget;
		this.#done = done;
		this.#suspect = suspect;
	}

	/** Starts from here, and from here again when all who were named have been asked in vain. */
	begin(attempts: number): void {
		this.#attempts = attempts - 1;
		this.#asked.clear();
		this.take(this.#self, this.#here({ id: this.#id, last: false, hops: 0 }), 0);
	}

	/** What `from`, which is `depth` links away, answered. */
	take(from: Contact, { outcome, last, contacts }: Direction, depth: number): void {
		const { hops } = this.#network.limits;
		if (outcome === "mine") {
			// Which life of it has answered only its link tells.
			const owner = this.#network.met(from.id)?.contact ?? from;
			this.#finish(undefined, { owner, predecessor: contacts[0], hops: depth });
			return;
		}
		const named = contacts.map((contact) => ({ contact, last, depth: depth + 1 }));
		if (depth < hops) this.#candidates = [...named, ...this.#candidates].slice(0, hops);
		this.#next();
	}

	cancel(): void {
		this.#over = true;
		this.#cancel();
	}

	#finish(error: ChordError | undefined, result?: Found): void {
		if (this.#over) return;
		this.#over = true;
		this.#done(error, result);
	}

	#next(): void {
		const { clock, limits } = this.#network;
		const left = this.#deadline - clock.now();
		const candidate = this.#takeCandidate();
		const tired = left < 1 || this.#asked.size > limits.hops * QUERIES;
		if (tired || (candidate === undefined && this.#attempts === 0)) {
			// Of nodes that join through each other, and so would wait for ever, the one with the lowest id is the first.
			if (
				this.#isCircle &&
				!this.#metMember &&
				[...this.#joiners].every((id) => this.#self.id < id)
			)
				this.#becomeFirst();
			this.#finish(
				new ChordError("NO_ROUTE", `nobody who was asked knows the owner of ${this.#id}`),
			);
			return;
		}
		if (candidate === undefined) {
			this.#beginAgain();
			return;
		}
		const { contact, last, depth } = candidate;
		const query = { id: this.#id, last, hops: Math.min(depth, limits.hops) };
		if (contact.id === this.#self.id) {
			this.#takeOwn(this.#here(query), depth);
			return;
		}
		this.#cancel = this.#network.call(
			contact,
			askDirection,
			query,
			Math.min(left / 2, this.#patience),
			(error, direction) => {
				if (this.#over) return;
				const joins = direction?.outcome === "outside" && direction.contacts.length > 0;
				if (joins) this.#joiners.add(contact.id);
				else this.#metMember ||= direction !== undefined;
				if (direction !== undefined && (joins || direction.outcome !== "outside")) {
					this.take(contact, direction, depth);
					return;
				}
				if (error?.code !== "BUSY") this.#suspect(contact);
				this.#next();
			},
		);
	}

	/** The way has led back to this node. */
	#takeOwn(direction: Direction, depth: number): void {
		this.#isCircle ||= direction.outcome === "outside";
		if (direction.outcome === "outside") this.#next();
		else this.take(this.#self, direction, depth);
	}

	/** Later, and with more patience: the ring may be changing, or they are too busy to answer. */
	#beginAgain(): void {
		const timer = this.#network.clock.schedule(PAUSE, () => {
			this.begin(this.#attempts);
		});
		this.#patience *= 2;
		this.#cancel = () => {
			timer.cancel();
		};
	}

	#takeCandidate(): Candidate | undefined {
		for (;;) {
			const candidate = this.#candidates.shift();
			if (candidate === undefined) return undefined;
			const key = `${candidate.contact.id}${candidate.contact.incarnation}${candidate.last}`;
			if (this.#asked.has(key)) continue;
			this.#asked.add(key);
			return candidate;
		}
	}
}
