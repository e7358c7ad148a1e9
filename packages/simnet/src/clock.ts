import { SimnetError } from "./errors.ts";
import type { Held } from "./gate.ts";
import type { Clock, Timer } from "./ports.ts";
import type { Process } from "./process.ts";
import type { Task } from "./queue.ts";

/** What the wall clocks show when a simulation begins: the first second of 2026. */
const EPOCH = 1_767_225_600;

/** A call that was scheduled. */
export class SimTimer implements Timer, Task, Held {
	readonly process: Process;
	dead = false;
	#call: (() => void) | undefined;
	#queued: boolean;

	constructor(process: Process, call: () => void, queued: boolean) {
		this.process = process;
		this.#call = call;
		this.#queued = queued;
	}

	cancel(): void {
		if (this.dead) return;
		this.dead = true;
		this.#call = undefined;
		if (this.#queued) this.process.machine.world.queue.died();
	}

	run(): void {
		this.#queued = false;
		this.process.machine.admit(this);
	}

	perform(): void {
		const { process } = this;
		const call = this.#call;
		if (call === undefined || !process.alive) return;
		this.dead = true;
		this.#call = undefined;
		process.machine.world.note("timer", process.machine, 0, 0);
		call();
	}
}

/** A call that was deferred. */
class Deferred implements Task, Held {
	readonly dead = false;
	readonly #process: Process;
	readonly #call: () => void;

	constructor(process: Process, call: () => void) {
		this.#process = process;
		this.#call = call;
	}

	run(): void {
		const { gate } = this.#process.machine;
		if (gate === undefined) this.perform();
		else gate.holdDeferred(this);
	}

	perform(): void {
		if (this.#process.alive) this.#call();
	}
}

/** The time as one process sees it: its machine's clock, which may be skewed. */
export class SimClock implements Clock {
	readonly #process: Process;

	constructor(process: Process) {
		this.#process = process;
	}

	now(): number {
		return this.#process.machine.time / 1000;
	}

	wall(): number {
		return EPOCH + Math.floor(this.now() / 1_000);
	}

	schedule(delay: number, run: () => void): Timer {
		if (Number.isNaN(delay)) throw new SimnetError("INVALID_ARGUMENT", "a delay is a number");
		const process = this.#process;
		const { machine } = process;
		const { world } = machine;
		// What never comes, or comes for a dead process, need not wait in the queue.
		const queued = process.alive && delay !== Infinity;
		const timer = new SimTimer(process, run, queued);
		if (queued) {
			const wait = delay > 0 ? Math.round((delay * 1000) / machine.rate) : 0;
			world.at(world.now + wait, timer);
		}
		return timer;
	}

	defer(run: () => void): void {
		const process = this.#process;
		if (process.alive) process.machine.world.soon(new Deferred(process, run));
	}
}
