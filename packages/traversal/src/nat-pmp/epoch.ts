/** Slack for the router's clock: RFC 6886, section 3.6. */
const SLOWEST = 7 / 8;
const SLACK = 2;

/**
 * Whether a router still has the mappings that it had: its "seconds since start of epoch" go on with at least
 * 7/8 of the speed of our clock, but for 2 seconds (RFC 6886, section 3.6).
 */
export class Epoch {
	#seconds: number | undefined;
	#heard = 0;

	/** Whether an answer at `now`, in milliseconds, shows that the router has lost its state. */
	lost(seconds: number, now: number): boolean {
		const expected =
			this.#seconds === undefined
				? 0
				: this.#seconds + ((now - this.#heard) / 1000) * SLOWEST - SLACK;
		this.#seconds = seconds;
		this.#heard = now;
		return seconds < expected;
	}
}
