import type { Clock } from "../src/index.ts";

/** A clock that knows how many of its timers are still to run. */
export class WatchedClock implements Clock {
	readonly #clock: Clock;
	readonly #waiting = new Set<object>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	get waiting(): number {
		return this.#waiting.size;
	}

	now(): number {
		return this.#clock.now();
	}

	wall(): number {
		return this.#clock.wall();
	}

	schedule(delay: number, run: () => void): { cancel(): void } {
		const entry = {};
		this.#waiting.add(entry);
		const timer = this.#clock.schedule(delay, () => {
			this.#waiting.delete(entry);
			run();
		});
		return {
			cancel: () => {
				this.#waiting.delete(entry);
				timer.cancel();
			},
		};
	}

	defer(run: () => void): void {
		this.#clock.defer(run);
	}
}
