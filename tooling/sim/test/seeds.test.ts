import { expect, it } from "vitest";

import { planOf, readOptions } from "../src/options.ts";
import { run } from "../src/run.ts";

const FACTOR = Number(process.env["CICADA_FACTOR"] ?? "1");

it.each([
	["fail-stop, short lists", "--regime fail-stop --nodes 12 --successors 3 --minutes 1 --churn 3"],
	["fail-stop, long lists", "--regime fail-stop --nodes 24 --successors 16 --minutes 1 --churn 1"],
	["hostile", "--regime hostile --nodes 12 --successors 4 --minutes 1 --churn 3"],
])("every rule holds: %s", async (_name, words) => {
	const options = readOptions(words.split(" "), 1);
	if (options === "help") throw new Error("not reached");
	for (let seed = 1; seed <= 2 * FACTOR; seed++) {
		const { first } = await run(planOf(options, seed));
		expect(first, `npm run sim -- ${words} --seed ${seed}`).toEqual([]);
	}
});
