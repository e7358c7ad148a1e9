import type { Machine } from "./machine.ts";
import type { Task } from "./queue.ts";

/** Something that a process does, as soon as it gets to it. */
export interface Held {
	perform(): void;
}

/** Between a machine and its process, when the process is stopped or slow: what happens to it queues up, in order. */
export class Gate implements Task {
	readonly dead = false;
	readonly #machine: Machine;
	#waiting: Held[] = [];
	#done = 0;
	#booked = false;
	paused = false;
	/** Microseconds that the process needs for each thing. */
	cost = 0;

	constructor(machine: Machine) {
		this.#machine = machine;
	}

	hold(held: Held): void {
		this.#waiting.push(held);
		this.#book();
	}

	/** A call that was deferred belongs to what has just run: it costs nothing, but a stopped process does not make it. */
	holdDeferred(held: Held): void {
		if (this.paused) this.hold(held);
		else held.perform();
	}

	/** To be called when `paused` or `cost` changed. */
	changed(): void {
		if (!this.paused) this.#book();
	}

	/** The process is dead: what it has not got to is lost, and the next one is not stopped. */
	reset(): void {
		this.#waiting = [];
		this.#done = 0;
		this.paused = false;
		this.#book();
	}

	run(): void {
		this.#booked = false;
		if (this.paused) return;
		const held = this.#waiting[this.#done];
		if (held !== undefined) {
			this.#done++;
			if (this.#done > 64 && this.#done * 2 > this.#waiting.length) {
				this.#waiting = this.#waiting.slice(this.#done);
				this.#done = 0;
			}
			held.perform();
		}
		this.#book();
	}

	#book(): void {
		if (this.#booked || this.paused) return;
		if (this.#done < this.#waiting.length) {
			this.#booked = true;
			const { world } = this.#machine;
			world.at(world.now + this.cost, this);
		} else if (this.cost === 0 && this.#machine.gate === this) {
			this.#machine.gate = undefined;
		}
	}
}
