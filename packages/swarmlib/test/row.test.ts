import fc from "fast-check";
import { expect, test } from "vitest";

import { Row } from "../src/row.ts";

test("a row keeps things in order, by number, whatever is taken out; numbers are not used again", () => {
	// Above all in front, where it gives up what is empty; and here and there.
	const step = fc.oneof(
		{ weight: 3, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 2_000 }) }) },
		{ weight: 3, arbitrary: fc.record({ first: fc.integer({ min: 1, max: 2_000 }) }) },
		{ weight: 2, arbitrary: fc.record({ at: fc.nat(10_000) }) },
	);
	fc.assert(
		fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
			const row = new Row<string>();
			const model = new Map<number, string>();
			let next = 0;
			for (const { add = 0, first = 0, at } of steps as {
				add?: number;
				first?: number;
				at?: number;
			}[]) {
				const added = Array.from({ length: add }, (_, i) => next + i);
				next += add;
				for (const number of added) model.set(number, `item ${number}`);
				expect(added.map((number) => row.add(`item ${number}`))).toEqual(added);
				const taken = [...[...model.keys()].slice(0, first), ...(at === undefined ? [] : [at])];
				const were = taken.map((number) => model.delete(number));
				expect(taken.map((number) => row.remove(number))).toEqual(were);
			}
			expect([...row]).toEqual([...model.values()]);
			expect([row.size, row.first, row.next]).toEqual([
				model.size,
				[...model.keys()][0] ?? next,
				next,
			]);
			expect([...model.keys()].map((number) => row.get(number))).toEqual([...model.values()]);
			expect([row.get(-1), row.get(next), row.remove(-1)]).toEqual([undefined, undefined, false]);
		}),
		{ numRuns: 200 },
	);
});
