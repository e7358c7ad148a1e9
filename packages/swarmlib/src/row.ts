/** From how many places on a row gives up those in front that are empty. */
const EMPTY = 1_024;

/**
 * Things in the order in which they were put in, each with a number by which it is found and taken out. A Map or Set that
 * is as busy leaves tables behind that keep what was in them until V8 collects all of its memory.
 */
export class Row<Item> {
	#items: (Item | undefined)[] = [];
	/** The number of the first of them, and how many in front are empty. */
	#offset: number;
	#head = 0;
	#size = 0;

	/** `first`: the number of the first thing to come. */
	constructor(first = 0) {
		this.#offset = first;
	}

	/** How many things there are. */
	get size(): number {
		return this.#size;
	}

	/** The number of the first thing, or that of the next to come when there is none. */
	get first(): number {
		return this.#offset + this.#head;
	}

	/** The number of the next thing to come. */
	get next(): number {
		return this.#offset + this.#items.length;
	}

	get(number: number): Item | undefined {
		const place = number - this.#offset;
		// What is before an array's first place is looked for by its name.
		return place < 0 ? undefined : this.#items[place];
	}

	/** Puts a thing last, and gives its number. */
	add(item: Item): number {
		this.#size++;
		return this.#offset + this.#items.push(item) - 1;
	}

	/** Takes the thing with a number out; false when there is none. */
	remove(number: number): boolean {
		if (this.get(number) === undefined) return false;
		const items = this.#items;
		items[number - this.#offset] = undefined;
		this.#size--;
		while (this.#head < items.length && items[this.#head] === undefined) this.#head++;
		if (this.#head >= EMPTY && 2 * this.#head >= items.length) this.#giveUpHead();
		return true;
	}

	*[Symbol.iterator](): Generator<Item, void, undefined> {
		for (let number = this.first; number < this.next; number++) {
			const item = this.get(number);
			if (item !== undefined) yield item;
		}
	}

	#giveUpHead(): void {
		this.#items.splice(0, this.#head);
		this.#offset += this.#head;
		this.#head = 0;
	}
}
