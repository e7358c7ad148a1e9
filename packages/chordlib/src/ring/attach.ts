import type { Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import type { Id } from "../id.ts";
import type { Timer } from "../ports.ts";
import type { Answer, Cancel } from "../protocol.ts";
import type { Lookups } from "./lookup.ts";
import type { Merging } from "./merge.ts";
import { type Found, type View, askFirst, askView, ownerChanged } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import { type Pace, PATIENCE, type Stabilizer } from "./stabilize.ts";
import type { RingState } from "./state.ts";
import { UnderWay } from "./under-way.ts";

/** How many of those after the owner a leaf holds links to, beside the owner and who is before it. */
const FOLLOWING = 2;
/** How long the owner may take to be found. */
const SEARCH = 5_000;

/**
 * How a node that cannot be dialled takes part: as a leaf. It has no place in the ring. It holds links to the owner of
 * its id, to the node before that and to those after it. What is routed to its id comes to the owner, which has the
 * link to the leaf. When the owner dies, the next one is the owner, and the leaf is linked to it already.
 */
export class Attaching {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	readonly #lookups: Lookups;
	readonly #merging: Merging;
	readonly #stabilizer: Stabilizer;
	readonly #pace: Pace;
	/** Told when it is attached to others than before. */
	readonly #moved: () => void;
	readonly #underWay = new UnderWay();
	#attached: Answer<void> | undefined;
	#deadline = 0;
	#interval: number;
	#timer: Timer | undefined;
	/** A search is under way, and whether another is to follow at once. */
	#search: "none" | "running" | "again" = "none";

	constructor(
		state: RingState,
		network: RingNetwork,
		{
			lookups,
			merging,
			stabilizer,
			pace,
			moved,
		}: {
			lookups: Lookups;
			merging: Merging;
			stabilizer: Stabilizer;
			pace: Pace;
			moved: () => void;
		},
	) {
		this.#state = state;
		this.#network = network;
		this.#lookups = lookups;
		this.#merging = merging;
		this.#stabilizer = stabilizer;
		this.#pace = pace;
		this.#moved = moved;
		this.#interval = pace.fastest;
		network.hear(ownerChanged, () => {
			this.hurry();
		});
	}

	/** Attaches this node to the ring that the nodes in `through` are members of. */
	attach(through: readonly Contact[], budget: number, attached: Answer<void>): Cancel {
		this.#deadline = this.#network.clock.now() + budget;
		this.#attached = attached;
		this.#state.attachedTo = through;
		this.#stabilizer.stand("joining");
		this.#find();
		return () => {
			if (this.#attached === attached) this.stop();
		};
	}

	/** Lets go of the ring. */
	stop(): void {
		this.#underWay.cancelAll();
		this.#timer?.cancel();
		this.#search = "none";
		this.#state.attachedTo = [];
		this.#done(new ChordError("CLOSED", "this node left the ring meanwhile"));
	}

	/** The link to a node is gone: if it was one of those, another takes its place. */
	lost(contact: Contact): void {
		if (this.#state.attachedTo.some((member) => member.same(contact))) this.hurry();
	}

	/** Looks for the owner anew, soon. */
	hurry(): void {
		if (this.#state.standing !== "leaf") return;
		this.#interval = this.#pace.fastest;
		if (this.#search === "none") this.#schedule();
		else this.#search = "again";
	}

	#done(error: ChordError | undefined): void {
		const attached = this.#attached;
		this.#attached = undefined;
		attached?.(error);
	}

	/** Whether it is to be attached. Whoever heard that it is may have let go of it at once. */
	get #wanted(): boolean {
		const { standing } = this.#state;
		return standing === "joining" || standing === "leaf";
	}

	#find(): void {
		if (!this.#wanted) return;
		this.#search = "running";
		const { attachedTo, self } = this.#state;
		const known = [...attachedTo, ...this.#merging.remembered];
		// Who is in no ring takes itself for the first of one to come, and so for the owner.
		const members = known.filter(({ id }) => this.#network.met(id)?.standing !== "outside");
		const start = members.length > 0 ? members : known;
		this.#underWay.track<Found>(
			(done) => this.#lookups.iterative(self.id, SEARCH, done, start),
			(error, found) => {
				if (found === undefined) this.#failed(error);
				else this.#meet(found);
			},
		);
	}

	/** Asking the owner for its neighbours opens the link to it. */
	#meet(found: Found): void {
		const { owner, predecessor } = found;
		this.#underWay.track<View>(
			(done) => this.#network.call(owner, askView, undefined, PATIENCE, done),
			(error, view) => {
				if (view?.standing !== "member") {
					// A ring that was left stays so: only who joins begins one.
					if (view !== undefined && this.#state.standing === "joining") this.#found(found);
					else this.#failed(error);
					return;
				}
				const others = predecessor === undefined ? [] : [predecessor];
				this.#adopt([owner, ...others, ...view.successors.slice(0, FOLLOWING)]);
				this.#merging.remember([...view.successors, ...this.#state.attachedTo]);
			},
		);
	}

	/** The owner is in no ring, and is to be the first of one. */
	#found(found: Found): void {
		this.#underWay.track<"member" | "outside">(
			(done) => this.#network.call(found.owner, askFirst, undefined, PATIENCE, done),
			(error, standing) => {
				if (standing === "member") this.#meet(found);
				else this.#failed(error);
			},
		);
	}

	#adopt(members: readonly Contact[]): void {
		const links = new Map<Id, Contact>(members.map((member) => [member.id, member]));
		const now = [...links.values()];
		const before = this.#state.attachedTo;
		const settled =
			now.length === before.length && now.every((member, i) => member.same(before[i]));
		this.#state.attachedTo = now;
		this.#network.keep(links);
		this.#stabilizer.stand("leaf");
		this.#done(undefined);
		this.#interval = settled
			? Math.min(this.#interval * 2, this.#pace.slowest)
			: this.#pace.fastest;
		this.#finish();
		if (!settled) this.#moved();
	}

	#failed(error: ChordError | undefined): void {
		if (this.#state.standing === "joining" && this.#network.clock.now() >= this.#deadline) {
			this.#stabilizer.stand("outside");
			this.#done(error ?? new ChordError("NO_ROUTE", "the owner of this node's id is in no ring"));
			this.stop();
			return;
		}
		this.#interval = Math.min(this.#interval * 2, this.#pace.slowest);
		this.#finish();
	}

	#finish(): void {
		if (this.#search === "again") this.#interval = this.#pace.fastest;
		this.#search = "none";
		this.#schedule();
	}

	#schedule(): void {
		const { clock, random } = this.#network;
		this.#timer?.cancel();
		if (!this.#wanted) return;
		this.#timer = clock.schedule(this.#interval * (0.75 + random.next() / 2), () => {
			this.#find();
		});
	}
}
