import { createRequire } from "node:module";

import { Command, CommanderError } from "commander";

import { addChat } from "./commands/chat.ts";
import { addDemo } from "./commands/demo.ts";
import { addKeygen } from "./commands/keygen.ts";
import { addNat } from "./commands/nat.ts";
import { addPing } from "./commands/ping.ts";
import { addRun } from "./commands/run.ts";
import { addServe } from "./commands/serve.ts";
import { addShell } from "./commands/shell.ts";
import { addSim } from "./commands/sim.ts";
import { addTrace } from "./commands/trace.ts";
import { Failure, exitCodes } from "./failure.ts";
import { printable } from "./printable.ts";
import { Interruption, type Surroundings } from "./surroundings.ts";

const { version } = createRequire(import.meta.url)("../package.json") as { version: string };

/**
 * Runs the `cicada` command with the arguments that follow its name.
 *
 * @returns what the process should exit with: one of {@link exitCodes}, or what the interruption says
 */
export async function cicada(args: readonly string[], around: Surroundings): Promise<number> {
	try {
		await build(around).parseAsync(args, { from: "user" });
		return exitCodes.DONE;
	} catch (error) {
		if (error instanceof Interruption) return error.exitCode;
		// It has said what there is to say, and counts what it was asked to show as an error.
		if (error instanceof CommanderError)
			return error.exitCode === 0 ? exitCodes.DONE : exitCodes.USAGE;
		if (!(error instanceof Failure)) throw error;
		for (const line of error.message.split("\n"))
			around.stderr.write(`cicada: ${printable(line)}\n`);
		return exitCodes[error.code];
	}
}

function build(around: Surroundings): Command {
	const program = new Command("cicada")
		.description(
			"Peers of a swarm, without writing a program: no server, any peer will do to join.",
		)
		.version(version, "-V, --version")
		.helpCommand(true)
		.exitOverride()
		.configureOutput({
			writeOut: (text) => around.stdout.write(text),
			writeErr: (text) => around.stderr.write(text),
			getErrHelpWidth: () => 100,
			getOutHelpWidth: () => 100,
		})
		.showHelpAfterError("(--help says what there is)");
	addRun(program, around);
	addChat(program, around);
	addShell(program, around);
	addServe(program, around);
	addPing(program, around);
	addTrace(program, around);
	addNat(program, around);
	addKeygen(program, around);
	addDemo(program, around);
	addSim(program, around);
	return program;
}
