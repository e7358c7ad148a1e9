import { Worker } from "node:worker_threads";

import { expect, it } from "vitest";

import { planOf, readOptions } from "../src/options.ts";
import type { Plan } from "../src/plan.ts";
import { run } from "../src/run.ts";

const plan = (regime: string, seed: number): Plan => {
	const words = `--regime ${regime} --nodes 12 --minutes 1 --churn 3 --successors 4 --latency internet`;
	const options = readOptions(words.split(" "), 1);
	if (options === "help") throw new Error("not reached");
	return planOf(options, seed);
};

it.each(["fail-stop", "hostile"])(
	"the same seed does the same, in the regime %s",
	async (regime) => {
		const { realMs: _, heap: __, ...first } = await run(plan(regime, 1));
		const { realMs: ___, heap: ____, ...second } = await run(plan(regime, 1));
		expect(second).toEqual(first);
		const other = await run(plan(regime, 2));
		expect(other.traceHash).not.toBe(first.traceHash);
	},
);

it("the same seed does the same while the machine is busy with other things", async () => {
	const { traceHash } = await run(plan("fail-stop", 3));
	const busy = new Worker("for (;;) Math.sqrt(2);", { eval: true });
	try {
		const again = await run(plan("fail-stop", 3));
		expect(again.traceHash).toBe(traceHash);
	} finally {
		await busy.terminate();
	}
});

it("a plan does the same after it was written to a file and read back", async () => {
	const given = plan("fail-stop", 4);
	const { traceHash } = await run(given);
	const again = await run(JSON.parse(JSON.stringify(given)) as Plan);
	expect(again.traceHash).toBe(traceHash);
});
