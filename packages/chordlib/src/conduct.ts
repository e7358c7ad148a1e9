import type { Limits } from "./limits.ts";
import type { Clock } from "./ports.ts";
import type { LimitCounter } from "./stats.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Seconds' worth of messages too many after which a link ends; each is forgotten in ten times as long. */
const PATIENCE = 2;
const FORGIVING = 10;

/** How much the peer of one link asks of a node for the ring's sake: too much is not served, far too much ends the link. */
export class Conduct {
	readonly #clock: Clock;
	readonly #counter: LimitCounter;
	readonly #messages: TokenBucket;
	readonly #excess: TokenBucket;

	constructor(clock: Clock, { controlMessages }: Limits, counter: LimitCounter) {
		const now = clock.now();
		this.#clock = clock;
		this.#counter = counter;
		this.#messages = new TokenBucket(controlMessages, controlMessages, now);
		this.#excess = new TokenBucket(controlMessages / FORGIVING, controlMessages * PATIENCE, now);
	}

	/** One more message: it is served, or passed over, or the link has to end. */
	next(): "served" | "passedOver" | "flood" {
		const now = this.#clock.now();
		if (this.#messages.take(now)) return "served";
		this.#counter.count("controlMessages");
		return this.#excess.take(now) ? "passedOver" : "flood";
	}
}
