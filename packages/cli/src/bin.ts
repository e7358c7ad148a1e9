#!/usr/bin/env node
import { constants } from "node:os";
import process from "node:process";

import { cicada } from "./index.ts";
import { Interruption } from "./surroundings.ts";

const interruption = new AbortController();

function interrupt(signal: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGPIPE"): void {
	const exitCode = 128 + constants.signals[signal];
	// Who asks twice does not want to wait for the goodbyes.
	if (interruption.signal.aborted) process.exit(exitCode);
	interruption.abort(new Interruption(`ended by ${signal}`, exitCode));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
	process.on(signal, () => {
		interrupt(signal);
	});
}
for (const stream of [process.stdout, process.stderr]) {
	// Nobody reads on: `cicada run … | head`.
	stream.on("error", () => {
		interrupt("SIGPIPE");
	});
}

process.exitCode = await cicada(process.argv.slice(2), {
	stdin: process.stdin,
	stdout: process.stdout,
	stderr: process.stderr,
	env: process.env,
	interrupted: interruption.signal,
});
