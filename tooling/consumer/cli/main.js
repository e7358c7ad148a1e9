// The command, as a program and as a function.
import { execFileSync } from "node:child_process";
import { PassThrough } from "node:stream";

import { cicada } from "@cicada/cli";

const said = execFileSync("npx", ["--no-install", "cicada", "--version"], { encoding: "utf8" });
if (!/^\d+\.\d+\.\d+\n$/.test(said)) throw new Error(`cicada --version said ${said}`);

const stdout = new PassThrough();
const code = await cicada(["--version"], {
	stdin: new PassThrough(),
	stdout,
	stderr: process.stderr,
	env: {},
	interrupted: new AbortController().signal,
});
if (code !== 0 || String(stdout.read()) !== said) throw new Error("the function says otherwise");
