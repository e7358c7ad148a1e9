/** Numbers below the highest so far for which it is remembered whether they have come. */
export const WINDOW = 2_048;

/** Which numbers have come, when they may come in any order: the last {@link WINDOW} one by one, and none before them again. */
export class Window {
	readonly #words = new Uint32Array(WINDOW / 32);
	#highest = -1;

	/** Whether a number has not come yet, as far as that is known. */
	isFresh(number: number): boolean {
		if (number > this.#highest) return true;
		return number > this.#highest - WINDOW && !this.#has(number);
	}

	/** A fresh number has come. */
	mark(number: number): void {
		const from = Math.max(this.#highest + 1, number - WINDOW + 1);
		for (let skipped = from; skipped < number; skipped++) this.#set(skipped, false);
		this.#highest = Math.max(this.#highest, number);
		this.#set(number, true);
	}

	#has(number: number): boolean {
		const place = number % WINDOW;
		return ((this.#words[place >>> 5]! >>> (place & 31)) & 1) === 1;
	}

	#set(number: number, come: boolean): void {
		const place = number % WINDOW;
		const bit = 1 << (place & 31);
		const word = this.#words[place >>> 5]!;
		this.#words[place >>> 5] = come ? word | bit : word & ~bit;
	}
}
