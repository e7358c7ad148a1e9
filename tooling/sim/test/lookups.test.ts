import { expect, it } from "vitest";

import { runLookups } from "../src/scale/lookups.ts";

const FACTOR = Number(process.env["CICADA_FACTOR"] ?? "1");
const nodes = 100 * Math.min(FACTOR, 10);
const count = 1_500;
const options = { nodes, seed: 1, successors: 16, count, dead: 0 };

it("lookups on a large ring at rest end at the owner, within few hops, and do the same twice", () => {
	const [first, second] = [1, 2].map(() => {
		const { realMs: _, cpuMs: __, maxRss: ___, ...rest } = runLookups(options, () => {});
		return rest;
	});
	expect(first?.lookups).toEqual({ ok: count, wrong: 0, failed: 0 });
	expect(first?.hops.count).toBe(count);
	expect(first?.latency).toBeGreaterThan(0.5);
	expect(first?.latency).toBeLessThan(1.5);
	expect(second).toEqual(first);
});

it("of the dead nobody owns anything, and what they owned is found all the same", () => {
	const { lookups } = runLookups({ ...options, successors: 20, count: 100, dead: 0.3 }, () => {});
	expect(lookups).toEqual({ ok: 100, wrong: 0, failed: 0 });
});
