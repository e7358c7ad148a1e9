import { randomInt } from "node:crypto";

import { type Command, Option } from "commander";

import { whole } from "../arguments.ts";
import { Failure } from "../failure.ts";
import { type SimOptions, play, scenarios } from "../sim/scenarios.ts";
import { show } from "../sim/show.ts";
import { Stage } from "../stage.ts";
import type { Surroundings } from "../surroundings.ts";

interface Options extends Omit<SimOptions, "seed"> {
	readonly seed?: string;
	readonly json?: true;
	readonly color: boolean;
}

const help = `
The peers are those of @cicada/swarmlib; the network is @cicada/simnet's: a packet takes 10 to 100 ms, time
is virtual, and the same seed gives the same run. Links are not encrypted, which would change
nothing but how long it takes here. Messages go along the ring, between peers that have no link to
each other as far as there are such.

  churn       for so many minutes, peers die without a word, leave and come; messages go all the
              time, and a broadcast each minute
  resilience  many peers die at the same moment, and all messages are sent in the two seconds after
              that, before anybody has noticed: once each, then the same again with duplicates

A message counts as delivered when its sender was told so and its target received it exactly once.
Those whose sender or target went before they were settled are counted apart.

Exit codes: 0 all was delivered; 1 something was not, and is named; 2 wrong options.

The JSON object:
  ok                 true when the exit code is 0
  failures           what went wrong, as sentences
  scenario, peers, seed, and how many peers died, left and joined
  rounds             for each: name, duplicates, sent, delivered, multiHop, linked,
                     hops {mean, max}, rttMs {p50, p99}, lostWithPeers, and
                     broadcasts [{reached, expected, ms}]
  virtualMs          how much virtual time it took`;

/** Adds `cicada sim`. */
export function addSim(program: Command, around: Surroundings): void {
	program
		.command("sim")
		.description("shows how a swarm fares when peers die, on a simulated network")
		.addOption(new Option("--scenario <name>", "what happens").choices(scenarios).default("churn"))
		.option("--peers <count>", "how many peers", whole(4, 1_000), 64)
		.option("--messages <count>", "messages in all", whole(1, 100_000), 500)
		.option("--duplicates <count>", "extra copies of each, by other routes", whole(0, 32), 2)
		.option("--minutes <count>", "churn: how long, in virtual time", whole(1, 1_440), 5)
		.option("--churn <count>", "churn: peers that go, and that come, each minute", whole(0, 600), 6)
		.option("--fail <percent>", "resilience: peers that die at once", whole(0, 90), 30)
		.option("--seed <text>", "decides all that is left to chance (default: another each time)")
		.option("--json", "the last line of stdout is one JSON object; all else goes to stderr")
		.option("--no-color", "no colours (nor with NO_COLOR in the environment, nor off a terminal)")
		.addHelpText("after", help)
		.action(async ({ seed = String(randomInt(1_000_000)), ...options }: Options) => {
			await sim({ ...options, seed }, around);
		});
}

async function sim(options: Options & SimOptions, around: Surroundings): Promise<void> {
	const { stdout, stderr, env, interrupted } = around;
	const stage = new Stage(
		options.json === true ? stderr : stdout,
		options.color && (env["NO_COLOR"] ?? "") === "",
	);
	const { scenario, peers, seed } = options;
	stage.line();
	stage.line(`  ${stage.paint("bold", "Cicada")}: ${peers} simulated peers, ${scenario}`);
	stage.line(`  ${stage.paint("dim", `seed ${seed}`)}`);
	stage.line();
	const report = await play(options, stage, interrupted);
	show(report, stage);
	if (options.json === true) stdout.write(`${JSON.stringify(report)}\n`);
	if (!report.ok) throw new Failure("FAILED", `${report.failures.length} failures: see above`);
}
