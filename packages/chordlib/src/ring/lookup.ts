import type { Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import type { Id } from "../id.ts";
import type { Answer, Cancel } from "../protocol.ts";
import {
	type Direction,
	type Found,
	type Query,
	askAlive,
	askDirection,
	askOwner,
} from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { lateAfter } from "./round-trips.ts";
import type { RingState } from "./state.ts";
import { type Step, closestBefore, soonestFirst, step } from "./step.ts";
import { Walk, type Walker } from "./walk.ts";

/** Has the ring look after a node that did not answer; `settled` is called when it is known whether it is alive. */
export type Suspect = (contact: Contact, settled?: () => void) => void;

/** The part of its time that a lookup has before it goes on iteratively. */
const RECURSIVE = 0.35;
/** The part of its time that who looks up gives to the next node; the rest is for trying another. */
const SHARE = 0.7;
/** The same of each node on the way: ways may be long. */
const SHARE_ON_THE_WAY = 0.8;
/**
 * A node that was asked on is asked for a sign of life when so many times its own round trip has passed without an
 * answer. It asks others itself, which is slower, but then it is alive.
 */
const PATIENCE = 2;
/** How many nodes are named for the next step of an iterative lookup. */
const NAMED = 16;

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
		network.serve(askAlive, (_value, _from, _budget, answer) => {
			answer(undefined);
			return undefined;
		});
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
		const first = this.recursive(id, budget * RECURSIVE, (error, found) => {
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

	/**
	 * Asks step by step from here, or from `start` where this node is in no ring yet. Links that are opened for it are
	 * kept for the next lookup, or for this `once`.
	 */
	iterative(
		id: Id,
		budget: number,
		done: Answer<Found>,
		start: readonly Contact[] = this.#state.attachedTo,
		links: "kept" | "once" = "kept",
	): Cancel {
		const network = this.#network;
		const walker: Walker = {
			network,
			call: (...question) =>
				links === "once" ? network.callOnce(...question) : network.call(...question),
			self: this.#state.self,
			here: (query: Query) => this.#direction(query),
			before: (target: Id) => this.#before(target),
			suspect: this.#suspect,
			becomeFirst: this.#becomeFirst,
		};
		const walk = new Walk(walker, id, budget, done);
		if (start.length === 0) walk.begin();
		else walk.beginAt(start);
		return () => {
			walk.cancel();
		};
	}

	#before(id: Id): readonly Contact[] {
		const { self } = this.#state;
		return closestBefore(self.id, id, this.#state.contacts).slice(0, NAMED);
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
		const next = this.#step(query);
		if (!next.mine) {
			return { outcome: "ask", last: next.last, contacts: next.next.slice(0, NAMED) };
		}
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
			const next = this.#soonest(query);
			if (next.mine) {
				done(undefined, this.#found(query.hops));
				return;
			}
			const left = deadline - clock.now();
			const contact = next.next.find((candidate) => !tried.has(candidate));
			const far = query.hops >= limits.hops;
			if (far) counter.count("hops");
			if (contact === undefined || left < 1 || far) {
				// Who may be the owner is not to be passed over as long as it lives.
				const code = query.last ? "BUSY" : "NO_ROUTE";
				done(new ChordError(code, `the owner of ${query.id} could not be asked`));
				return;
			}
			tried.add(contact);
			const share = query.hops === 0 ? SHARE : SHARE_ON_THE_WAY;
			const onward = { id: query.id, last: next.last, hops: query.hops + 1 };
			cancel = this.#askOn(contact, onward, left * share, (error, found) => {
				if (error === undefined) {
					done(undefined, found);
					return;
				}
				if (error.code === "BUSY" && next.last) {
					done(error);
				} else if (error.code === "REMOTE" || error.code === "BUSY") {
					// With less time than an answer takes, every node on a way would ask many others in vain.
					const late = lateAfter(this.#network.roundTrip(contact.id));
					if ((deadline - clock.now()) * share < late) done(error);
					else attempt();
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

	#step({ id, last }: Query): Step {
		const next = step(this.#state, id, last);
		const { predecessor } = this.#state;
		// Whoever takes this node for the owner may have found the one before it dead.
		if (last && !next.mine && predecessor !== undefined) this.#suspect(predecessor);
		return next;
	}

	/** The same, but that of those on the way the one comes first that leads to the owner soonest. */
	#soonest(query: Query): Step {
		const next = this.#step(query);
		// After many links the straight way is the safe one.
		if (next.mine || next.last || query.hops > this.#network.limits.hops / 2) return next;
		const roundTrip = ({ id }: Contact): number | undefined =>
			this.#network.roundTrip(id)?.smoothed;
		return { ...next, next: soonestFirst(this.#state, query.id, next.next, roundTrip) };
	}

	/** Asks one node, and fails before `budget` has passed when it gives no sign of life. */
	#askOn(contact: Contact, query: Query, budget: number, done: Answer<Found>): Cancel {
		const { clock } = this.#network;
		const late = lateAfter(this.#network.roundTrip(contact.id));
		let cancelCheck: Cancel = () => {};
		const timer = clock.schedule(late * PATIENCE, () => {
			cancelCheck = this.#network.call(contact, askAlive, undefined, late, (error) => {
				if (error?.code !== "TIMEOUT") return;
				cancelCall();
				done(error);
			});
		});
		const end = (): void => {
			timer.cancel();
			cancelCheck();
		};
		const cancelCall = this.#network.call(contact, askOwner, query, budget, (error, found) => {
			end();
			// As far as is known it lives, and others keep it waiting.
			const isSlow = error?.code === "TIMEOUT";
			if (isSlow) this.#suspect(contact);
			done(isSlow ? new ChordError("BUSY", error.message) : error, found);
		});
		return () => {
			end();
			cancelCall();
		};
	}
}
