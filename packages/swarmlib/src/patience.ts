/** Milliseconds until something is said again: before anything is known, at least, at most. */
const RETRY = { first: 300, least: 100, most: 3_000 };

/** How long to wait for an answer before saying it again, as learned from the answers that came. */
export class Patience {
	#smoothedRtt: number | undefined;

	/** Milliseconds that answers usually take; 0 while none has come. */
	get rtt(): number {
		return this.#smoothedRtt ?? 0;
	}

	/** An answer to what was said once came after so many milliseconds. */
	measure(rtt: number): void {
		this.#smoothedRtt =
			this.#smoothedRtt === undefined ? rtt : this.#smoothedRtt * 0.875 + rtt * 0.125;
	}

	/** How long the answer to the given attempt may take. */
	of(attempts: number): number {
		const first =
			this.#smoothedRtt === undefined
				? RETRY.first
				: Math.max(RETRY.least, this.#smoothedRtt * 2 + 50);
		return Math.min(first * 2 ** (attempts - 1), RETRY.most);
	}
}
