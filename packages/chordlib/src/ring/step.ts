import type { Contact } from "../contact.ts";
import { type Id, arcLength, between, inArc } from "../id.ts";
import type { RingState } from "./state.ts";

/** One step towards the owner of an id: it is here, or those of `next` know more, the best first. */
export type Step =
	| { readonly mine: true }
	| { readonly mine: false; readonly last: boolean; readonly next: readonly Contact[] };

/**
 * Where to look for the owner of `id`. With `last`, the asker takes this node for the owner: it is, unless
 * somebody stands between, who is then its predecessor or before that.
 */
export function step(state: RingState, id: Id, last: boolean): Step {
	const { self, predecessor, successor } = state;
	if (state.standing === "leaf") return { mine: false, last: false, next: state.attachedTo };
	if (id === self.id) return { mine: true };
	if (predecessor !== undefined && inArc(predecessor.id, id, self.id)) return { mine: true };
	// Without neighbours it is alone; with a predecessor only, the rest of the ring is behind that.
	if (successor === undefined) {
		return predecessor === undefined
			? { mine: true }
			: { mine: false, last: false, next: [predecessor] };
	}
	if (last) {
		return predecessor === undefined
			? { mine: true }
			: { mine: false, last: true, next: [predecessor] };
	}
	const owners = state.ownersOf(id);
	if (owners.length > 0) return { mine: false, last: true, next: owners };
	return { mine: false, last: false, next: closestBefore(self.id, id, state.contacts) };
}

/** Those of `contacts`, which go clockwise from `self`, that lie strictly between `self` and `id`, the nearest to `id` first. */
export function closestBefore(self: Id, id: Id, contacts: readonly Contact[]): Contact[] {
	let [low, high] = [0, contacts.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (between(self, contacts[middle]!.id, id)) low = middle + 1;
		else high = middle;
	}
	return contacts.slice(0, low).toReversed();
}

/**
 * How many links a lookup still crosses for each time that the distance to its end is to be halved. With two fingers
 * for each power of two the simulation says about 0.35; more would trade speed for fewer links.
 */
const LINKS_PER_HALVING = 0.35;

/**
 * `before`, as {@link closestBefore} gives them, in another order: first who is likely to lead to the owner of `id`
 * soonest, by the round trip there and by what is left to go after it. Those whose round trips are not known count
 * as the slowest that is.
 */
export function soonestFirst(
	{ self, successors }: RingState,
	id: Id,
	before: readonly Contact[],
	roundTrip: (contact: Contact) => number | undefined,
): readonly Contact[] {
	const trips = before.map(roundTrip);
	const known = trips.filter((time) => time !== undefined);
	if (known.length === 0) return before;
	const slowest = Math.max(...known);
	const usual = known.reduce((sum, time) => sum + time, 0) / known.length;
	const end = successors.at(-1);
	// Within a successor list of its end, a lookup takes one link, however far that is.
	const near = end === undefined ? 1 : arcLength(self.id, end.id) / 2;
	const times = new Map<Contact, number>();
	for (const [index, contact] of before.entries()) {
		const halvings = Math.log2(Math.max(near, arcLength(contact.id, id)));
		times.set(contact, (trips[index] ?? slowest) + usual * LINKS_PER_HALVING * halvings);
	}
	return before.toSorted((a, b) => times.get(a)! - times.get(b)!);
}
