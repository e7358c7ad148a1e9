import type { Case } from "./scenario.ts";

/**
 * The least part of a list that still fails: delta debugging (Zeller and Hildebrandt, 2002). No single item of what is
 * returned can be left out. The order is kept.
 *
 * @param fails whether a part of the list fails. It must say the same each time, which a seeded simulation does.
 */
export async function shrinkList<T>(
	items: readonly T[],
	fails: (part: readonly T[]) => boolean | Promise<boolean>,
): Promise<readonly T[]> {
	if (items.length === 0 || (await fails([]))) return [];
	let current = items;
	let pieces = 2;
	while (current.length > 1) {
		const smaller = await without(current, pieces, fails);
		if (smaller !== undefined) {
			current = smaller;
			pieces = Math.max(2, pieces - 1);
		} else if (pieces >= current.length) {
			break;
		} else {
			pieces = Math.min(current.length, pieces * 2);
		}
	}
	return current;
}

/** The list without one of its pieces, if that fails too. */
async function without<T>(
	items: readonly T[],
	pieces: number,
	fails: (part: readonly T[]) => boolean | Promise<boolean>,
): Promise<readonly T[] | undefined> {
	const size = Math.ceil(items.length / pieces);
	for (let start = 0; start < items.length; start += size) {
		const rest = [...items.slice(0, start), ...items.slice(start + size)];
		if (rest.length > 0 && (await fails(rest))) return rest;
	}
	return undefined;
}

/** The least integer from `least` to `most` that fails, if those that fail lie together up to `most`, which does. */
async function shrinkNumber(
	least: number,
	most: number,
	fails: (value: number) => boolean | Promise<boolean>,
): Promise<number> {
	let low = least;
	let high = most;
	while (low < high) {
		const middle = Math.floor((low + high) / 2);
		if (await fails(middle)) high = middle;
		else low = middle + 1;
	}
	return high;
}

/**
 * A smaller case that still fails: fewer faults, then fewer nodes, then less time, and again until nothing gets smaller.
 *
 * @param given a case that fails
 * @param fails whether a case fails, for instance
 * `async (given) => (await runCase(scenario, given)).failure !== undefined`
 * @param least the fewest nodes that make sense. 1 by default.
 */
export async function shrink(
	given: Case,
	fails: (given: Case) => boolean | Promise<boolean>,
	least = 1,
): Promise<Case> {
	let current = given;
	for (;;) {
		const before = current;
		const faults = await shrinkList(current.faults, (part) => fails({ ...before, faults: part }));
		const fewer = { ...before, faults };
		const nodes = await shrinkNumber(least, fewer.nodes, (count) =>
			fails({ ...fewer, nodes: count }),
		);
		const small = { ...fewer, nodes };
		const duration = await shrinkNumber(0, small.duration, (ms) =>
			fails({ ...small, duration: ms }),
		);
		current = { ...small, duration };
		if (
			faults.length === before.faults.length &&
			nodes === before.nodes &&
			duration === before.duration
		) {
			return current;
		}
	}
}
