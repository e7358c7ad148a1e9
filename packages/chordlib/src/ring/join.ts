import type { Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import { between } from "../id.ts";
import type { Answer, Cancel } from "../protocol.ts";
import type { Lookups } from "./lookup.ts";
import { type Admission, type Found, askAdmission, askFirst, tellEntered } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { PATIENCE, type Stabilizer } from "./stabilize.ts";
import type { RingState } from "./state.ts";
import { closestBefore } from "./step.ts";
import { UnderWay } from "./under-way.ts";

/** Pauses between attempts to join, and how often a joiner is sent on before it starts again. */
const RETRY = 100;
const REDIRECTS = 16;
/** How many nodes a joiner is told of to ask instead. */
const REDIRECTED = 3;
/**
 * A list that was handed over is for one joiner alone, since it changes when that is in. After so long the joiner
 * takes it no more and asks again, and so much longer, when its word that it is in must have come, the next one may.
 */
const HANDOVER = PATIENCE + 1_000;

const UNPROVEN =
	"the node before this one's place could not dial it where it says that it is: join as a leaf, or give the address at which others reach it";

/**
 * How a node gets into a ring: its predecessor to be hands over its whole successor list; the joiner takes it once
 * the first in it has answered, and tells both its neighbours that it is in.
 */
export class Joining {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	readonly #lookups: Lookups;
	readonly #stabilizer: Stabilizer;
	readonly #underWay = new UnderWay();
	/** Tells who waits for the join that is under way. */
	#joined: Answer<void> | undefined;
	#deadline = 0;
	/** The joiner that was last handed our list, and until when others wait for it to be in. */
	#admitted: Contact | undefined;
	#admitting = 0;

	constructor(state: RingState, network: RingNetwork, lookups: Lookups, stabilizer: Stabilizer) {
		this.#state = state;
		this.#network = network;
		this.#lookups = lookups;
		this.#stabilizer = stabilizer;
		network.serve(askAdmission, (required, from, _budget, answer) => {
			network.prove(from, required, (error) => {
				answer(undefined, error === undefined ? this.#admit(from) : turnedAway(error));
			});
			return undefined;
		});
		network.serve(askFirst, (_nothing, _from, _budget, answer) => {
			this.#beFirst();
			answer(undefined, this.#state.standing === "member" ? "member" : "outside");
			return undefined;
		});
		network.serve(tellEntered, (successors, from, _budget, answer) => {
			if (from.same(this.#admitted)) this.#admitting = 0;
			network.prove(from, false, (error) => {
				if (error === undefined) stabilizer.welcome(from, successors, answer);
				else answer(error);
			});
			return undefined;
		});
	}

	/** A join begins: from now on nobody takes this node for the first of a ring to come. */
	prepare(): void {
		this.#state.clear();
		this.#stabilizer.stand("joining");
	}

	/** Joins the ring that the nodes in `through` are members of. */
	join(through: readonly Contact[], budget: number, joined: Answer<void>): Cancel {
		this.prepare();
		this.#deadline = this.#network.clock.now() + budget;
		this.#joined = joined;
		this.#state.joinsThrough = through;
		this.#find();
		return () => {
			if (this.#joined !== joined) return;
			this.#joined = undefined;
			this.leave();
		};
	}

	/** Ends a join without a ring to be in, or leaves the ring. */
	leave(): void {
		this.#underWay.cancelAll();
		this.#outside();
		this.#done(new ChordError("CLOSED", "this node left the ring meanwhile"));
	}

	/** Gives up joining, since those that it joins through join through it: this node is the first of the ring. */
	becomeFirst(): void {
		if (this.#joined === undefined) return;
		this.#underWay.cancelAll();
		this.#stabilizer.stand("member");
		this.#done(undefined);
	}

	#outside(): void {
		const { clock, limits } = this.#network;
		// A node that never was in a ring, nor tried to join one, has nobody who could take it for a member.
		if (this.#state.standing !== "outside") this.#state.firstFrom = clock.now() + limits.dead;
		this.#state.clear();
		this.#stabilizer.stand("outside");
	}

	#done(error: ChordError | undefined): void {
		const joined = this.#joined;
		this.#joined = undefined;
		joined?.(error);
	}

	#find(): void {
		const { clock } = this.#network;
		this.#underWay.track<Found>(
			(done) => {
				const left = Math.max(1, this.#deadline - clock.now());
				return this.#lookups.iterative(this.#state.self.id, left, done, this.#state.joinsThrough);
			},
			(error, found) => {
				if (found === undefined) this.#retry(error);
				else this.#ask(found.predecessor ?? found.owner, REDIRECTS);
			},
		);
	}

	#ask(predecessor: Contact, redirects: number): void {
		const { id } = this.#state.self;
		const stale = this.#network.clock.now() + HANDOVER;
		this.#underWay.track<Admission>(
			(done) =>
				this.#network.call(
					predecessor,
					askAdmission,
					this.#network.proof !== "off",
					PATIENCE,
					done,
				),
			(error, admission) => {
				const [next] = closestBefore(id, id, admission?.contacts ?? []);
				if (admission?.outcome === "welcome") {
					this.#enter(predecessor, admission.contacts, stale);
				} else if (admission?.outcome === "moved" && next !== undefined && redirects > 0) {
					this.#ask(next, redirects - 1);
				} else if (admission?.outcome === "unproven") {
					this.#outside();
					this.#done(new ChordError("NOT_DIALABLE", UNPROVEN));
				} else {
					this.#retry(error);
				}
			},
		);
	}

	#retry(error: ChordError | undefined): void {
		if (this.#network.clock.now() >= this.#deadline) {
			this.#outside();
			this.#done(
				error ?? new ChordError("NO_ROUTE", "the ring is being repaired at our place in it"),
			);
			return;
		}
		this.#pause(() => {
			this.#find();
		});
	}

	#pause(run: () => void): void {
		const { clock, random } = this.#network;
		this.#underWay.track<void>((done) => {
			const timer = clock.schedule(RETRY * (0.75 + random.next() / 2), () => {
				done(undefined);
			});
			return () => {
				timer.cancel();
			};
		}, run);
	}

	/** JOIN, at the joiner: `predecessor` has handed over its list, which is `stale` from some time on. */
	#enter(predecessor: Contact, handed: readonly Contact[], stale: number): void {
		const comeIn = (successor: Contact, named: readonly Contact[]): void => {
			const late = this.#network.clock.now() >= stale || !this.#isMember(predecessor);
			if (late) this.#retry(undefined);
			else this.#comeIn(predecessor, successor, named);
		};
		this.#stabilizer.firstAlive(handed, (successor, view) => {
			if (this.#joined === undefined) return;
			const skipped = view?.predecessor;
			if (successor === undefined || view === undefined) {
				this.#retry(undefined);
			} else if (!skipped || !between(predecessor.id, skipped.id, successor.id)) {
				comeIn(successor, view.successors);
			} else {
				// Who handed over the list does not know of it yet, or it is dead, and the successor does not know.
				this.#stabilizer.firstAlive([skipped], (alive) => {
					if (this.#joined === undefined) return;
					if (alive === undefined) comeIn(successor, view.successors);
					else this.#retry(undefined);
				});
			}
		});
	}

	#comeIn(predecessor: Contact, successor: Contact, named: readonly Contact[]): void {
		this.#state.enter(predecessor, successor, named);
		// Who hears of these may leave at once.
		if (this.#joined !== undefined) this.#stabilizer.stand("member");
		if (this.#joined === undefined) return;
		this.#stabilizer.stabilize();
		const now = this.#network.clock.now();
		// Who is in is not out again because a neighbour is slow.
		const end = now + Math.min(PATIENCE, (this.#deadline - now) / 2);
		let untold = 1;
		const told = (): void => {
			if (--untold === 0) this.#done(undefined);
		};
		if (!predecessor.same(successor)) {
			untold++;
			this.#tell(predecessor, end, told);
		}
		this.#tellSuccessor(end, told);
	}

	/** Tells the node that follows, and who follows when that has not taken this one, until one has or `end` has come. */
	#tellSuccessor(end: number, done: () => void): void {
		const { successor } = this.#state;
		if (successor === undefined) {
			done();
			return;
		}
		this.#tell(successor, end, (error) => {
			if (error === undefined || this.#network.clock.now() >= end) done();
			else this.#pause(() => this.#tellSuccessor(end, done));
		});
	}

	/** Tells a neighbour that this node is in. */
	#tell(neighbour: Contact, end: number, done: Answer<void>): void {
		const left = Math.max(1, end - this.#network.clock.now());
		this.#underWay.track<void>(
			(answer) => this.#network.call(neighbour, tellEntered, this.#state.successors, left, answer),
			done,
		);
	}

	/** Whoever is asked first, before it has joined anything, is the first member of a new ring. */
	#beFirst(): void {
		const { firstFrom, standing } = this.#state;
		if (standing === "outside" && this.#network.clock.now() >= firstFrom) {
			this.#stabilizer.stand("member");
		}
	}

	/** Whether nothing tells that a node to which there is a link has left its ring, or is gone. */
	#isMember(contact: Contact): boolean {
		const met = this.#network.met(contact.id);
		return met?.standing === "member" && contact.same(met.contact);
	}

	/** JOIN, at the joiner's predecessor. */
	#admit(joiner: Contact): Admission {
		const busy: Admission = { outcome: "busy", contacts: [] };
		const now = this.#network.clock.now();
		if (!joiner.dialable) return busy;
		this.#beFirst();
		if (this.#state.standing !== "member") return busy;
		const { self, successors, successor } = this.#state;
		if (successor !== undefined && !between(self.id, joiner.id, successor.id)) {
			// A successor that asks to join has restarted, and was not missed yet.
			if (successor.id === joiner.id) this.#stabilizer.suspect(successor);
			const nearer = closestBefore(self.id, joiner.id, this.#state.contacts);
			const contacts = nearer.slice(0, REDIRECTED);
			return contacts.length === 0 ? busy : { outcome: "moved", contacts };
		}
		// The next joiner would be handed a list that this one is about to change.
		if (now < this.#admitting && !joiner.same(this.#admitted)) return busy;
		this.#admitting = now + HANDOVER + PATIENCE;
		this.#admitted = joiner;
		return { outcome: "welcome", contacts: successor === undefined ? [self] : successors };
	}
}

/** For who was not where he says that he is, or could not be looked for. */
function turnedAway({ code }: ChordError): Admission {
	return { outcome: code === "BUSY" ? "busy" : "unproven", contacts: [] };
}
