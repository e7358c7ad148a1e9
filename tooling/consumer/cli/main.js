// The command, as a program and as a function.
import { execFileSync } from "node:child_process";
import { PassThrough } from "node:stream";

import { cicada } from "@cicada/cli";

const run = (...args) =>
	execFileSync("npx", ["--no-install", "cicada", ...args], { encoding: "utf8", stdio: "pipe" });
const said = run("--version");
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

// What it shows needs nothing but what was installed: processes of its own, and a simulation.
for (const args of [
	["demo", "--peers", "4", "--messages", "2", "--json"],
	["sim", "--peers", "6", "--messages", "5", "--minutes", "1", "--json"],
]) {
	const report = JSON.parse(run(...args));
	if (!report.ok) throw new Error(`cicada ${args[0]}: ${report.failures.join("; ")}`);
}
