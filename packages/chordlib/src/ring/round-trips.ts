import type { Id } from "../id.ts";

/** What is known of the round trips to a node, in milliseconds, after RFC 6298. */
export interface RoundTrip {
	readonly smoothed: number;
	/** How far round trips are from that, on average. */
	readonly variation: number;
}

/** How much a new measurement counts, and how much its distance from the others. */
const GAIN = 1 / 8;
const VARIATION_GAIN = 1 / 4;
/** An answer is late after the smoothed round trip and so many times the variation. */
const VARIATIONS = 4;
/** Bounds of that, and what it is for a node to which no round trip is known. */
const SOONEST = 200;
const LATEST = 1_500;
const UNKNOWN = 500;

/** After how many milliseconds an answer is late. */
export function lateAfter(known: RoundTrip | undefined): number {
	if (known === undefined) return UNKNOWN;
	const expected = known.smoothed + VARIATIONS * known.variation;
	return Math.min(LATEST, Math.max(SOONEST, expected));
}

/** Nodes whose round trips are kept: those of all candidates for the fingers of a ring of 100,000. */
const KEPT = 512;

/** Measured round trips, those of the nodes that answered last. */
export class RoundTrips {
	readonly #known = new Map<Id, RoundTrip>();

	get(id: Id): RoundTrip | undefined {
		return this.#known.get(id);
	}

	/** An answer came after so many milliseconds. */
	add(id: Id, time: number): void {
		const before = this.#known.get(id);
		this.#known.delete(id);
		this.#known.set(id, before === undefined ? first(time) : next(before, time));
		if (this.#known.size <= KEPT) return;
		for (const oldest of this.#known.keys()) {
			this.#known.delete(oldest);
			break;
		}
	}
}

function first(time: number): RoundTrip {
	return { smoothed: time, variation: time / 2 };
}

function next({ smoothed, variation }: RoundTrip, time: number): RoundTrip {
	return {
		smoothed: smoothed + GAIN * (time - smoothed),
		variation: variation + VARIATION_GAIN * (Math.abs(time - smoothed) - variation),
	};
}
