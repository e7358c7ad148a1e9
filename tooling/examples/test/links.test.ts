// No link of the documentation leads nowhere: each names a file that is there, and a heading of it.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");

const markdownIn = (folder: string, recursive: boolean): string[] =>
	readdirSync(join(root, folder), { recursive, encoding: "utf8" })
		.filter((file) => file.endsWith(".md") && !file.startsWith("api/"))
		.map((file) => join(root, folder, file));

const documents = [
	...markdownIn(".", false),
	...markdownIn("docs", true),
	...readdirSync(join(root, "packages")).flatMap((name) => markdownIn(`packages/${name}`, false)),
];

/** The headings of a document, as links name them. */
const anchorsOf = (markdown: string): string[] =>
	[...markdown.replaceAll(/^```[^]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
			.replaceAll(" ", "-"),
	);

/** The links of a document that lead nowhere. */
const brokenIn = (markdown: string, file: string): string[] =>
	[
		...markdown
			.replaceAll(/`[^`\n]*`/g, "")
			.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g),
	].flatMap(([link, path = "", anchor]) => {
		const target = path === "" ? file : join(dirname(file), path);
		if (!existsSync(target)) return [link];
		if (anchor === undefined) return [];
		if (statSync(target).isDirectory()) return [link];
		const text = target === file ? markdown : readFileSync(target, "utf8");
		return anchorsOf(text).includes(anchor) ? [] : [link];
	});

test.each(documents.map((file) => relative(root, file)))("%s", (name) => {
	const file = join(root, name);
	expect(brokenIn(readFileSync(file, "utf8"), file)).toEqual([]);
});

test("a link to what is not there is seen", () => {
	const file = join(root, "README.md");
	const text = "# A `b` c\n\n[1](nowhere.md) [2](#a-b-c) [3](#d) [4](docs#x) [5](LICENSE)\n";
	expect(brokenIn(text, file)).toEqual(["](nowhere.md)", "](#d)", "](docs#x)"]);
});
