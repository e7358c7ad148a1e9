import type { Clock, Timer } from "../ports.ts";

/** The longest delay of Node's timers, 24 days; a longer one would run at once. */
const LONGEST = 2 ** 31 - 1;
/** A timer that is later than this, in milliseconds, was kept waiting by the program itself. */
const LATE = 50;

const NOTHING = (): void => {};

class SystemTimer implements Timer {
	readonly #due: number;
	#run: () => void;
	#timer: NodeJS.Timeout | undefined;
	#deferred: NodeJS.Immediate | undefined;

	constructor(delay: number, run: () => void) {
		this.#due = performance.now() + delay;
		this.#run = run;
		this.#timer = setTimeout(
			() => {
				this.#expire();
			},
			Math.min(delay, LONGEST),
		);
	}

	/** Whoever keeps it keeps nothing else. */
	cancel(): void {
		clearTimeout(this.#timer);
		if (this.#deferred !== undefined) clearImmediate(this.#deferred);
		this.#timer = this.#deferred = undefined;
		this.#run = NOTHING;
	}

	#expire(): void {
		const run = this.#run;
		this.cancel();
		// What arrived meanwhile has not been read, and may be the answer that this timer gives up waiting for.
		if (performance.now() > this.#due + LATE) this.#deferred = setImmediate(run);
		else run();
	}
}

/** The process's monotonic clock. Its timers keep the process alive, as long as a node is open. */
export const systemClock: Clock = {
	now: () => performance.now(),
	wall: () => Math.floor(Date.now() / 1_000),
	schedule: (delay, run) => new SystemTimer(delay, run),
	defer: (run) => {
		setImmediate(run);
	},
};
