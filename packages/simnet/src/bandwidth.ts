import type { LinkEnd } from "./link.ts";
import type { Task } from "./queue.ts";
import type { World } from "./world.ts";

/** The most that one link sends before the next has its turn. */
const TURN = 16_384;

/** What a machine can send: its links take turns. */
export class Uplink implements Task {
	readonly dead = false;
	readonly #world: World;
	/** Bytes a millisecond. */
	readonly #rate: number;
	#waiting: LinkEnd[] = [];
	#current: LinkEnd | undefined;
	#size = 0;

	constructor(world: World, rate: number) {
		this.#world = world;
		this.#rate = rate;
	}

	/** `end` has something to send. */
	enter(end: LinkEnd): void {
		if (this.#current === end || this.#waiting.includes(end)) return;
		this.#waiting.push(end);
		if (this.#current === undefined) this.#next();
	}

	run(): void {
		const end = this.#current;
		this.#current = undefined;
		// It may queue up again, behind the others.
		end?.depart(this.#size);
		if (this.#current === undefined) this.#next();
	}

	#next(): void {
		for (;;) {
			const end = this.#waiting.shift();
			if (end === undefined) return;
			this.#size = Math.min(TURN, end.ready);
			if (this.#size === 0) continue;
			this.#current = end;
			this.#world.at(this.#world.now + Math.ceil((this.#size * 1000) / this.#rate), this);
			return;
		}
	}
}

/** What a machine can get. */
export class Downlink {
	/** Bytes a millisecond. */
	readonly #rate: number;
	#free = 0;

	constructor(rate: number) {
		this.#rate = rate;
	}

	/** When the last of `bytes` that begin to arrive now is in, in microseconds. */
	arrival(now: number, bytes: number): number {
		this.#free = Math.max(now, this.#free) + Math.ceil((bytes * 1000) / this.#rate);
		return this.#free;
	}
}
