// Builds the program of one workspace and becomes it.
//
//   node tooling/run.mjs cli demo --peers 48
//
// What the build says goes to stderr: stdout belongs to the program. The program runs in this
// process, not in a child: what signals this process signals the program.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { endWithParent, pnpm } from "./pnpm.mjs";
import { root, workspaces } from "./workspace.mjs";

endWithParent();
const [name, ...options] = process.argv.slice(2);
const workspace = workspaces().find((workspace) => workspace.name === name);
if (workspace === undefined) throw new Error(`there is no workspace ${name}`);
const { manifest, path } = workspace;
const status = await pnpm(
	["exec", "turbo", "run", "build", `--filter=${manifest.name}...`, "--output-logs=errors-only"],
	{ stdout: 2 },
);
if (status === 0) {
	const main = join(root, path, manifest.bin?.["cicada"] ?? "dist/main.js");
	process.argv = [process.execPath, main, ...options];
	await import(pathToFileURL(main).href);
} else {
	process.exitCode = status;
}
