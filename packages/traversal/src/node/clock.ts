import type { Clock } from "../ports.ts";

/** The process's monotonic clock. */
export const systemClock: Clock = {
	now: () => performance.now(),
	schedule: (delay, run, inBackground = false) => {
		const timer = setTimeout(run, delay);
		if (inBackground) timer.unref();
		return {
			cancel: () => {
				clearTimeout(timer);
			},
		};
	},
	date: (moment) => new Date(Date.now() + moment - performance.now()),
};
