import type { Clock } from "../ports.ts";

/** The longest delay of Node's timers, 24 days; a longer one would run at once. */
const LONGEST = 2 ** 31 - 1;

/** The process's monotonic clock. Its timers keep the process alive, as long as a node is open. */
export const systemClock: Clock = {
	now: () => performance.now(),
	wall: () => Math.floor(Date.now() / 1_000),
	schedule: (delay, run) => {
		const timer = setTimeout(run, Math.min(delay, LONGEST));
		return {
			cancel: () => {
				clearTimeout(timer);
			},
		};
	},
	defer: (run) => {
		setImmediate(run);
	},
};
