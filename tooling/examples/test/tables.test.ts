// The tables of the documentation say what the code says.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { defaultLimits } from "@cicada/chordlib";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** The first cells of each row of the table under a heading, without their backquotes. */
const tableUnder = (markdown: string, heading: RegExp): string[][] => {
	const from = markdown.search(heading);
	const [table = ""] = /^\|[^]*?\n(?!\|)/m.exec(markdown.slice(from)) ?? [];
	const rows = table
		.trim()
		.split("\n")
		.map((row) =>
			row
				.split("|")
				.slice(1, -1)
				.map((cell) => cell.trim().replaceAll("`", "")),
		);
	return rows.slice(2);
};

/** The members of the union of codes in a package's errors.ts. */
const codesOf = (name: string): string[] =>
	[...read(`packages/${name}/src/errors.ts`).matchAll(/^\t\| "([A-Z_]+)"/gm)].map(
		([, code = ""]) => code,
	);

test.each(["chordlib", "swarmlib"])("the README of %s lists its error codes", (name) => {
	const listed = tableUnder(read(`packages/${name}/README.md`), /^#+ Errors$/m);
	expect(listed.map(([code]) => code)).toEqual(codesOf(name));
	expect(codesOf(name).length).toBeGreaterThan(10);
});

test("the README of chordlib lists its limits, with their defaults", () => {
	const listed = tableUnder(read("packages/chordlib/README.md"), /^## Limits$/m);
	expect(listed.map(([limit = "", value]) => [limit, Number(value)])).toEqual(
		Object.entries(defaultLimits),
	);
});

test("the npm scripts that the documentation names are there", () => {
	const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
	for (const document of ["README.md", "CONTRIBUTING.md", "docs/architecture.md"]) {
		const named = [
			...read(document).matchAll(/npm (?:run )?(start|test|bench|nightly|release)\b/g),
		];
		expect(named.length, document).toBeGreaterThan(0);
		for (const [, script = ""] of named) expect(scripts).toHaveProperty(script);
		for (const [, script = ""] of read(document).matchAll(/npm run ([\w-]+)/g)) {
			expect(scripts, document).toHaveProperty([script]);
		}
	}
});
