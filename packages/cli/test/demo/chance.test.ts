import { expect, test } from "vitest";

import { Chance } from "../../src/demo/chance.ts";
import { atMost, within } from "../../src/demo/concurrently.ts";

const draws = (seed: string): number[] => {
	const chance = new Chance(seed);
	return Array.from({ length: 1_000 }, () => chance.below(10));
};

test("a seed decides, and another decides otherwise", () => {
	expect(draws("a")).toEqual(draws("a"));
	expect(draws("a")).not.toEqual(draws("b"));
});

test("every number below the limit comes, and none beyond", () => {
	expect([...new Set(draws("a"))].toSorted((a, b) => a - b)).toEqual([...Array(10).keys()]);
});

test("shuffling keeps every item, in another order, and leaves the original", () => {
	const items = [...Array(50).keys()];
	const shuffled = new Chance("a").shuffled(items);
	expect(shuffled).not.toEqual(items);
	expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
	expect(items).toEqual([...Array(50).keys()]);
});

test("no more run at once than allowed, in order, and a failure makes room for the next", async () => {
	const start = atMost(2);
	const order: number[] = [];
	let running = 0;
	const results = await Promise.allSettled(
		[0, 1, 2, 3, 4].map(async (i) =>
			start(async () => {
				order.push(i);
				expect(++running).toBeLessThanOrEqual(2);
				await Promise.resolve();
				running--;
				if (i === 1) throw new Error("one");
				return i;
			}),
		),
	);
	expect(order).toEqual([0, 1, 2, 3, 4]);
	expect(results.map(({ status }) => status)).toEqual([
		"fulfilled",
		"rejected",
		"fulfilled",
		"fulfilled",
		"fulfilled",
	]);
});

test("patience ends", async () => {
	const never = new Promise<never>(() => {});
	await expect(within(1, never, "it did not happen")).rejects.toThrow("it did not happen within");
	await expect(within(1_000, Promise.resolve(7), "it did not happen")).resolves.toBe(7);
});
