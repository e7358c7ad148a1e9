/**
 * The order of ids on the ring, written anew: an oracle that shared this code with the ring would share its mistakes.
 *
 * @module
 */

/** True when `x` lies strictly between `a` and `b`, clockwise; from `a` round to itself lies all but `a`. */
export function strictlyBetween(a: string, x: string, b: string): boolean {
	if (a === b) return x !== a;
	return a < b ? a < x && x < b : a < x || x < b;
}

const RING = 1n << 256n;

/** The index in `ids`, which are in ascending order, of the owner of a key: the first at or clockwise after it. */
export function ownerIndex(ids: readonly string[], key: string): number {
	let low = 0;
	let high = ids.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((ids[middle] as string) < key) low = middle + 1;
		else high = middle;
	}
	return low === ids.length ? 0 : low;
}

/** How far it is from `from` clockwise to `to`. */
export function distance(from: string, to: string): bigint {
	const far = BigInt(`0x${to}`) - BigInt(`0x${from}`);
	return far < 0n ? far + RING : far;
}
