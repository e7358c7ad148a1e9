import { readFileSync } from "node:fs";

import type { Command } from "commander";

import { whole } from "../arguments.ts";
import { Failure } from "../failure.ts";
import { openLog } from "../log-options.ts";
import { type PeerOptions, withPeerOptions } from "../peer-options.ts";
import type { Step } from "../script/command.ts";
import { Interpreter } from "../script/interpreter.ts";
import { parseScript } from "../script/parse.ts";
import { type RunEvent, sentence } from "../script/report.ts";
import { type StartedPeer, joinSwarm, startPeer } from "../start-peer.ts";
import type { Surroundings } from "../surroundings.ts";

interface RunOptions extends PeerOptions {
	readonly duplicates: number;
	readonly json?: true;
}

const help = `
A command a line; case does not matter, and the first five may be one letter:
  SEND host port data   sends the rest of the line to a peer
  RECV [count]          waits for messages (1) and shows them
  BCAST data            sends the rest of the line to all peers
  OPT key=value         duplicates=N: that many extra copies of what is sent from now on
  WAIT [seconds] [n]    until n (1) other peers are in the swarm; seconds -1 or none: for ever
  PAUSE seconds         lets time pass
  ECHO text             shows it
  EXPECT text           waits for a message, which must be just that
  # comment

Bad lines are all told, with line and column, before anything is started. At the end of the file, and at
the first command that fails, the peer leaves the swarm.

Exit codes: 0 done; 1 a command failed; 2 bad options, file or lines; 3 the peer could not start or join;
130, 143 ended by Ctrl-C, SIGTERM.`;

/** Adds `cicada run`. */
export function addRun(program: Command, around: Surroundings): void {
	withPeerOptions(program.command("run").argument("<file>", "what to do, a command a line"))
		.description("does what a file says with a peer: sends, receives, expects")
		.option(
			"--duplicates <count>",
			"extra copies of each message, by other routes",
			whole(0, 32),
			0,
		)
		.option("--json", "stdout is a JSON object a line, for each thing that happens")
		.addHelpText("after", help)
		.action(async (file: string, options: RunOptions) => {
			await run(file, options, around);
		});
}

async function run(file: string, options: RunOptions, around: Surroundings): Promise<void> {
	const report = (event: RunEvent): void => {
		const line = options.json === true ? JSON.stringify(event) : sentence(event);
		if (line !== undefined) around.stdout.write(`${line}\n`);
	};
	const steps = readSteps(file, report);
	const started = await startPeer(options, openLog(options, around), around);
	try {
		await play(steps, started, options, around.interrupted, report);
		report({ event: "done" });
	} catch (error) {
		if (error instanceof Failure) report({ event: "failed", message: error.message });
		throw error;
	} finally {
		await started.close();
	}
}

/** @throws Failure `USAGE` with all that is wrong with the file */
function readSteps(file: string, report: (event: RunEvent) => void): readonly Step[] {
	const { steps, problems } = parseScript(read(file));
	if (problems.length === 0) return steps;
	for (const problem of problems) report({ event: "problem", ...problem });
	const lines = problems.map(
		({ line, column, message }) => `${file}:${line}:${column}: ${message}`,
	);
	throw new Failure("USAGE", lines.join("\n"));
}

function read(file: string): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
	} catch (cause) {
		throw new Failure("USAGE", `cannot read ${file}: ${(cause as Error).message}`, { cause });
	}
}

async function play(
	steps: readonly Step[],
	started: StartedPeer,
	options: RunOptions,
	signal: AbortSignal,
	report: (event: RunEvent) => void,
): Promise<void> {
	const { peer } = started;
	report({ event: "bound", address: peer.address, id: peer.hash.toString() });
	await joinSwarm(started, options, signal);
	if (options.join !== undefined) report({ event: "joined" });
	const { duplicates, timeout } = options;
	const waits = { signal, duplicates, ...(timeout !== undefined && { timeout }) };
	const interpreter = new Interpreter(peer, waits, report);
	for (const step of steps) {
		signal.throwIfAborted();
		await interpreter.run(step);
	}
}
