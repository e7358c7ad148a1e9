import type { Command } from "commander";

import { openLog } from "../log-options.ts";
import { PlainScreen, type Screen, TerminalScreen, isTerminal } from "../screen.ts";
import { Shell } from "../shell/shell.ts";
import { startPeer } from "../start-peer.ts";
import { Interruption, type Surroundings } from "../surroundings.ts";
import { type VisitOptions, withVisitOptions } from "../visit.ts";

const help = `
help, in it, says what can be typed. Where stdin or stdout is no terminal, lines are read and written as they
are, and the end of the input ends it.`;

/** Adds `cicada shell`. */
export function addShell(program: Command, around: Surroundings): void {
	withVisitOptions(program.command("shell"))
		.description("makes peers and tries what they do, line by line")
		.addHelpText("after", help)
		.action(async (options: VisitOptions) => {
			await shell(options, around);
		});
}

async function shell(options: VisitOptions, around: Surroundings): Promise<void> {
	const ended = new AbortController();
	const log = openLog(options, around);
	const shell = new Shell({
		start: async (port) => {
			const peerOptions = { ...options, port, portMapping: false, mappingAttempts: 1 };
			return startPeer(peerOptions, log, around);
		},
		show: (line) => {
			screen.show(line);
		},
	});
	const screen: Screen = isTerminal(around)
		? new TerminalScreen(around, shell, () => {
				ended.abort(new Interruption("Ctrl-C", 130));
			})
		: new PlainScreen(around);
	const stop = AbortSignal.any([ended.signal, around.interrupted]);
	try {
		await screen.lines(async (line) => {
			await shell.take(line);
			if (shell.over) ended.abort();
		}, stop);
	} finally {
		await shell.close();
		screen.close();
	}
	if (stop.reason instanceof Interruption) throw stop.reason;
}
