import type { Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import { between, fingerStart } from "../id.ts";
import type { Timer } from "../ports.ts";
import type { Answer, Cancel } from "../protocol.ts";
import type { Lookups } from "./lookup.ts";
import {
	type Admission,
	type Found,
	type View,
	askAdmission,
	askView,
	notify,
	standing,
	tellEntered,
} from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { type RingState, type Standing, closestBefore, fit } from "./state.ts";

/** How often a member looks after its pointers, in milliseconds: at first after a change, and in a ring at rest. */
export interface Pace {
	readonly fastest: number;
	readonly slowest: number;
}

/** What the ring tells the node that it is part of. */
export interface RingEvents {
	standing(standing: Standing): void;
	/** The predecessor is another one: the node owns more, or fewer, keys than before. */
	predecessor(before: Contact | undefined, now: Contact | undefined): void;
}

/** How long a neighbour may take to answer before it counts as dead. */
const PATIENCE = 3_000;
/** Pauses between attempts to join, and how often a joiner is sent on before it starts again. */
const RETRY = 100;
const REDIRECTS = 16;
/** How long a joiner that was handed our list may take to come in before the next one is. */
const HANDOVER = 1_000;
/** How many nodes are remembered for when all neighbours are gone. */
const REMEMBERED = 32;

/**
 * Keeps one member's pointers right, after Zave's corrected Chord (arXiv 1502.06461 and 1610.01140): a node
 * joins through its predecessor, which hands over a whole successor list; every pointer that is adopted first
 * answers itself; an old predecessor is replaced only when it is found dead.
 */
export class Stabilizer {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	readonly #lookups: Lookups;
	readonly #pace: Pace;
	readonly #events: RingEvents;
	#interval: number;
	#timer: Timer | undefined;
	#stabilizing = false;
	/** The joiner that was last handed our list, and until when others wait for it to be in. */
	#admitted: Contact | undefined;
	#admitting = 0;
	/** Nodes that are being asked whether they are alive. */
	readonly #suspected = new Set<Contact>();
	/** Distant fingers that are still to be looked up in this round. */
	#due: number[] = [];
	#refreshing = false;
	/** Takes back the join that is under way. */
	#joining: Cancel | undefined;
	/** Calls and lookups that the ring waits for. */
	readonly #underWay = new Set<{ cancel?: Cancel }>();
	/** Nodes of the ring that this node was in, for when all its neighbours are gone. */
	#remembered: readonly Contact[] = [];

	constructor(
		state: RingState,
		network: RingNetwork,
		lookups: Lookups,
		pace: Pace,
		events: RingEvents,
	) {
		this.#state = state;
		this.#network = network;
		this.#lookups = lookups;
		this.#pace = pace;
		this.#events = events;
		this.#interval = pace.fastest;
		network.serve(askView, (_value, _from, _budget, answer) => {
			answer(undefined, this.#view());
			return undefined;
		});
		network.serve(askAdmission, (_value, from, _budget, answer) => {
			answer(undefined, this.#admit(from));
			return undefined;
		});
		network.serve(tellEntered, (successors, from, _budget, answer) => {
			this.#entered(from, successors);
			answer(undefined);
			return undefined;
		});
		network.hear(notify, (_value, from) => {
			this.#rectify(from);
		});
	}

	/** A join begins: from now on nobody takes this node for the first of a ring to come. */
	prepare(): void {
		this.#forget();
		this.#stand("joining");
	}

	/** The join came to nothing. */
	giveUp(): void {
		if (this.#state.standing === "joining") this.leave();
	}

	/** Joins the ring that the nodes in `through` are members of. */
	join(through: readonly Contact[], budget: number, joined: Answer<void>): Cancel {
		const { clock } = this.#network;
		const deadline = clock.now() + budget;
		let cancel: Cancel = () => {};
		this.prepare();
		const done: Answer<void> = (error) => {
			if (this.#joining !== abandon) return;
			this.#joining = undefined;
			joined(error);
		};
		const abandon = (): void => {
			cancel();
			done(new ChordError("CLOSED", "this node left the ring meanwhile"));
		};
		this.#joining = abandon;
		const retry = (error: ChordError): void => {
			if (clock.now() >= deadline) {
				this.#joining = undefined;
				this.leave();
				joined(error);
				return;
			}
			this.#stand("joining");
			const pause = clock.schedule(this.#jitter(RETRY), find);
			cancel = () => {
				pause.cancel();
			};
		};
		const ask = (predecessor: Contact, redirects: number): void => {
			const left = Math.max(1, Math.min(PATIENCE, deadline - clock.now()));
			cancel = this.#network.call(
				predecessor,
				askAdmission,
				undefined,
				left,
				(error, admission) => {
					const next = closestBefore(
						this.#state.self.id,
						this.#state.self.id,
						admission?.contacts ?? [],
					);
					if (admission?.outcome === "welcome") {
						cancel = () => {};
						this.#enter(predecessor, admission.contacts, (lost) => {
							if (lost === undefined) done(undefined);
							else retry(lost);
						});
					} else if (admission?.outcome === "moved" && next[0] !== undefined && redirects > 0) {
						ask(next[0], redirects - 1);
					} else {
						retry(
							error ?? new ChordError("NO_ROUTE", "the ring is being repaired at our place in it"),
						);
					}
				},
			);
		};
		const find = (): void => {
			const left = Math.max(1, deadline - clock.now());
			const { id } = this.#state.self;
			cancel = this.#lookups.iterative(
				id,
				left,
				(error, found) => {
					if (found === undefined)
						retry(error ?? new ChordError("NO_ROUTE", "nobody owns our place"));
					else ask(found.predecessor ?? found.owner, REDIRECTS);
				},
				through,
			);
		};
		find();
		return () => {
			if (this.#joining !== abandon) return;
			this.#joining = undefined;
			cancel();
			this.leave();
		};
	}

	/** Leaves the ring: this node's pointers are gone, and it answers that it is outside. */
	leave(): void {
		this.#forget();
		this.#stand("outside");
	}

	#forget(): void {
		this.#stop();
		const before = this.#state.predecessor;
		this.#state.clear();
		this.#remembered = [];
		if (before !== undefined) this.#events.predecessor(before, undefined);
	}

	/** Ends all that is under way. */
	#stop(): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		for (const work of this.#underWay) work.cancel?.();
		this.#underWay.clear();
		this.#suspected.clear();
		this.#stabilizing = false;
		this.#refreshing = false;
		this.#due = [];
		this.#joining?.();
	}

	/** A node did not answer, or its link broke: if the ring points to it, it is asked whether it is alive. */
	suspect(contact: Contact): void {
		if (this.#state.standing !== "member" || this.#suspected.has(contact)) return;
		if (this.#state.contacts().get(contact.id)?.same(contact) !== true) return;
		this.#suspected.add(contact);
		this.#ask(contact, (error, view) => {
			this.#suspected.delete(contact);
			if (isDead(error, view)) this.#remove(contact);
		});
	}

	/** A node said itself that it leaves. */
	gone(contact: Contact): void {
		if (this.#state.standing === "member") this.#remove(contact);
	}

	#jitter(interval: number): number {
		return interval * (0.75 + this.#network.random.next() / 2);
	}

	#stand(now: Standing): void {
		if (this.#state.standing === now) return;
		const told = this.#state.standing === "member" || now === "member";
		this.#state.standing = now;
		if (told) this.#network.tellAll(standing, now === "member" ? "member" : "outside");
		this.#events.standing(now);
	}

	#view(): View {
		const { predecessor, successors } = this.#state;
		const member = this.#state.standing === "member";
		return {
			standing: member ? "member" : "outside",
			predecessor: member ? predecessor : undefined,
			successors: member ? successors : [],
		};
	}

	/** JOIN, at the joiner's predecessor. */
	#admit(joiner: Contact): Admission {
		const busy: Admission = { outcome: "busy", contacts: [] };
		if (this.#state.standing === "joining") return busy;
		// Whoever is asked first, before it has joined anything, is the first member of a new ring.
		if (this.#state.standing === "outside") this.#stand("member");
		const { self, successors, successor } = this.#state;
		if (successor !== undefined && !between(self.id, joiner.id, successor.id)) {
			// A successor that asks to join has restarted, and was not missed yet.
			if (successor.id === joiner.id) this.suspect(successor);
			const nearer = closestBefore(self.id, joiner.id, this.#state.contacts().values());
			return nearer.length === 0 ? busy : { outcome: "moved", contacts: nearer };
		}
		// The next joiner would be handed a list that this one is about to change.
		const now = this.#network.clock.now();
		if (now < this.#admitting && !joiner.same(this.#admitted)) return busy;
		this.#admitting = now + HANDOVER;
		this.#admitted = joiner;
		return { outcome: "welcome", contacts: successor === undefined ? [self] : successors };
	}

	/** JOIN, at the joiner: it starts with its predecessor's whole list, and looks after its pointers at once. */
	#enter(
		predecessor: Contact,
		successors: readonly Contact[],
		done: (error?: ChordError) => void,
	): void {
		const { self, length } = this.#state;
		this.#state.successors = fit(self.id, successors, length);
		this.#setPredecessor(predecessor);
		this.#stand("member");
		this.#stabilize(() => {
			const { successors: list, successor, predecessor: before } = this.#state;
			if (successor === undefined && before === undefined) {
				done(new ChordError("NO_ROUTE", "all who would have been neighbours are gone"));
				return;
			}
			this.#track<void>(
				(answer) => this.#network.call(predecessor, tellEntered, list, PATIENCE, answer),
				() => {
					done();
				},
			);
		});
	}

	/** The end of a JOIN, at the predecessor: the joiner says itself that it is in, and what follows it. */
	#entered(joiner: Contact, successors: readonly Contact[]): void {
		if (joiner.same(this.#admitted)) this.#admitting = 0;
		if (this.#state.standing !== "member") return;
		const { self, successor } = this.#state;
		if (successor === undefined || between(self.id, joiner.id, successor.id)) {
			this.#adopt([joiner, ...successors]);
			this.#tellSuccessor();
			this.#changed();
		}
	}

	/** Soon, because something changed nearby. */
	#hurry(): void {
		this.#interval = this.#pace.fastest;
		this.#schedule(this.#jitter(this.#pace.fastest));
	}

	#schedule(delay: number): void {
		this.#timer?.cancel();
		if (this.#state.standing !== "member") return;
		this.#timer = this.#network.clock.schedule(delay, () => {
			this.#stabilize();
		});
	}

	/** STABILIZE: asks the successor for its predecessor, which may be a nearer successor, and for its list. */
	#stabilize(done: () => void = () => {}): void {
		if (this.#stabilizing || this.#state.standing !== "member") return;
		this.#stabilizing = true;
		const before = [this.#state.predecessor, ...this.#state.successors];
		const finish = (): void => {
			this.#stabilizing = false;
			this.#network.keep(this.#state.neighbours());
			this.#refreshFingers();
			const after = [this.#state.predecessor, ...this.#state.successors];
			const changed =
				before.length !== after.length ||
				before.some((contact, i) => !sameOrNone(contact, after[i]));
			this.#interval = changed
				? this.#pace.fastest
				: Math.min(this.#interval * 2, this.#pace.slowest);
			this.#schedule(this.#jitter(this.#interval));
			done();
		};
		this.#askSuccessor((successor, view) => {
			if (successor === undefined && this.#state.predecessor === undefined) {
				this.#stabilizing = false;
				if (this.#joining === undefined) this.#recover();
				done();
				return;
			}
			const candidate = successor === undefined ? this.#state.predecessor : view?.predecessor;
			const bound = successor?.id ?? this.#state.self.id;
			if (candidate === undefined || !between(this.#state.self.id, candidate.id, bound)) {
				this.#tellSuccessor();
				finish();
				return;
			}
			// A nearer successor is believed only once it has answered itself.
			this.#ask(candidate, (error, nearer) => {
				if (!isDead(error, nearer) && nearer !== undefined) {
					this.#adopt([candidate, ...nearer.successors]);
				}
				this.#tellSuccessor();
				finish();
			});
		});
	}

	/** Asks the first successor that is alive, having dropped the dead ones before it; none when alone. */
	#askSuccessor(done: (successor: Contact | undefined, view: View | undefined) => void): void {
		const { successor } = this.#state;
		if (successor === undefined) {
			done(undefined, undefined);
			return;
		}
		this.#ask(successor, (error, view) => {
			if (view?.standing === "busy" || error?.code === "BUSY") {
				done(successor, undefined);
			} else if (view === undefined || isDead(error, view)) {
				this.#remove(successor);
				this.#askSuccessor(done);
			} else {
				this.#adopt([successor, ...view.successors]);
				done(successor, view);
			}
		});
	}

	/** All neighbours are gone. Joins again through nodes that were in the ring, or is alone. */
	#recover(): void {
		const { self } = this.#state;
		const through = this.#remembered.filter((contact) => contact.id !== self.id);
		this.#remembered = [];
		if (through.length === 0) return;
		this.join(through, PATIENCE, (error) => {
			if (error !== undefined && this.#state.standing === "outside") this.#stand("member");
		});
	}

	#adopt(successors: readonly Contact[]): void {
		if (this.#state.standing !== "member") return;
		const { self, length } = this.#state;
		this.#state.successors = fit(self.id, successors, length);
	}

	#tellSuccessor(): void {
		const { successor, standing: now } = this.#state;
		if (successor !== undefined && now === "member")
			this.#network.tell(successor, notify, undefined);
	}

	/** RECTIFY: `notifier` takes this node for its successor. */
	#rectify(notifier: Contact): void {
		if (this.#state.standing !== "member") return;
		const { self, predecessor } = this.#state;
		if (
			predecessor === undefined ||
			predecessor.id === notifier.id ||
			between(predecessor.id, notifier.id, self.id)
		) {
			this.#setPredecessor(notifier);
			return;
		}
		this.#ask(predecessor, (error, view) => {
			if (isDead(error, view) && this.#state.predecessor?.same(predecessor)) {
				this.#setPredecessor(notifier);
			}
		});
	}

	#setPredecessor(now: Contact): void {
		const before = this.#state.predecessor;
		if (before?.same(now)) return;
		this.#state.predecessor = now;
		this.#events.predecessor(before, now);
		this.#changed();
	}

	#remove(contact: Contact): void {
		const before = this.#state.predecessor;
		this.#state.remove(contact);
		if (before?.same(contact)) this.#events.predecessor(before, undefined);
		this.#changed();
	}

	#changed(): void {
		const known = this.#state.contacts();
		if (known.size > 0) this.#remembered = [...known.values()].slice(0, REMEMBERED);
		this.#network.keep(this.#state.neighbours());
		this.#hurry();
	}

	/** Looks up the fingers beyond the successor list: all of them while the ring changes, one a time when it rests. */
	#refreshFingers(): void {
		if (this.#refreshing) return;
		if (this.#due.length === 0) {
			this.#due = this.#state.distantFingers();
			for (const exponent of this.#state.fingers.keys()) {
				if (!this.#due.includes(exponent)) this.#state.fingers.delete(exponent);
			}
		}
		const atRest = this.#interval >= this.#pace.slowest;
		this.#refreshFinger(atRest ? 1 : this.#due.length);
	}

	#refreshFinger(count: number): void {
		const exponent = count > 0 ? this.#due.shift() : undefined;
		this.#refreshing = exponent !== undefined;
		if (exponent === undefined) return;
		const start = fingerStart(this.#state.self.id, exponent);
		this.#track(
			(done: Answer<Found>) => this.#lookups.recursive(start, PATIENCE, done),
			(_error, found) => {
				const before = this.#state.fingers.get(exponent);
				if (found !== undefined && !found.owner.same(before)) {
					if (found.owner.id === this.#state.self.id) this.#state.fingers.delete(exponent);
					else this.#state.fingers.set(exponent, found.owner);
					this.#network.keep(this.#state.neighbours());
				}
				this.#refreshFinger(count - 1);
			},
		);
	}

	/** Starts something that ends without a word when the node leaves the ring meanwhile. */
	#track<T>(start: (done: Answer<T>) => Cancel, done: Answer<T>): void {
		const work: { cancel?: Cancel } = {};
		this.#underWay.add(work);
		work.cancel = start((error, value) => {
			if (this.#underWay.delete(work)) done(error, value);
		});
	}

	#ask(contact: Contact, done: Answer<View>): void {
		this.#track<View>(
			(answer) => this.#network.call(contact, askView, undefined, PATIENCE, answer),
			done,
		);
	}
}

/** An answer or its absence that means: this pointer points to nobody. */
function isDead(error: ChordError | undefined, view: View | undefined): boolean {
	if (error !== undefined) return error.code !== "BUSY";
	return view?.standing === "outside";
}

function sameOrNone(a: Contact | undefined, b: Contact | undefined): boolean {
	return a === undefined ? b === undefined : a.same(b);
}
