import { createHash } from "node:crypto";

/** Chance that a seed decides, so that a run can be repeated. */
export class Chance {
	#state: number;

	constructor(seed: string) {
		this.#state = createHash("sha256").update(seed).digest().readUInt32LE();
	}

	/** A whole number in [0, `limit`). */
	below(limit: number): number {
		// mulberry32: small, and good enough to choose peers with.
		this.#state = (this.#state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
	}

	/** A copy in random order (Fisher and Yates). */
	shuffled<Item>(items: readonly Item[]): Item[] {
		const copy = [...items];
		for (let end = copy.length - 1; end > 0; end--) {
			const other = this.below(end + 1);
			[copy[end], copy[other]] = [copy[other] as Item, copy[end] as Item];
		}
		return copy;
	}
}
