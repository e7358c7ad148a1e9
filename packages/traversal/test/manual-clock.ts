import type { Clock } from "../src/ports.ts";

/** Time that passes when told to. */
export class ManualClock implements Clock {
	#now = 0;
	readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

	now(): number {
		return this.#now;
	}

	date(moment: number): Date {
		return new Date(moment);
	}

	schedule(delay: number, run: () => void): { cancel(): void } {
		const timer = { at: this.#now + delay, run };
		this.#timers.add(timer);
		return {
			cancel: () => {
				this.#timers.delete(timer);
			},
		};
	}

	/** How many timers are set. */
	get pending(): number {
		return this.#timers.size;
	}

	/** Lets time pass, and lets what follows from each timer happen before the next. */
	async pass(time: number): Promise<void> {
		const end = this.#now + time;
		await settle();
		for (;;) {
			const [next] = [...this.#timers].toSorted((one, other) => one.at - other.at);
			if (next === undefined || next.at > end) break;
			this.#timers.delete(next);
			this.#now = Math.max(this.#now, next.at);
			next.run();
			await settle();
		}
		this.#now = end;
	}
}

/** Lets everything happen that waits for nothing. */
export const settle = (): Promise<void> =>
	new Promise((resolve) => {
		setImmediate(() => {
			setImmediate(resolve);
		});
	});
