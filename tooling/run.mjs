// Builds one of the private programs and becomes it.
//
//   node tooling/run.mjs demo --peers 48
//
// What the build says goes to stderr: stdout belongs to the program. The program runs in this
// process, not in a child: what signals this process signals the program.
import { pathToFileURL } from "node:url";

import { endWithParent, pnpm } from "./pnpm.mjs";
import { root } from "./workspace.mjs";

endWithParent();
const [program = "demo", ...options] = process.argv.slice(2);
const status = await pnpm(
	["exec", "turbo", "run", "build", `--filter=@cicada/${program}...`, "--output-logs=errors-only"],
	{ stdout: 2 },
);
if (status === 0) {
	const main = `${root}tooling/${program}/dist/main.js`;
	process.argv = [process.execPath, main, ...options];
	await import(pathToFileURL(main).href);
} else {
	process.exitCode = status;
}
