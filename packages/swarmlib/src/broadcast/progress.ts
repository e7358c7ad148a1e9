import { MOST, type Progress } from "./messages.ts";

/** Of an interval about which nothing is known yet. */
export const NOTHING: Progress = {
	held: 0,
	reached: 0,
	spread: false,
	done: false,
	complete: true,
};

/** Of an interval in which nobody is. */
export const NOBODY: Progress = { ...NOTHING, spread: true, done: true };

/** Of several intervals together. What others claim may be of any size; the sum still fits its field. */
export function sum(parts: Iterable<Progress>): Progress {
	let { held, reached, spread, done, complete } = NOBODY;
	for (const part of parts) {
		held = Math.min(MOST, held + part.held);
		reached = Math.min(MOST, reached + part.reached);
		spread &&= part.spread;
		done &&= part.done;
		complete &&= part.complete;
	}
	return { held, reached, spread, done, complete };
}
