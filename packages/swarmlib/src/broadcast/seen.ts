import type { Name } from "./messages.ts";

/** Series of broadcasts that are remembered: those of one key in one epoch. The one longest silent goes first. */
const SERIES = 1_024;
/** How far below the highest number of a series each broadcast is remembered by itself; all before that are over. */
const WINDOW = 256;

interface Window {
	/** All numbers below it are over. */
	floor: number;
	readonly above: Set<number>;
}

/** Broadcasts that have ended here, so that none begins again: for each series a window of numbers. */
export class Seen {
	readonly #windows = new Map<string, Window>();

	has({ series, number }: Name): boolean {
		const window = this.#windows.get(series);
		return window !== undefined && (number < window.floor || window.above.has(number));
	}

	add({ series, number }: Name): void {
		const window = this.#windows.get(series) ?? { floor: 0, above: new Set<number>() };
		this.#windows.delete(series);
		this.#windows.set(series, window);
		if (number >= window.floor) window.above.add(number);
		if (number - WINDOW > window.floor) window.floor = number - WINDOW;
		for (const old of window.above) {
			if (old < window.floor) window.above.delete(old);
		}
		const [longestSilent] = this.#windows.keys();
		if (this.#windows.size > SERIES && longestSilent !== undefined) {
			this.#windows.delete(longestSilent);
		}
	}
}
