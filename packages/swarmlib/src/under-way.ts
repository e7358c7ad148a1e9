/** Counts what is under way, and tells when nothing is. */
export class UnderWay {
	#count = 0;
	readonly #waiting = new Set<() => void>();

	/** Something begins. */
	begin(): void {
		this.#count++;
	}

	/** Something that began has ended. */
	end(): void {
		this.#count--;
		if (this.#count > 0) return;
		for (const done of this.#waiting) done();
		this.#waiting.clear();
	}

	/** Calls `done` as soon as nothing is under way; taken back by what is returned. */
	whenNone(done: () => void): () => void {
		if (this.#count === 0) done();
		else this.#waiting.add(done);
		return () => {
			this.#waiting.delete(done);
		};
	}
}
