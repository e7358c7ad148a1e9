import { constants, setPriority } from "node:os";

import { expect, it } from "vitest";

import { ROOT, patched } from "../src/mutants/build.ts";
import { hunt } from "../src/mutants/hunt.ts";
import { MUTANTS } from "../src/mutants/list.ts";
import { OUTSIDERS } from "../src/mutants/outsiders.ts";

// Tests on real sockets and clocks run beside it, and go first.
setPriority(constants.priority.PRIORITY_LOW);

const patches = MUTANTS.flatMap(({ name, patches }) =>
	patches.map((patch, index) => ({ name, index, patch })),
);

it.each(patches)("patch $index of $name has its one place in the source", async ({ patch }) => {
	expect(await patched(ROOT, patch)).toContain(patch.replace);
});

it("each has a name of its own, and rules that are to catch it or a reason why none does", () => {
	expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
	for (const { caughtBy, name, survives } of MUTANTS) {
		expect(caughtBy.length > 0, name).toBe(survives === undefined);
	}
});

it("at least 16 are to be caught, four of them chosen by somebody who had not written the ring", () => {
	expect(OUTSIDERS.filter(({ survives }) => survives === undefined).length).toBeGreaterThanOrEqual(
		4,
	);
	expect(MUTANTS.filter(({ survives }) => survives === undefined).length).toBeGreaterThanOrEqual(
		16,
	);
});

/** Every third is hunted here, and all of them in the nightly run. */
const STEP = process.env["CICADA_FACTOR"] === "100" ? 1 : 3;

it("they are caught by a rule that is named for them, and the ring as it is breaks none", async () => {
	const said: string[] = [];
	const only = MUTANTS.filter(({ survives }) => survives === undefined)
		.map(({ name }) => name)
		.filter((_, index) => index % STEP === 0);
	const say = (text: string): void => {
		said.push(text);
	};
	const good = await hunt({ seed: 1, seeds: 4, jobs: 2, only, say });
	expect(good, said.join("\n")).toBe(true);
	expect(said).toHaveLength(1 + only.length);
}, 600_000);
