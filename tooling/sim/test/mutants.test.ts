import { expect, it } from "vitest";

import { ROOT, patched } from "../src/mutants/build.ts";
import { MUTANTS } from "../src/mutants/list.ts";

const patches = MUTANTS.flatMap(({ name, patches }) =>
	patches.map((patch, index) => ({ name, index, patch })),
);

it.each(patches)("patch $index of $name has its one place in the source", async ({ patch }) => {
	expect(await patched(ROOT, patch)).toContain(patch.replace);
});

it("each has a name of its own, and rules that are to catch it", () => {
	expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
	for (const { caughtBy } of MUTANTS) expect(caughtBy.length).toBeGreaterThan(0);
});
