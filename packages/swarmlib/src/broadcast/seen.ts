import { type BroadcastId, seriesOf } from "./messages.ts";

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

	has(id: BroadcastId): boolean {
		const { number } = id;
		const window = this.#windows.get(seriesOf(id));
		return window !== undefined && (number < window.floor || window.above.has(number));
	}

	add(id: BroadcastId): void {
		const { number } = id;
		const key = seriesOf(id);
		const window = this.#windows.get(key) ?? { floor: 0, above: new Set<number>() };
		this.#windows.delete(key);
		this.#windows.set(key, window);
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
