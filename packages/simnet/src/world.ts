import type { LatencyModel } from "./latency.ts";
import type { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { EventQueue, type Task } from "./queue.ts";
import { type Trace, TRACE_KINDS, type TraceKind } from "./trace.ts";

const NUMBERS = Object.fromEntries(TRACE_KINDS.map((kind, number) => [kind, number])) as Record<
	TraceKind,
	number
>;

/** What holds for every host and link of a simulation. */
export interface Rules {
	readonly latency: LatencyModel;
	readonly cut: boolean;
	/** Bytes of one direction of a link that may be under way or unread. */
	readonly window: number;
	/** Microseconds. */
	readonly dialTimeout: number;
	/** Microseconds. */
	readonly stallTimeout: number;
	/** Microseconds. */
	readonly linger: number;
}

/** Time and what is to happen in it. Times are whole virtual microseconds, so that sums are exact. */
export class World {
	readonly queue: EventQueue = new EventQueue();
	readonly network: Network = new Network();
	readonly trace: Trace;
	readonly seed: number;
	readonly rules: Rules;
	now = 0;
	links = 0;
	#soon: Task[] = [];
	#running = false;

	constructor(seed: number, rules: Rules, trace: Trace) {
		this.seed = seed;
		this.rules = rules;
		this.trace = trace;
	}

	/** When the next thing happens, or Infinity. */
	get next(): number {
		return this.#soon.length > 0 ? this.now : this.queue.next();
	}

	at(time: number, task: Task): void {
		this.queue.add(time, task);
	}

	/** Runs `task` when what runs now has finished. */
	soon(task: Task): void {
		this.#soon.push(task);
	}

	/** Runs the next thing that is due at `limit` or before, and all that it deferred. */
	step(limit: number): boolean {
		if (this.#running) throw new Error("a simulation cannot be run from inside itself");
		this.#running = true;
		try {
			if (this.#soon.length === 0) {
				const time = this.queue.next();
				if (time > limit || time === Infinity) return false;
				this.now = time;
				this.queue.take().run();
			}
			if (this.#soon.length > 0) this.#finish();
			return true;
		} finally {
			this.#running = false;
		}
	}

	/** @param bytes what arrived, for kinds that carry bytes */
	note(
		kind: TraceKind,
		machine: Machine | undefined,
		link: number,
		size: number,
		bytes?: Uint8Array,
	): void {
		const index = machine === undefined ? -1 : machine.index;
		this.trace.note(this.now, NUMBERS[kind], index, machine?.name ?? "", link, size, bytes);
	}

	/** Microseconds that one message takes from one machine to another. */
	delay(from: Machine, to: Machine): number {
		if (from === to) return 20;
		const ms = this.rules.latency.delay(from, to, from.chance) + from.lag + to.lag;
		return ms > 0 ? Math.round(ms * 1000) : 0;
	}

	#finish(): void {
		let done = 0;
		try {
			while (done < this.#soon.length) {
				const task = this.#soon[done++] as Task;
				if (!task.dead) task.run();
			}
		} finally {
			this.#soon = done === this.#soon.length ? [] : this.#soon.slice(done);
		}
	}
}
