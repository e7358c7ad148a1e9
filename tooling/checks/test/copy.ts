// A copy of the repository in which tests may do what they like.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const root = join(import.meta.dirname, "../../..");

/** Makes it, without what was built, and gives its path. What is installed is that of the repository. */
export function copyOfRepository(): string {
	const copy = mkdtempSync(join(tmpdir(), "cicada-checks-"));
	const left = new Set(["dist", "coverage", ".turbo", ".git"].concat(join(root, "node_modules")));
	cpSync(root, copy, {
		recursive: true,
		verbatimSymlinks: true,
		filter: (path) => !left.has(basename(path)) && !left.has(path),
	});
	symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
	return copy;
}

/** Runs one of the repository's tools in a copy. */
export function runIn(
	copy: string,
	[command = "", ...args]: readonly string[],
): { status: number; says: string } {
	const path = `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`;
	const env = { ...process.env, PATH: path, NO_COLOR: "1" };
	const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, env, encoding: "utf8" });
	return { status: status ?? 1, says: stdout + stderr };
}
