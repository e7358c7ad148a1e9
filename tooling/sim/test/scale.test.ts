import { expect, it } from "vitest";

import { ScaleRun } from "../src/scale/run.ts";

const FACTOR = Number(process.env["CICADA_FACTOR"] ?? "1");
const nodes = 100 * Math.min(FACTOR, 50);

const options = { nodes, seed: 1, minutes: 1, churn: 0.1, lookups: 1, successors: 8 };

it("a large ring on messages without links is right again after churn, and does the same twice", () => {
	const [first, second] = [1, 2].map(() => {
		const { realMs: _, cpuMs: __, maxRss: ___, ...rest } = new ScaleRun(options).run(() => {});
		return rest;
	});
	expect(first?.findings).toEqual([]);
	expect(first?.crashed).toBe(first?.joined);
	expect(first?.crashed).toBeGreaterThan(nodes / 20);
	expect(first?.after).toEqual({ ok: nodes, wrong: 0, failed: 0 });
	expect(first?.during.ok).toBeGreaterThan(nodes * 0.9);
	expect(second).toEqual(first);
});
