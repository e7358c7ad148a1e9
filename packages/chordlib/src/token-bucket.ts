/** Lets through `rate` a second on average, and `burst` at once. */
export class TokenBucket {
	readonly #rate: number;
	readonly #burst: number;
	#tokens: number;
	#at: number;

	/** `now` is in milliseconds; so are the times that the methods take. */
	constructor(rate: number, burst: number, now: number) {
		this.#rate = rate;
		this.#burst = burst;
		this.#tokens = burst;
		this.#at = now;
	}

	/** One more: is it let through? */
	take(now: number): boolean {
		this.#refill(now);
		if (this.#tokens < 1) return false;
		this.#tokens--;
		return true;
	}

	#refill(now: number): void {
		const earned = ((now - this.#at) / 1_000) * this.#rate;
		this.#tokens = Math.min(this.#burst, this.#tokens + earned);
		this.#at = now;
	}
}
