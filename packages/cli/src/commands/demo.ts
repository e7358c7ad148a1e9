import { randomInt } from "node:crypto";

import type { Command } from "commander";

import { whole } from "../arguments.ts";
import { type Report, show } from "../demo/report.ts";
import { type DemoOptions, Story } from "../demo/story.ts";
import { Swarm } from "../demo/swarm.ts";
import { Failure } from "../failure.ts";
import { Stage } from "../stage.ts";
import type { Surroundings } from "../surroundings.ts";

interface Options extends Omit<DemoOptions, "seed"> {
	readonly seed?: string;
	readonly json?: true;
	readonly color: boolean;
}

const help = `
What happens: peers join one ring, each through a random earlier one. Then messages go, over links
of the ring only, between peers that have no link to each other: once each, then with duplicates.
One peer broadcasts to all. Then one peer is killed while messages are under way, the ring heals,
and there is another broadcast. Formed and healed mean that for each peer the id right after its
own is answered for by its true next peer, over one link, and that nobody has a link to the dead.

A message counts as delivered when its sender was told so and its target received it, whole and
exactly once, from that sender. Messages to the peer that is killed are counted apart.

The seed decides who joins through whom, who sends to whom and who is killed, as far as the ring
allows: its order comes from the ports, which the system gives.

Exit codes: 0 all was delivered; 1 something was not, and is named; 2 wrong options.
In a clone of the repository this is npm start, with options after --: npm start -- --peers 48

The JSON object:
  ok                true when the exit code is 0
  failures          what went wrong, as sentences
  peers, seed       as above
  sent, delivered   messages of all rounds, those to the killed peer left out
  multiHop          delivered messages that crossed 2 links or more
  hops              {mean, max} links crossed
  rttMs             {p50, p99} milliseconds until the sender knew
  rounds            the same for each round, with its name; "linked" counts messages between peers
                    that had a link all the same, for want of others, or got one meanwhile
  toKilled          {sent, delivered, rejected} messages to the peer that was killed
  broadcast         {reached, expected, ms}, the sender left out
  broadcastHealed   the same once the ring has healed
  formMs            from the first process started until the ring was formed
  healMs            from the kill until the ring had healed
  totalMs           all in all, in milliseconds
Where the demo itself could not go on, only ok, failures, peers and seed are there.`;

/** Adds `cicada demo`. */
export function addDemo(program: Command, around: Surroundings): void {
	program
		.command("demo")
		.description("shows a swarm of processes at work, on this machine alone")
		.option("--peers <count>", "how many peers, each a process of its own", whole(4, 256), 16)
		.option("--messages <count>", "messages in each round", whole(1, 100_000), 100)
		.option(
			"--duplicates <count>",
			"extra copies of each message of the second round, by other routes; 0: no such round",
			whole(0, 32),
			2,
		)
		.option("--seed <text>", "decides what is left to chance (default: another each time)")
		.option("--json", "the last line of stdout is one JSON object; all else goes to stderr")
		.option("--no-color", "no colours (nor with NO_COLOR in the environment, nor off a terminal)")
		.addHelpText("after", help)
		.action(async ({ seed = String(randomInt(1_000_000)), ...options }: Options) => {
			await demo({ ...options, seed }, around);
		});
}

async function demo(options: Options & DemoOptions, around: Surroundings): Promise<void> {
	const { interrupted, stdout, stderr, env } = around;
	const { peers, seed } = options;
	const stage = new Stage(
		options.json === true ? stderr : stdout,
		options.color && (env["NO_COLOR"] ?? "") === "",
	);
	const swarm = new Swarm();
	interrupted.addEventListener("abort", () => {
		stage.clear();
		void swarm.end();
	});
	const tell = (report: Report | Pick<Report, "ok" | "failures" | "peers" | "seed">): void => {
		if (options.json === true) stdout.write(`${JSON.stringify(report)}\n`);
	};
	stage.line();
	stage.line(`  ${stage.paint("bold", "Cicada")}: ${peers} peers, each a process of its own`);
	stage.line(`  ${stage.paint("dim", `seed ${seed}`)}`);
	stage.line();
	try {
		const report = await new Story(options, stage, swarm).run();
		show(report, stage);
		tell(report);
		if (!report.ok) throw new Failure("FAILED", "not all went well: see above");
	} catch (error) {
		// Peers that are ended at a signal fail, and that is not worth telling.
		interrupted.throwIfAborted();
		if (error instanceof Failure) throw error;
		const message = error instanceof Error ? error.message : String(error);
		tell({ ok: false, failures: [message], peers, seed });
		throw new Failure("FAILED", message, { cause: error });
	} finally {
		await swarm.end();
	}
}
