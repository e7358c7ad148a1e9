// Uses every published package the way a stranger would: the tarball that would be published, put
// by plain npm into an empty project outside this repository, under node and under tsc.
//
// Each package goes alone, with nothing of ours beside it but what it depends on, and then all of
// them together. The programs that use a package are tooling/consumer/<package>/main.js and main.ts.
import { execFile } from "node:child_process";
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { root, runtimeDependencies, workspaces } from "./workspace.mjs";

/** @typedef {import("./workspace.mjs").Workspace} Workspace */

const published = workspaces().filter((workspace) => workspace.published);
const home = mkdtempSync(join(tmpdir(), "cicada-consumer-"));

/** @type {(cwd: string, command: string, ...args: string[]) => Promise<string>} what it printed */
const run = async (cwd, command, ...args) => {
	try {
		const { stdout } = await promisify(execFile)(command, args, { cwd, timeout: 120_000 });
		return stdout;
	} catch (error) {
		const { stdout = "", stderr = "" } = /** @type {{ stdout?: string, stderr?: string }} */ (
			error
		);
		throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error });
	}
};

/** @type {(folder: string) => string[]} the files below it, from it */
const filesIn = (folder) =>
	readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

/** @type {(workspace: Workspace) => Promise<void>} makes <package>.tgz and looks at what is in it */
const pack = async ({ name, path }) => {
	const folder = join(root, path);
	const sources = new Set(filesIn(join(folder, "src")));
	const stale = filesIn(join(folder, "dist")).filter(
		(file) => file.endsWith(".js") && !sources.has(file.replace(/\.js$/, ".ts")),
	);
	if (stale.length > 0) {
		throw new Error(`${path}/dist has files without a source (npm run clean): ${stale.join(", ")}`);
	}

	const tarball = join(home, `${name}.tgz`);
	await run(folder, "pnpm", "pack", "--out", tarball);
	const packed = (await run(home, "tar", "tzf", tarball)).trim().split("\n");
	const wanted = ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"];
	const missing = wanted.filter((file) => !packed.includes(`package/${file}`));
	if (missing.length > 0) throw new Error(`${path}: not in the tarball: ${missing.join(", ")}`);
	const extra = packed.filter((file) => !/^package\/(dist\/|src\/|[^/]+$)/.test(file));
	const build = packed.filter((file) => file.endsWith(".tsbuildinfo"));
	if (extra.length + build.length > 0) {
		throw new Error(`${path}: what does this in the tarball? ${[...extra, ...build].join(", ")}`);
	}
};

/** @type {(workspace: Workspace) => Workspace[]} it and all of ours that it needs */
const withDependencies = (workspace) => {
	const needed = runtimeDependencies(workspace);
	const below = published.filter(({ manifest }) => needed.includes(manifest.name));
	return [...new Set([workspace, ...below.flatMap(withDependencies)])];
};

/** @type {(workspace: Workspace) => string[]} the dependencies that others publish */
const outsideDependencies = (workspace) =>
	runtimeDependencies(workspace).filter(
		(name) => !published.some(({ manifest }) => manifest.name === name),
	);

const tsconfig = {
	compilerOptions: {
		target: "es2023",
		lib: ["es2023"],
		module: "nodenext",
		strict: true,
		exactOptionalPropertyTypes: true,
		noUncheckedIndexedAccess: true,
		skipLibCheck: false,
		noEmit: true,
		// Node's types come from here, so that the project holds what the package brings and no more.
		types: ["node"],
		typeRoots: [join(root, "node_modules/@types")],
	},
	include: ["*/*.ts"],
};

/**
 * @param {string} title
 * @param {readonly Workspace[]} users the packages to use
 * @param {readonly Workspace[]} installed the packages to install
 */
const consume = async (title, users, installed) => {
	const started = performance.now();
	const project = join(home, title);
	mkdirSync(project);
	writeFileSync(join(project, "package.json"), `{ "private": true, "type": "module" }`);
	writeFileSync(join(project, "tsconfig.json"), JSON.stringify(tsconfig));
	const tarballs = installed.map(({ name }) => `${home}/${name}.tgz`);
	await run(project, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs);

	/** @type {{ packages: Record<string, unknown> }} */
	const lock = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
	const tree = Object.keys(lock.packages).filter((path) => path !== "");
	const ours = installed.length;
	if (installed.every((workspace) => outsideDependencies(workspace).length === 0)) {
		if (tree.length !== ours)
			throw new Error(`${title}: ${ours} packages became ${tree.join(", ")}`);
	}

	for (const { name } of users) {
		const program = join(root, "tooling/consumer", name);
		for (const file of ["main.js", "main.ts"]) {
			if (!existsSync(join(program, file))) {
				throw new Error(`tooling/consumer/${name}/${file} is missing: a program that uses ${name}`);
			}
		}
		cpSync(program, join(project, name), { recursive: true });
	}
	await run(project, join(root, "node_modules/.bin/tsc"), "-p", ".");
	for (const { name } of users) await run(project, process.execPath, `${name}/main.js`);

	const seconds = ((performance.now() - started) / 1000).toFixed(1);
	const size = tree.length === 1 ? "1 package" : `${tree.length} packages`;
	console.log(
		`${title.padEnd(12)} ${size} in the tree, used from JavaScript and TypeScript, ${seconds} s`,
	);
};

try {
	await Promise.all(published.map(pack));
	await Promise.all(
		published.map((workspace) => consume(workspace.name, [workspace], withDependencies(workspace))),
	);
	await consume("all-together", published, published);
} finally {
	rmSync(home, { recursive: true, force: true });
}
