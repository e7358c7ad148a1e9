/** Bytes that wait to go out, in order. */
export class Outbox {
	readonly #chunks: Uint8Array[] = [];
	#first = 0;
	#size = 0;

	/** How many bytes wait. */
	get size(): number {
		return this.#size;
	}

	push(bytes: Uint8Array): void {
		this.#chunks.push(bytes);
		this.#size += bytes.length;
	}

	/** The next bytes: a whole chunk, or as much of one as `limit` allows. */
	take(limit: number): Uint8Array {
		const chunk = this.#chunks[this.#first] as Uint8Array;
		const size = Math.min(limit, chunk.length);
		this.#size -= size;
		if (size < chunk.length) {
			this.#chunks[this.#first] = chunk.subarray(size);
			return chunk.subarray(0, size);
		}
		this.#first++;
		if (this.#first > 32 && this.#first * 2 > this.#chunks.length) {
			this.#chunks.splice(0, this.#first);
			this.#first = 0;
		}
		return chunk;
	}
}
