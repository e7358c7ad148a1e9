// A check that never fails checks nothing. Each fault here is planted in a copy of the repository,
// and the check that is there for it must refuse it, by name.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { copyOfRepository, runIn } from "./copy.ts";

const layers = ["turbo", "boundaries"];
const rules = [process.execPath, "tooling/workspace.mjs", "check"];

const source = "packages/chordlib/src/planted.ts";
const unit = "packages/chordlib/test/planted.test.ts";

/** A fault: the files that hold it, as text or as a change to what is there. */
interface Fault {
	readonly what: string;
	readonly files: Record<string, string | ((text: string) => string)>;
	readonly check: readonly string[];
	/** What the check must say. */
	readonly says: RegExp;
}

const depend =
	(kind: "dependencies" | "devDependencies", name: string) =>
	(text: string): string => {
		const manifest = JSON.parse(text) as Record<string, Record<string, string>>;
		return JSON.stringify({ ...manifest, [kind]: { ...manifest[kind], [name]: "workspace:^" } });
	};

const faults: readonly Fault[] = [
	// Layers: nothing looks up.
	{
		what: "a source imports a layer above",
		files: { [source]: `export { SwarmPeer } from "@cicada/swarmlib";\n` },
		check: layers,
		says: /@cicada\/swarmlib/,
	},
	{
		what: "a test imports the sources of a layer above",
		files: { [unit]: `export * from "../../swarmlib/src/index.ts";\n` },
		check: layers,
		says: /swarmlib\/src\/index/,
	},
	{
		what: "a manifest declares a layer above",
		files: { "packages/chordlib/package.json": depend("devDependencies", "@cicada/swarmlib") },
		check: layers,
		says: /@cicada\/swarmlib/,
	},
	{
		what: "simnet declares another package",
		files: { "packages/simnet/package.json": depend("devDependencies", "@cicada/chordlib") },
		check: layers,
		says: /@cicada\/chordlib/,
	},
	{
		what: "chordlib declares a runtime dependency",
		files: { "packages/chordlib/package.json": depend("dependencies", "anything") },
		check: rules,
		says: /packages\/chordlib: it has no runtime dependencies/,
	},
	{
		what: "simnet becomes a runtime dependency",
		files: { "packages/swarmlib/package.json": depend("dependencies", "@cicada/simnet") },
		check: rules,
		says: /packages\/swarmlib: simnet is for tests/,
	},
	{
		what: "a new package without a layer",
		files: { "packages/planted/package.json": `{ "name": "@cicada/planted" }` },
		check: rules,
		says: /packages\/planted: its layer is not declared/,
	},
	{
		what: "references that do not follow from the dependencies",
		files: {
			"packages/swarmlib/tsconfig.json": (text) => text.replace("../chordlib", "../simnet"),
		},
		check: rules,
		says: /packages\/swarmlib\/tsconfig.json.*node tooling\/workspace.mjs fix/,
	},
	// The code.
	{
		what: "an export that nothing uses",
		files: {
			[source]: "export const used = 1;\nexport const idle = 2;\n",
			[unit]: `import { used } from "../src/planted.ts";\n\nString(used);\n`,
		},
		check: ["knip"],
		says: /idle .*packages\/chordlib\/src\/planted.ts/,
	},
	{
		what: "a type error in a test",
		files: { [unit]: `export const it: number = "text";\n` },
		check: ["tsc", "-b"],
		says: /packages\/chordlib\/test\/planted.test.ts.*TS2322/,
	},
	{
		what: "spaces for tabs",
		files: { [source]: "export const it = () => {\n  String();\n};\n" },
		check: ["oxfmt", "--check"],
		says: /packages\/chordlib\/src\/planted.ts/,
	},
];

/** What lint refuses: the folder of the file, its text, and the rule (none: it is allowed there). */
const lints: readonly (readonly [folder: string, text: string, rule: string])[] = [
	// The protocol never touches the world.
	...[
		"Date.now()",
		"new Date()",
		"performance.now()",
		"setTimeout(String)",
		"setInterval(String)",
		"setImmediate(String)",
		"queueMicrotask(String)",
		"process.hrtime()",
		"crypto.randomUUID()",
		"Buffer.alloc(1)",
		`fetch("")`,
		"globalThis.Date.now()",
	].flatMap((world) =>
		["packages/chordlib/src", "packages/swarmlib/src/deep/er"].map(
			(folder) => [folder, `export const it = ${world};\n`, "no-restricted-globals"] as const,
		),
	),
	["packages/chordlib/src", "export const it = Math.random();\n", "no-restricted-properties"],
	[
		"packages/swarmlib/src",
		"export const it = AbortSignal.timeout(1);\n",
		"no-restricted-properties",
	],
	["packages/chordlib/src", `export * from "node:fs";\n`, "no-nodejs-modules"],
	["packages/swarmlib/src", `export * from "fs";\n`, "no-nodejs-modules"],
	["packages/swarmlib/src", `export const it = import("node:fs");\n`, "no-nodejs-modules"],
	["packages/swarmlib/src", `import "@cicada/simnet";\n`, "no-restricted-imports"],
	["packages/simnet/src", `console.log("here");\n`, "no-console"],
	// But in the files that implement the ports.
	["packages/chordlib/src/node", `export { connect } from "node:net";\n`, ""],
	["packages/chordlib/src/node", "export const it = performance.now() + Math.random();\n", ""],
	["packages/chordlib/src/node", "export const it = Buffer.alloc(1);\n", "no-restricted-globals"],
	["packages/chordlib/src/node", `import "@cicada/simnet";\n`, "no-restricted-imports"],
	// Promises, and types.
	...[
		"packages/chordlib/src",
		"packages/chordlib/src/node",
		"packages/swarmlib/test",
		"tooling",
	].map(
		(folder) =>
			[
				folder,
				"export const it = async (): Promise<void> => {};\nit();\n",
				"no-floating-promises",
			] as const,
	),
	[
		"packages/chordlib/src",
		"export const it = (a: any): string => String(a);\n",
		"no-explicit-any",
	],
];

let copy = "";

beforeAll(() => {
	copy = copyOfRepository();
});

afterAll(() => {
	rmSync(copy, { recursive: true, force: true });
});

const run = (command: readonly string[]): { status: number; says: string } => runIn(copy, command);

test.each(faults)("$what", ({ files, check, says }) => {
	const before = new Map<string, string | undefined>();
	const planted = Object.keys(files).map((file) => join(copy, file));
	try {
		for (const [file, change] of Object.entries(files)) {
			const path = join(copy, file);
			const text = typeof change === "string" ? undefined : readFileSync(path, "utf8");
			before.set(path, text);
			mkdirSync(dirname(path), { recursive: true });
			writeFileSync(path, typeof change === "string" ? change : change(text ?? ""));
		}
		const answer = run(check);
		expect(answer.says).toMatch(says);
		expect(answer.status).not.toBe(0);
	} finally {
		for (const path of planted) {
			const text = before.get(path);
			if (text === undefined) rmSync(path, { force: true });
			else writeFileSync(path, text);
		}
		rmSync(join(copy, "packages/planted"), { recursive: true, force: true });
	}
});

/** Lint takes a second to start, so it looks at all of its faults at once. */
test("lint refuses what it is there for", () => {
	const planted = lints.map(([folder, text, rule], index) => {
		const file = `${folder}/planted-${index}.ts`;
		mkdirSync(dirname(join(copy, file)), { recursive: true });
		writeFileSync(join(copy, file), text);
		return { file, text, rule };
	});
	const answer = run(["oxlint", "--format=json", ...planted.map(({ file }) => file)]);
	for (const { file } of planted) rmSync(join(copy, file));
	const { diagnostics } = JSON.parse(answer.says) as {
		diagnostics: { filename: string; code: string }[];
	};
	const refused = planted.map(({ file, text, rule }) => ({
		text: `${file}: ${text}`,
		rules: diagnostics
			.filter(({ filename, code }) => filename === file && (rule === "" || code.includes(rule)))
			.map(({ code }) => code.replace(/^.*\((.*)\)$/, "$1")),
	}));
	expect(refused).toEqual(
		planted.map(({ file, text, rule }) => ({
			text: `${file}: ${text}`,
			rules: rule === "" ? [] : [rule],
		})),
	);
	expect(answer.status).not.toBe(0);
});

test("the repository keeps its own rules", () => {
	expect(run(rules)).toEqual({ status: 0, says: "" });
});
