import type { Clock } from "../ports.ts";

/** The longest delay of Node's timers, 24 days; a longer one would run at once. */
const LONGEST = 2 ** 31 - 1;
/** A timer that is later than this, in milliseconds, was kept waiting by the program itself. */
const LATE = 50;

/** The process's monotonic clock. Its timers keep the process alive, as long as a node is open. */
export const systemClock: Clock = {
	now: () => performance.now(),
	wall: () => Math.floor(Date.now() / 1_000),
	schedule: (delay, run) => {
		const due = performance.now() + delay;
		let deferred: NodeJS.Immediate | undefined;
		const timer = setTimeout(
			() => {
				// What arrived meanwhile has not been read, and may be the answer that this timer gives up waiting for.
				if (performance.now() > due + LATE) deferred = setImmediate(run);
				else run();
			},
			Math.min(delay, LONGEST),
		);
		return {
			cancel: () => {
				clearTimeout(timer);
				clearImmediate(deferred);
			},
		};
	},
	defer: (run) => {
		setImmediate(run);
	},
};
