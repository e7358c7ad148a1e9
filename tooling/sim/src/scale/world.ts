import type { Timer } from "@cicada/chordlib";
import { SeededRandom } from "@cicada/simnet";

import type { Member } from "./member.ts";
import { type Contact, EventQueue, type Id, LimitCounter, type Task } from "./parts.ts";

/** How many clusters the nodes lie in, and the milliseconds from one to another and back: inside one, and between two. */
const CLUSTERS = 50;
const INSIDE = 5;
const NEAREST = 20;
const FARTHEST = 200;

/** Where a member is. */
interface Place {
	readonly cluster: number;
}

/** Something that is to happen to a member, unless it is taken back or the member is dead by then. */
class Event implements Task, Timer {
	dead = false;
	readonly #queue: EventQueue;
	readonly #whose: { readonly alive: boolean };
	readonly #call: () => void;

	constructor(queue: EventQueue, whose: { readonly alive: boolean }, call: () => void) {
		this.#queue = queue;
		this.#whose = whose;
		this.#call = call;
	}

	cancel(): void {
		if (this.dead) return;
		this.dead = true;
		this.#queue.died();
	}

	run(): void {
		this.dead = true;
		if (this.#whose.alive) this.#call();
	}
}

/** Virtual time, and messages between members that take some of it. */
export class World {
	/** Virtual milliseconds. */
	now = 0;
	/** How much has happened. */
	events = 0;
	readonly random: SeededRandom;
	readonly counter: LimitCounter = new LimitCounter();
	/** Those that live. */
	readonly members: Map<Id, Member> = new Map();
	/** Where everybody is, or was. */
	readonly places: Map<Id, Place> = new Map();
	readonly #queue = new EventQueue();
	readonly #roundTrips: Float64Array = new Float64Array(CLUSTERS * CLUSTERS);
	#soon: Event[] = [];

	constructor(seed: number) {
		this.random = new SeededRandom(seed);
		for (let a = 0; a < CLUSTERS; a++) {
			this.#roundTrips[a * CLUSTERS + a] = INSIDE;
			for (let b = 0; b < a; b++) {
				const time = NEAREST + (FARTHEST - NEAREST) * this.random.next();
				this.#roundTrips[a * CLUSTERS + b] = time;
				this.#roundTrips[b * CLUSTERS + a] = time;
			}
		}
	}

	/** One of the clusters, by chance. */
	cluster(): number {
		return Math.floor(this.random.next() * CLUSTERS);
	}

	/** Milliseconds that a message takes. */
	delay(from: Place, to: Place): number {
		return (this.#roundTrips[from.cluster * CLUSTERS + to.cluster] as number) / 2;
	}

	schedule(whose: { readonly alive: boolean }, delay: number, call: () => void): Event {
		const event = new Event(this.#queue, whose, call);
		this.#queue.add(this.now + Math.max(0, delay), event);
		return event;
	}

	defer(whose: { readonly alive: boolean }, call: () => void): void {
		this.#soon.push(new Event(this.#queue, whose, call));
	}

	/** Takes something to whom `to` means: `arrived` there, or `refused` here when another life of it answers. */
	send(from: Member, to: Contact, arrived: (there: Member) => void, refused?: () => void): void {
		const there = this.members.get(to.id);
		if (there === undefined) return;
		const delay = this.delay(from, there);
		this.schedule(there, delay, () => {
			if (to.means(there.ring.state.self)) arrived(there);
			else if (refused !== undefined) this.schedule(from, delay, refused);
		});
	}

	/** Lets time pass until `end`. */
	runUntil(end: number): void {
		for (;;) {
			const time = this.#queue.next();
			if (time > end) break;
			this.now = time;
			this.#queue.take().run();
			this.events++;
			for (let done = 0; done < this.#soon.length; done++) (this.#soon[done] as Event).run();
			if (this.#soon.length > 0) this.#soon = [];
		}
		this.now = end;
	}
}
