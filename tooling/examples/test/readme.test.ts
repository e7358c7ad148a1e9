// The documentation shows no code that was never run: every block of TypeScript in it names, in its
// first line, the example that it shows, and every example is a program that ends well.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");

const markdownIn = (folder: string, recursive: boolean): string[] =>
	existsSync(join(root, folder))
		? readdirSync(join(root, folder), { recursive, encoding: "utf8" })
				.filter((file) => file.endsWith(".md"))
				.map((file) => join(folder, file))
		: [];

const documents = [
	...markdownIn(".", false),
	...markdownIn("docs", true),
	...readdirSync(join(root, "packages")).flatMap((name) => markdownIn(`packages/${name}`, false)),
].filter((file) => !file.endsWith("CHANGELOG.md"));

interface Block {
	readonly line: number;
	readonly code: string;
}

/** The fenced blocks of TypeScript or JavaScript in a document. */
const blocksOf = (markdown: string): Block[] =>
	[...markdown.matchAll(/^( *)```(?:ts|typescript|js|javascript|mjs)\b.*\n([^]*?)^\1```$/gm)].map(
		({ index, 1: indent = "", 2: code = "" }) => ({
			line: markdown.slice(0, index).split("\n").length,
			code: code.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd(),
		}),
	);

/** The lines between `// #region name` and `// #endregion`, without their indentation. */
const regionOf = (text: string, name: string): string | undefined => {
	const start = new RegExp(`^(\\t*)// #region ${name}\\n([^]*?)^\\1// #endregion`, "m").exec(text);
	return start?.[2]?.replaceAll(new RegExp(`^${start[1] ?? ""}`, "gm"), "").trimEnd();
};

/** What a block must be, from its first line: `// tooling/examples/src/hello.ts` or `…hello.ts#region`. */
const shownBy = ({ code }: Block): string | undefined => {
	const [, file = "", region] =
		/^\/\/ (tooling\/examples\/src\/[\w/-]+\.ts)(?:#([\w-]+))?\n/.exec(code) ?? [];
	const path = join(root, file);
	if (file === "" || !existsSync(path)) return undefined;
	const text = readFileSync(path, "utf8");
	return region === undefined ? text.trimEnd() : regionOf(text, region);
};

test.each(documents)("the code in %s is that of the examples", (document) => {
	for (const block of blocksOf(readFileSync(join(root, document), "utf8"))) {
		const place = `${document}:${block.line}`;
		const shown = shownBy(block);
		expect(shown, `${place} names no example: // tooling/examples/src/<name>.ts`).toBeDefined();
		expect(block.code.replace(/^.*\n/, ""), place).toBe(shown);
	}
});

test("a block that names no example is not shown by one", () => {
	const [block] = blocksOf("text\n\n```ts\nimport nothing;\n```\n");
	expect(block).toEqual({ line: 3, code: "import nothing;" });
	expect(shownBy({ line: 1, code: "import nothing;" })).toBeUndefined();
});

test("a region is shown without its indentation", () => {
	const text = "{\n\t// #region one\n\tif (a) {\n\t\tb();\n\t}\n\t// #endregion\n}\n";
	expect(regionOf(text, "one")).toBe("if (a) {\n\tb();\n}");
	expect(regionOf(text, "two")).toBeUndefined();
});

/** Those in folders are several programs that need each other: see commands.test.ts. */
const examples = readdirSync(join(root, "tooling/examples/src")).filter((name) =>
	name.endsWith(".ts"),
);

test.each(examples)("%s runs to its end, and prints what is in test/output", async (name) => {
	const program = join(root, "tooling/examples/dist", name.replace(/\.ts$/, ".js"));
	const options = { timeout: 20_000 };
	const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], options);
	expect(stderr).toBe("");
	await expect(stdout).toMatchFileSnapshot(`output/${name.replace(/\.ts$/, ".txt")}`);
	const source = readFileSync(join(root, "tooling/examples/src", name), "utf8");
	const said = [...source.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
	expect(stdout.split("\n")).toEqual(expect.arrayContaining(said));
});
