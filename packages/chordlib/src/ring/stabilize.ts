import type { Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import { between } from "../id.ts";
import type { Timer } from "../ports.ts";
import type { Answer } from "../protocol.ts";
import type { Fingers } from "./fingers.ts";
import { type View, askView, askWitness, listChanged, notify, standing } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { lateAfter } from "./round-trips.ts";
import type { RingState, Standing } from "./state.ts";
import { UnderWay } from "./under-way.ts";

/** How often a member looks after its pointers, in milliseconds: at first after a change, and in a ring at rest. */
export interface Pace {
	/** Milliseconds between two rounds while neighbours change. */
	readonly fastest: number;
	/** The same while nothing changes. */
	readonly slowest: number;
}

/** How long a neighbour may take to answer. */
export const PATIENCE = 3_000;
/** The same of one that did not answer somebody else, as a multiple of the time after which its answer is late. */
const SIGNS = 4;
/** Nearer successors that are asked in one round, each named by the one before. */
const NEARER = 16;
/** How often in a row a successor that does not answer is kept because another node says that it is alive. */
const DOUBTS = 3;

/**
 * Keeps one member's pointers right, after Zave's corrected Chord (arXiv 1502.06461 and 1610.01140): every pointer
 * that is adopted first answers itself, lists are adopted whole, and an old predecessor is replaced only when it
 * is found dead. How a node gets in is in `join.ts`, how rings that grew apart find together in `merge.ts`.
 */
export class Stabilizer {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	readonly #fingers: Fingers;
	readonly #pace: Pace;
	readonly #standing: (now: Standing) => void;
	/** Time has jumped: the machine has slept, or was too busy to run. */
	readonly #woke: () => void;
	readonly #underWay = new UnderWay();
	/** Nodes that are being asked whether they are alive, and who wants to know. */
	readonly #suspected = new Map<Contact, Set<() => void>>();
	/** The successor that does not answer this node, but others, and how often that was so. */
	#doubted: { readonly contact: Contact; times: number } | undefined;
	#interval: number;
	#timer: Timer | undefined;
	/** When the next round is to begin. */
	#due = Infinity;
	/** A round is under way, and whether another is to follow at once. */
	#round: "none" | "running" | "again" = "none";

	constructor(
		state: RingState,
		network: RingNetwork,
		fingers: Fingers,
		pace: Pace,
		events: { standing: (now: Standing) => void; woke: () => void },
	) {
		this.#state = state;
		this.#network = network;
		this.#fingers = fingers;
		this.#pace = pace;
		this.#standing = events.standing;
		this.#woke = events.woke;
		this.#interval = pace.fastest;
		network.serve(askView, (_value, _from, _budget, answer) => {
			answer(undefined, this.#view());
			return undefined;
		});
		network.serve(askWitness, (suspect, _from, _budget, answer) => {
			this.#bearWitness(suspect, answer);
			return undefined;
		});
		network.hear(listChanged, (_value, from) => {
			if (!from.same(state.successor)) return;
			if (this.#round === "none") this.#roundWithin(pace.fastest);
			else this.#round = "again";
		});
		network.hear(notify, (_value, from) => {
			network.prove(from, false, (error) => {
				if (error === undefined) this.#rectify(from);
			});
		});
	}

	/** Comes into a ring, starts to, or is out of it. */
	stand(now: Standing): void {
		const before = this.#state.standing;
		if (before === now) return;
		this.#state.standing = now;
		if (now !== "member") this.#stop();
		if (before === "member" || now === "member") {
			this.#network.tellAll(standing, now === "member" ? "member" : "outside");
		}
		this.#standing(now);
	}

	/** Looks after the pointers at once, or again when that is under way. */
	stabilize(): void {
		if (this.#state.standing !== "member") return;
		if (this.#round !== "none") {
			this.#round = "again";
			return;
		}
		this.#round = "running";
		this.#timer?.cancel();
		const { predecessor, successor: first, successors } = this.#state;
		this.#repair((successor, view) => {
			const from = successor ?? this.#state.self;
			const nearer = successor === undefined ? this.#state.predecessor : view?.predecessor;
			this.#approach(from, nearer, NEARER, () => {
				const { self, successor: now } = this.#state;
				const knowsUs = now === successor && view?.predecessor?.same(self) === true;
				if (!knowsUs) this.#tellSuccessor();
				// Of changes further along its list a node is told: nothing is gained by asking more often.
				const nearby = predecessor !== this.#state.predecessor || first !== now;
				this.#finishRound(nearby, successors !== this.#state.successors);
			});
		});
	}

	/** The successor list is another one, which the node before this has a copy of. */
	tellPredecessor(): void {
		const { predecessor } = this.#state;
		if (predecessor !== undefined) this.#network.tell(predecessor, listChanged, undefined);
	}

	/** Soon, and then often for a while, because a neighbour is another one. */
	hurry(): void {
		this.#interval = this.#pace.fastest;
		this.#roundWithin(this.#interval);
	}

	/** As seldom as in a ring at rest. */
	rest(): void {
		this.#interval = this.#pace.slowest;
		this.#schedule();
	}

	/** A node of whom another told: if it would be a nearer successor, and answers, it is one. */
	consider(candidate: Contact): void {
		const { self, successor } = this.#state;
		if (!between(self.id, candidate.id, successor?.id ?? self.id)) return;
		this.#approach(successor ?? self, candidate, NEARER, () => {
			this.#tellSuccessor();
		});
	}

	/** `successor` says itself that it follows this node, and who follows it. */
	adopt(successor: Contact, named: readonly Contact[]): void {
		const { self, successor: current, standing: now } = this.#state;
		if (now !== "member" || !successor.dialable) return;
		if (!between(self.id, successor.id, current?.id ?? self.id)) return;
		this.#state.adopt(successor, named);
		this.#tellSuccessor();
	}

	/** `newcomer` says itself that it is in the ring, and who follows it. Fails where this node does not point to it then. */
	welcome(newcomer: Contact, named: readonly Contact[], done: Answer<void>): void {
		this.adopt(newcomer, named);
		const answer = (): void => {
			const { predecessor, successor } = this.#state;
			const isTaken = newcomer.same(predecessor) || newcomer.same(successor);
			done(isTaken ? undefined : new ChordError("REMOTE", "another is nearer"));
		};
		if (named[0]?.same(this.#state.self) === true) this.#rectify(newcomer, answer);
		else answer();
	}

	/** A node did not answer, or its link broke: if the ring points to it, it is asked whether it is alive. */
	suspect(contact: Contact, settled: () => void = () => {}): void {
		const known = this.#state.contacts.some((other) => other.same(contact));
		if (this.#state.standing !== "member" || !known) {
			settled();
			return;
		}
		const waiting = this.#suspected.get(contact);
		if (waiting !== undefined) {
			waiting.add(settled);
			return;
		}
		const all = new Set([settled]);
		this.#suspected.set(contact, all);
		const usual = lateAfter(this.#network.roundTrip(contact.id));
		const patience = Math.min(PATIENCE, SIGNS * usual);
		this.#ask(
			contact,
			(error, view) => {
				this.#suspected.delete(contact);
				if (isGone(error, view)) this.gone(contact);
				for (const tell of all) tell();
			},
			patience,
		);
	}

	/** A node is dead, or says itself that it leaves. */
	gone(contact: Contact): void {
		if (this.#state.standing !== "member") return;
		this.#state.forget(contact);
		if (this.#state.successor?.same(contact)) this.stabilize();
	}

	/** The first of `candidates` that is alive, with its pointers. */
	firstAlive(
		candidates: readonly Contact[],
		done: (alive: Contact | undefined, view: View | undefined) => void,
	): void {
		const [first, ...others] = candidates;
		if (first === undefined) {
			done(undefined, undefined);
			return;
		}
		this.#ask(first, (error, view) => {
			if (isGone(error, view)) this.firstAlive(others, done);
			else done(first, view);
		});
	}

	/** Ends all that is under way. */
	#stop(): void {
		this.#timer?.cancel();
		this.#due = Infinity;
		this.#underWay.cancelAll();
		this.#fingers.stop();
		const waiting = [...this.#suspected.values()];
		this.#suspected.clear();
		this.#doubted = undefined;
		this.#round = "none";
		for (const all of waiting) for (const tell of all) tell();
	}

	/** Brings the next round forward; what comes after it stays as it was. */
	#roundWithin(time: number): void {
		if (this.#round === "none" && this.#due > this.#network.clock.now() + time)
			this.#schedule(time);
	}

	#schedule(interval = this.#interval): void {
		this.#timer?.cancel();
		if (this.#state.standing !== "member") return;
		const { clock, random } = this.#network;
		const delay = interval * (0.75 + random.next() / 2);
		const due = clock.now() + delay;
		this.#due = due;
		this.#timer = clock.schedule(delay, () => {
			if (clock.now() - due > this.#pace.slowest) this.#woke();
			this.stabilize();
		});
	}

	#finishRound(nearby: boolean, anywhere: boolean): void {
		const again = this.#round === "again";
		this.#round = "none";
		const atRest = !nearby && this.#doubted === undefined;
		this.#interval = atRest ? Math.min(this.#interval * 2, this.#pace.slowest) : this.#pace.fastest;
		this.#network.keep(this.#state.neighbours);
		this.#fingers.refresh(anywhere || this.#interval < this.#pace.slowest);
		if (again) this.stabilize();
		else this.#schedule();
	}

	/** Makes the first successor that is alive the first in the list, with the list that it names after it. */
	#repair(done: (successor: Contact | undefined, view: View | undefined) => void): void {
		const [first, ...others] = this.#state.successors;
		if (first === undefined) {
			done(undefined, undefined);
			return;
		}
		// A nearer one may come in while this one is asked: then that is asked instead.
		const isStillFirst = (): boolean => this.#state.successor?.same(first) ?? false;
		this.#ask(first, (error, view) => {
			if (!isStillFirst()) {
				this.#repair(done);
			} else if (view !== undefined && !isGone(error, view)) {
				this.#doubted = undefined;
				this.#state.adopt(first, view.successors);
				done(first, view);
			} else {
				this.#confirm(first, error, (gone) => {
					if (gone) this.#replace(first, others, isStillFirst, done);
					else done(first, undefined);
				});
			}
		});
	}

	/** `gone` was the first successor: the next one that is alive takes its place. */
	#replace(
		gone: Contact,
		others: readonly Contact[],
		isStillFirst: () => boolean,
		done: (successor: Contact | undefined, view: View | undefined) => void,
	): void {
		this.firstAlive(others, (alive, view) => {
			if (!isStillFirst()) {
				this.#repair(done);
				return;
			}
			if (alive === undefined || view === undefined) this.#state.dropSuccessors();
			else this.#state.adopt(alive, view.successors);
			this.#state.forget(gone);
			done(alive, view);
		});
	}

	/** Whether a successor that does not answer is gone: not when another node, within reason, says that it is not. */
	#confirm(successor: Contact, error: ChordError | undefined, done: (gone: boolean) => void): void {
		const witness = this.#state.successors[1] ?? this.#state.predecessor;
		if (error !== undefined && !isGone(error, undefined)) {
			done(false);
		} else if (error === undefined || witness === undefined || witness.same(successor)) {
			done(true);
		} else {
			this.#underWay.track<{ readonly alive: boolean }>(
				(answer) => this.#network.call(witness, askWitness, successor, PATIENCE, answer),
				(_error, word) => {
					const before = this.#doubted?.contact.same(successor) ? this.#doubted.times : 0;
					const times = word?.alive === true ? before + 1 : DOUBTS;
					this.#doubted = times < DOUBTS ? { contact: successor, times } : undefined;
					done(times >= DOUBTS);
				},
			);
		}
	}

	#bearWitness(suspect: Contact, answer: Answer<{ readonly alive: boolean }>): void {
		const known = this.#state.contacts.find(({ id }) => id === suspect.id);
		if (known === undefined || !known.same(suspect)) {
			answer(undefined, { alive: false });
			return;
		}
		this.#ask(known, (error, view) => {
			answer(undefined, { alive: error === undefined && !isGone(error, view) });
		});
	}

	/** As long as `nearer` lies between here and `from` and answers itself, it is the successor; then its predecessor. */
	#approach(from: Contact, nearer: Contact | undefined, steps: number, done: () => void): void {
		const { self } = this.#state;
		if (nearer === undefined || steps === 0 || !between(self.id, nearer.id, from.id)) {
			done();
			return;
		}
		this.#ask(nearer, (error, view) => {
			if (view === undefined || isGone(error, view)) {
				done();
				return;
			}
			const { successor } = this.#state;
			if (between(self.id, nearer.id, successor?.id ?? self.id)) {
				this.#state.adopt(nearer, view.successors);
			}
			this.#approach(nearer, view.predecessor, steps - 1, done);
		});
	}

	#tellSuccessor(): void {
		const { successor } = this.#state;
		if (successor !== undefined) this.#network.tell(successor, notify, undefined);
	}

	/** RECTIFY: `notifier` takes this node for its successor. */
	#rectify(notifier: Contact, done: () => void = () => {}): void {
		const { self, predecessor, standing: now } = this.#state;
		if (now !== "member" || !notifier.dialable) {
			done();
			return;
		}
		if (
			predecessor === undefined ||
			predecessor.id === notifier.id ||
			between(predecessor.id, notifier.id, self.id)
		) {
			this.#state.predecessor = notifier;
			done();
			return;
		}
		this.#ask(predecessor, (error, view) => {
			// It may have changed while it was being asked.
			if (isGone(error, view) && this.#state.predecessor?.same(predecessor)) {
				this.#state.predecessor = notifier;
			}
			done();
		});
	}

	#view(): View {
		const { standing: now, predecessor, successors } = this.#state;
		if (now === "member") return { standing: "member", predecessor, successors };
		return { standing: "outside", predecessor: undefined, successors: [] };
	}

	#ask(contact: Contact, done: Answer<View>, patience = PATIENCE): void {
		this.#underWay.track<View>(
			(answer) => this.#network.call(contact, askView, undefined, patience, answer),
			done,
		);
	}
}

/** An answer, or the lack of one, that means: this pointer points to nobody. Who is busy is alive. */
function isGone(error: ChordError | undefined, view: View | undefined): boolean {
	if (error !== undefined) return error.code !== "BUSY";
	return view?.standing === "outside";
}
