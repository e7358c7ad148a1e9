import type { BroadcastId } from "./messages.ts";

/** Lives of origins whose broadcasts are remembered; the one longest silent goes first. */
const LIVES = 1_024;
/** How far below the highest number of a life each broadcast is remembered by itself; all before that are over. */
const WINDOW = 256;

interface Window {
	/** All numbers below it are over. */
	floor: number;
	readonly above: Set<number>;
}

/** Broadcasts that have ended here, so that none begins again: for each life of an origin a window of numbers. */
export class Seen {
	readonly #windows = new Map<string, Window>();

	/** How many numbers it remembers. */
	get size(): number {
		return [...this.#windows.values()].reduce((sum, { above }) => sum + above.size, 0);
	}

	has({ origin, life, number }: BroadcastId): boolean {
		const window = this.#windows.get(`${origin.toString()} ${life}`);
		return window !== undefined && (number < window.floor || window.above.has(number));
	}

	add({ origin, life, number }: BroadcastId): void {
		const key = `${origin.toString()} ${life}`;
		const window = this.#windows.get(key) ?? { floor: 0, above: new Set<number>() };
		this.#windows.delete(key);
		this.#windows.set(key, window);
		if (number >= window.floor) window.above.add(number);
		if (number - WINDOW > window.floor) window.floor = number - WINDOW;
		for (const old of window.above) {
			if (old < window.floor) window.above.delete(old);
		}
		const [longestSilent] = this.#windows.keys();
		if (this.#windows.size > LIVES && longestSilent !== undefined) {
			this.#windows.delete(longestSilent);
		}
	}
}
