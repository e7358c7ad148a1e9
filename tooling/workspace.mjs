// The workspaces of this repository, and the rules that their manifests follow. Every other list
// of packages comes from here, so that a new package is built, tested and packed by existing.
//
//   node tooling/workspace.mjs check   says which rule is broken, and by whom
//   node tooling/workspace.mjs fix     writes what can be derived: the references of every tsconfig
//   node tooling/workspace.mjs clean   removes what was built
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {Record<string, string>} [bin]
 * @property {Record<string, string>} [scripts]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 *
 * @typedef {object} Workspace
 * @property {string} name the folder's name: `chordlib`
 * @property {string} path from the root: `packages/chordlib`
 * @property {boolean} published whether it goes to the registry
 * @property {Manifest} manifest its package.json
 */

/** The repository's root. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** @type {(path: string) => any} turbo.json and tsconfig.json may hold lines that are comments */
const readJson = (path) => JSON.parse(readFileSync(path, "utf8").replaceAll(/^\s*\/\/.*$/gm, ""));

/** @type {(home?: string) => Workspace[]} */
export const workspaces = (home = root) =>
	["packages", "tooling"].flatMap((folder) =>
		readdirSync(join(home, folder))
			.toSorted()
			.filter((name) => existsSync(join(home, folder, name, "package.json")))
			.map((name) => {
				const path = `${folder}/${name}`;
				/** @type {Manifest} */
				const manifest = readJson(join(home, path, "package.json"));
				return { name, path, published: manifest.private !== true, manifest };
			}),
	);

/** @type {(workspace: Workspace) => string[]} what a program that uses it gets, by name */
export const runtimeDependencies = ({ manifest }) =>
	Object.keys({
		...manifest.dependencies,
		...manifest.peerDependencies,
		...manifest.optionalDependencies,
	});

/**
 * Every tsconfig.json whose references follow from something else, with the references it should
 * have: a workspace's are its own runtime dependencies, the root's are all that is compiled.
 *
 * @param {readonly Workspace[]} all
 * @returns {{ file: string, references: { path: string }[] }[]}
 */
const derivedReferences = (all) => {
	const compiled = all.filter(({ manifest }) => manifest.scripts?.["build"] !== undefined);
	return [
		{ file: "tsconfig.json", references: compiled.map(({ path }) => ({ path })) },
		...compiled.map((workspace) => ({
			file: `${workspace.path}/tsconfig.json`,
			references: compiled
				.filter(({ manifest }) => runtimeDependencies(workspace).includes(manifest.name))
				.map(({ path }) => ({ path: relative(workspace.path, path) })),
		})),
	];
};

/** @type {(home: string) => { file: string, references: { path: string }[] }[]} what to fix */
const staleReferences = (home) =>
	derivedReferences(workspaces(home)).filter(({ file, references }) => {
		const { references: written = [] } = readJson(join(home, file));
		return JSON.stringify(written) !== JSON.stringify(references);
	});

/** @type {(home: string) => string[]} the rules that are broken, as sentences */
const check = (home) => {
	const all = workspaces(home);
	const layers = readJson(join(home, "turbo.json")).boundaries.tags;
	const stale = staleReferences(home).map(
		({ file }) => `${file}: its references are out of date: node tooling/workspace.mjs fix`,
	);
	const misplaced = all
		.filter(({ path, published }) => published !== path.startsWith("packages/"))
		.map(({ path }) => `${path}: packages/ is published, tooling/ is private`);
	const broken = all
		.filter(({ published }) => published)
		.flatMap((workspace) => {
			const { name, path, manifest } = workspace;
			const turbo = join(home, path, "turbo.json");
			const tags = existsSync(turbo) ? readJson(turbo).tags : [];
			const runtime = runtimeDependencies(workspace);
			return [
				manifest.name !== `@cicada/${name}` && `${path}: its name is not @cicada/${name}`,
				(tags?.length !== 1 || tags[0] !== name || layers[name] === undefined) &&
					`${path}: its layer is not declared: turbo.json there gives it the tag "${name}", and boundaries.tags in the root's says what that tag may depend on`,
				// `cicada sim` is a simulation.
				name !== "cli" &&
					runtime.includes("@cicada/simnet") &&
					`${path}: simnet is for tests: a devDependency and nothing else`,
				["chordlib", "simnet"].includes(name) &&
					runtime.length > 0 &&
					`${path}: it has no runtime dependencies at all, yet it names ${runtime.join(", ")}`,
			].filter((sentence) => sentence !== false);
		});
	return [...stale, ...misplaced, ...broken];
};

/** @type {(home: string) => void} */
const fix = (home) => {
	for (const { file, references } of staleReferences(home)) {
		const path = join(home, file);
		const tsconfig = { ...readJson(path), references };
		writeFileSync(path, `${JSON.stringify(tsconfig, undefined, "\t")}\n`);
	}
};

/** @type {(home: string) => void} */
const clean = (home) => {
	for (const { path } of workspaces(home)) {
		rmSync(join(home, path, "dist"), { recursive: true, force: true });
	}
	rmSync(join(home, "coverage"), { recursive: true, force: true });
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const home = process.cwd();
	if (process.argv[2] === "fix") fix(home);
	else if (process.argv[2] === "clean") clean(home);
	else {
		const broken = check(home);
		for (const sentence of broken) console.error(sentence);
		process.exitCode = broken.length > 0 ? 1 : 0;
	}
}
