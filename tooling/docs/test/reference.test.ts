// The API reference leaves nothing out: every public name is documented, and has an example or links to one.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import {
	Application,
	type DeclarationReflection,
	ReflectionKind,
	type ProjectReflection,
} from "typedoc";
import { afterAll, beforeAll, expect, test } from "vitest";

import { commentsOf, fullName, publicNames, withoutExample } from "../examples.mjs";

const folder = mkdtempSync(join(tmpdir(), "cicada-docs-"));
let app: Application;
let project: ProjectReflection;

beforeAll(async () => {
	const options = join(import.meta.dirname, "../typedoc.json");
	app = await Application.bootstrapWithPlugins({ options, out: folder, logLevel: "Error" });
	const converted = await app.convert();
	if (converted === undefined) throw new Error("typedoc could not read the packages");
	project = converted;
	await app.generateOutputs(project);
}, 120_000);

afterAll(() => {
	rmSync(folder, { recursive: true, force: true });
});

const isDocumented = (reflection: DeclarationReflection): boolean =>
	commentsOf(reflection).some((comment) => comment !== undefined && comment.summary.length > 0);

/** What an application can see of a name: its properties and methods, but for those that all classes have. */
const membersOf = ({ children = [] }: DeclarationReflection): DeclarationReflection[] =>
	children.filter(
		({ kind, name, flags }) =>
			kind !== ReflectionKind.Constructor && !name.startsWith("[") && !flags.isInherited,
	);

test("it has all packages, and all that they export", () => {
	const packages = readdirSync(join(import.meta.dirname, "../../../packages"));
	expect(project.children?.map(({ name }) => name)).toEqual(
		packages.toSorted().map((name) => `@cicada/${name}`),
	);
	const names = publicNames(project).map(fullName);
	expect(names).toEqual(
		expect.arrayContaining(["swarmlib.SwarmPeer", "chordlib.Hash", "cli.cicada", "simnet.uniform"]),
	);
	expect(names.length).toBeGreaterThan(200);
});

test("every name is documented, and so is every property and method", () => {
	const names = publicNames(project);
	expect(names.filter((name) => !isDocumented(name)).map(fullName)).toEqual([]);
	const members = names.flatMap((name) =>
		membersOf(name)
			.filter((member) => !isDocumented(member))
			.map((member) => `${fullName(name)}.${member.name}`),
	);
	expect(members).toEqual([]);
});

test("every name has an example, or links to a name that leads to one", () => {
	expect(withoutExample.map(fullName)).toEqual([]);
	for (const name of publicNames(project)) {
		const tags = commentsOf(name).flatMap((comment) => comment?.blockTags ?? []);
		const leads = tags.some(({ tag }) => tag === "@example" || tag === "@see");
		expect(leads, fullName(name)).toBe(true);
	}
});

test("typedoc finds nothing wrong: no link to what is not there, nothing mentioned that is not exported", () => {
	app.validate(project);
	expect(app.logger.warningCount + app.logger.errorCount).toBe(0);
});

/** The targets of a page's links. */
const linksOf = (html: string): string[] =>
	[...html.matchAll(/ href="([^"]*)"/g)].map(([, link = ""]) => link.replaceAll("&amp;", "&"));

test("no link in it is broken", () => {
	const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
	const texts = new Map(
		files
			.filter((file) => /\.(?:html|svg)$/.test(file))
			.map((file) => [join(folder, file), readFileSync(join(folder, file), "utf8")]),
	);
	const there = new Set(files.map((file) => join(folder, file)));
	expect(texts.size).toBeGreaterThan(200);
	const broken = [...texts].flatMap(([page, html]) =>
		linksOf(html)
			.filter((link) => !/^(https?:|data:)/.test(link))
			.filter((link) => {
				const [path = "", anchor = ""] = link.split("#");
				const target = path === "" ? page : join(dirname(page), decodeURIComponent(path));
				if (!there.has(target)) return true;
				return anchor !== "" && texts.get(target)?.includes(`id="${anchor}"`) !== true;
			})
			.map((link) => `${page.slice(folder.length)}: ${link}`),
	);
	expect(broken).toEqual([]);
});
