import type { Clock } from "../ports.ts";

/** The process's monotonic clock. Its timers keep the process alive, as long as a node is open. */
export const systemClock: Clock = {
	now: () => performance.now(),
	schedule: (delay, run) => {
		const timer = setTimeout(run, delay);
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
