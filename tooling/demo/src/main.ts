import { constants } from "node:os";

import { type Options, UsageError, help, parseOptions } from "./options.ts";
import { show } from "./report.ts";
import { Screen } from "./screen.ts";
import { Story } from "./story.ts";
import { Swarm } from "./swarm.ts";

async function demo(options: Options): Promise<number> {
	const screen = new Screen(options.json ? process.stderr : process.stdout, options.colour);
	const swarm = new Swarm();
	let stopped = false;
	const stop = async (status: number): Promise<void> => {
		if (stopped) return;
		stopped = true;
		screen.clear();
		await swarm.end();
		process.exit(status);
	};
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.on(signal, () => void stop(128 + constants.signals[signal]));
	}
	// Nobody reads on: `npm start | head`.
	for (const stream of [process.stdout, process.stderr]) {
		stream.on("error", () => void stop(1));
	}

	const { peers, seed } = options;
	screen.line();
	screen.line(`  ${screen.paint("bold", "Cicada")}: ${peers} peers, each a process of its own`);
	screen.line(`  ${screen.paint("dim", `seed ${seed}`)}`);
	screen.line();
	try {
		const report = await new Story(options, screen, swarm).run();
		show(report, screen);
		if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
		return report.ok ? 0 : 1;
	} catch (error) {
		// Peers that are ended at a signal fail, and that is not worth telling.
		if (stopped) return await new Promise(() => {});
		const failure = error instanceof Error ? error.message : String(error);
		screen.failed(failure);
		if (options.json) {
			process.stdout.write(`${JSON.stringify({ ok: false, failures: [failure], peers, seed })}\n`);
		}
		return 1;
	} finally {
		await swarm.end();
	}
}

try {
	const options = parseOptions(process.argv.slice(2));
	if (options === "help") process.stdout.write(help);
	else process.exitCode = await demo(options);
} catch (error) {
	if (!(error instanceof UsageError)) throw error;
	process.stderr.write(`${error.message}\nOptions follow --, as in: npm start -- --peers 48\n`);
	process.stderr.write("All of them: npm start -- --help\n");
	process.exitCode = 2;
}
