// The tree in docs/architecture.md is the tree.
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const document = readFileSync(join(root, "docs/architecture.md"), "utf8");

/** The lines of the tree between the one that names a folder and the next that is indented as little. */
const linesUnder = (folder: string): string => {
	const lines = document.split("\n");
	const first = lines.indexOf(`  ${folder}/src/`);
	const length = lines.slice(first + 1).findIndex((line) => !line.startsWith("    "));
	return lines.slice(first + 1, first + 1 + length).join("\n");
};

test.each(["chordlib", "swarmlib", "simnet"])(
	"docs/architecture.md names the files of %s",
	(name) => {
		const files = readdirSync(join(root, "packages", name, "src"), {
			recursive: true,
			encoding: "utf8",
		})
			.filter((file) => file.endsWith(".ts"))
			.map((file) => basename(file));
		const named = [...linesUnder(name).matchAll(/[\w-]+\.ts\b/g)].map(([file]) => file);
		expect(named.toSorted()).toEqual(files.toSorted());
	},
);
