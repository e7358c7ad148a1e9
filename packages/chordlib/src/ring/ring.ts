import type { Contact } from "../contact.ts";
import { Attaching } from "./attach.ts";
import { Fingers } from "./fingers.ts";
import { Joining } from "./join.ts";
import { Lookups } from "./lookup.ts";
import { Merging } from "./merge.ts";
import { ownerChanged } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { type Pace, Stabilizer } from "./stabilize.ts";
import { type Pointers, RingState, type Standing } from "./state.ts";

export interface RingOptions {
	readonly pace: Pace;
	/** Length of the successor list. */
	readonly successors: number;
}

/** What a member tells of itself. */
export interface RingEvents {
	standing(now: Standing): void;
	/** Its neighbours are others than before. */
	pointers(before: Pointers): void;
}

/** One member of a ring, or who may become one: its pointers and all that keeps them right, put together. */
export class Ring {
	readonly state: RingState;
	readonly lookups: Lookups;
	readonly joining: Joining;
	readonly merging: Merging;
	readonly attaching: Attaching;
	readonly #network: RingNetwork;
	readonly #events: RingEvents;
	readonly #stabilizer: Stabilizer;

	constructor(
		self: Contact,
		network: RingNetwork,
		{ pace, successors }: RingOptions,
		events: RingEvents,
	) {
		this.#network = network;
		this.#events = events;
		this.state = new RingState(self, successors, (before) => {
			this.#pointersChanged(before);
		});
		this.lookups = new Lookups(
			this.state,
			network,
			(contact, settled) => {
				this.#stabilizer.suspect(contact, settled);
			},
			() => {
				this.joining.becomeFirst();
			},
		);
		const fingers = new Fingers(this.state, network, this.lookups);
		this.#stabilizer = new Stabilizer(this.state, network, fingers, pace, {
			standing: (now) => {
				if (now === "member") this.merging.start();
				else this.merging.stop();
				events.standing(now);
			},
			woke: () => {
				this.merging.hurry();
			},
		});
		this.joining = new Joining(this.state, network, this.lookups, this.#stabilizer);
		this.merging = new Merging(this.state, network, this.lookups, this.#stabilizer);
		this.attaching = new Attaching(this.state, network, {
			lookups: this.lookups,
			merging: this.merging,
			stabilizer: this.#stabilizer,
			pace,
			moved: () => {
				events.pointers(this.state);
			},
		});
	}

	/** Makes it a member with pointers that are right as they are: for who makes a whole ring at once, at rest. */
	begin(predecessor: Contact, successors: readonly Contact[]): void {
		const [first, ...others] = successors;
		if (first !== undefined) this.state.enter(predecessor, first, others);
		this.#stabilizer.stand("member");
		this.#stabilizer.rest();
	}

	/** A node says that it leaves the ring, or is in none. */
	gone(contact: Contact): void {
		this.#stabilizer.gone(contact);
		this.attaching.lost(contact);
	}

	/** The link to a node broke: is it alive? */
	suspect(contact: Contact): void {
		this.#stabilizer.suspect(contact);
		this.attaching.lost(contact);
	}

	/** A join came to nothing. */
	giveUp(): void {
		if (this.state.standing === "joining") this.leave();
	}

	/** Leaves the ring, or gives up to get into one. */
	leave(): void {
		this.attaching.stop();
		this.joining.leave();
	}

	#pointersChanged(before: Pointers): void {
		const { standing, predecessor, successors } = this.state;
		if (standing === "member") {
			this.merging.remember(this.state.contacts);
			this.#network.keep(this.state.neighbours);
			const [first] = before.successors;
			if (before.predecessor !== predecessor || first !== successors[0]) this.#stabilizer.hurry();
			if (before.successors !== successors) this.#stabilizer.tellPredecessor();
			this.#network.tellLeaves(ownerChanged, undefined);
		}
		// Alone but for a predecessor, the first node of a ring takes that for its successor at once.
		if (this.state.successor === undefined && predecessor !== undefined) {
			this.#stabilizer.stabilize();
		}
		this.#events.pointers(before);
	}
}
