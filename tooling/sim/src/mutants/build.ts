import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { Patch } from "./mutant.ts";

/** The workspace. */
export const ROOT: string = fileURLToPath(new URL("../../../..", import.meta.url));
const SOURCES = "packages/chordlib/src";
const SIM = "tooling/sim";
const SWARMLIB = "packages/swarmlib";

/** Where a patch goes, with what is there now. @throws an `Error` unless it is there exactly once */
export async function patched(root: string, { file, find, replace }: Patch): Promise<string> {
	const source = await readFile(join(root, SOURCES, file), "utf8");
	const parts = source.split(find);
	if (parts.length !== 2) {
		throw new Error(`${file} has ${parts.length - 1} places with ${JSON.stringify(find)}, not 1`);
	}
	return parts.join(replace);
}

/**
 * Makes a copy of chordlib with `patches` in it, and of swarmlib and the simulator next to it, which then run that.
 *
 * @returns the folder, which the caller removes
 * @throws an `Error` when it does not compile
 */
export async function build(patches: readonly Patch[]): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), "mutant-"));
	const copy = async (path: string): Promise<void> => {
		await cp(join(ROOT, path), join(folder, path), { recursive: true });
	};
	await copy(SOURCES);
	await copy("packages/chordlib/package.json");
	await copy("packages/chordlib/tsconfig.json");
	await copy("tooling/tsconfig.base.json");
	for (const user of [SIM, SWARMLIB]) {
		await copy(`${user}/dist`);
		await copy(`${user}/package.json`);
		await mkdir(join(folder, user, "node_modules/@cicada"), { recursive: true });
	}
	const link = async (to: string, at: string): Promise<void> => {
		await symlink(to, join(folder, at), "junction");
	};
	const chordlib = join(folder, "packages/chordlib");
	await link(join(ROOT, "node_modules"), "node_modules");
	await link(chordlib, `${SWARMLIB}/node_modules/@cicada/chordlib`);
	await link(join(ROOT, "packages/traversal"), `${SWARMLIB}/node_modules/@cicada/traversal`);
	await link(chordlib, `${SIM}/node_modules/@cicada/chordlib`);
	await link(join(folder, SWARMLIB), `${SIM}/node_modules/@cicada/swarmlib`);
	await link(join(ROOT, "packages/simnet"), "packages/simnet");
	await link(join(folder, "packages/simnet"), `${SIM}/node_modules/@cicada/simnet`);
	for (const patch of patches) {
		await writeFile(join(folder, SOURCES, patch.file), await patched(folder, patch));
	}
	const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
	try {
		await promisify(execFile)(process.execPath, [compiler, "-b", "packages/chordlib"], {
			cwd: folder,
		});
	} catch (error) {
		const { stdout } = error as { stdout?: string };
		throw new Error(`it does not compile: ${stdout ?? String(error)}`, { cause: error });
	}
	return folder;
}
