import { parseArgs } from "node:util";

import { NETWORKS, type NetworkName, isNetworkName } from "./latency.ts";
import { FAIL_STOP_FAULTS, type FailStopFault, failStopActions } from "./plan-fail-stop.ts";
import { HOSTILE_FAULTS, type HostileFault, hostileActions } from "./plan-hostile.ts";
import { type Plan, REGIMES, type Regime } from "./plan.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What the command line asks for. */
export interface Options {
	readonly nodes: number;
	readonly seed: number;
	readonly seeds: number;
	readonly minutes: number;
	/** Real minutes for as many seeds as there is time for; undefined for `seeds` of them. */
	readonly realMinutes: number | undefined;
	readonly churn: number;
	readonly lookups: number;
	readonly faults: readonly string[] | undefined;
	/** One of them, or both in turn. */
	readonly regime: Regime | "both";
	/** One of the scenarios; undefined for the trouble of the regime. */
	readonly scenario: string | undefined;
	readonly latency: NetworkName;
	readonly successors: number;
	/**
	 * How many lookups in all, and the part of the nodes that is dead meanwhile: of the scenario `lookups`. How many
	 * messages of each kind: of `resilience`.
	 */
	readonly count: number;
	readonly dead: number;
	readonly jobs: number;
	/** How many processes on sockets; undefined for a simulated network. */
	readonly processes: number | undefined;
	/** How many processes with peers that send; by which routes, and how many a second; undefined likewise. */
	readonly sends: number | undefined;
	readonly routes: readonly ("auto" | "ring")[];
	readonly rate: number;
	readonly plan: string | undefined;
	readonly savePlan: string | undefined;
	readonly shrink: boolean;
	readonly failFast: boolean;
	/** The names of the mutants to hunt, none for all of them; undefined for no hunt. */
	readonly mutants: readonly string[] | undefined;
	readonly json: boolean;
	readonly quiet: boolean;
}

export const HELP: string = `Usage: npm run sim -- [options]

Runs rings of real nodes on a simulated network, and checks the rules that they must keep.

  --nodes N         nodes of the ring (32); newcomers come on top
  --seed S          the first seed (1)
  --seeds COUNT     how many seeds, one run each (1)
  --for MINUTES     goes on with the next seeds for so many real minutes
  --minutes M       virtual minutes of trouble in each run (10)
  --churn RATE      part of the nodes that get into trouble within a minute (0.3)
  --lookups RATE    lookups by each node in a minute (1)
  --regime R        ${REGIMES.join(", ")}, or both in turn (fail-stop)
  --scenario NAME   trouble of a special kind, in the regime hostile:
${Object.entries(SCENARIOS)
	.map(([name, { about }]) => `                    ${name}: ${about}`)
	.join("\n")}
                    broadcast: whole peers; 0 to 30 % crash just before and during a broadcast
                    scale: a large ring on messages without links, from an ideal ring on
                    lookups: on an ideal ring of that kind, of which nobody knows who is dead
                    resilience: messages by 1 to 8 routes past malicious relays (1000 nodes)
  --faults KINDS    which, with commas between (all of the regime)
                    fail-stop: ${FAIL_STOP_FAULTS.join(", ")}
                    hostile: ${HOSTILE_FAULTS.join(", ")}
  --latency MODEL   ${Object.keys(NETWORKS).join(", ")} (uniform)
  --successors L    length of successor lists (16)
  --count COUNT     lookups in all, in the scenario lookups (100000); messages of each kind, in
                    the scenario resilience (30000)
  --dead PART       part of the nodes that is dead there (0)
  --jobs J          runs at the same time (one for each core)
  --fail-fast       stops after the first run that fails
  --mutants NAMES   puts known mistakes into copies of chordlib, and wants each caught
                    within --seeds of small runs (all, or names with commas between)
  --processes N     no simulation: N processes with TCP between them, of which one is
                    killed every two seconds of --minutes, and replaced
  --sends N         no simulation: N processes with peers that send to each other, of which
                    one is killed every two seconds of --minutes, and replaced
  --routes ROUTES   by which routes they send, one after the other (ring,auto)
  --rate RATE       how many sends there are in a second, of all together (100)
  --shrink          makes the first run that fails smaller, and writes it to a plan file
  --plan FILE       runs what a plan file says
  --save-plan FILE  writes the plan of the first seed, and runs it
  --json            the last line of stdout is one JSON object
  --quiet           no progress
  --help            this

Exits with 1 when a rule was broken.
`;

/** @throws an `Error` whose message is for the user */
export function readOptions(args: readonly string[], cores: number): Options | "help" {
	const { values } = parseArgs({
		args: [...args],
		allowPositionals: false,
		options: {
			nodes: { type: "string" },
			seed: { type: "string", default: "1" },
			seeds: { type: "string", default: "1" },
			minutes: { type: "string", default: "10" },
			for: { type: "string" },
			churn: { type: "string", default: "0.3" },
			lookups: { type: "string", default: "1" },
			faults: { type: "string" },
			regime: { type: "string", default: "fail-stop" },
			scenario: { type: "string" },
			latency: { type: "string", default: "uniform" },
			successors: { type: "string", default: "16" },
			count: { type: "string" },
			dead: { type: "string", default: "0" },
			jobs: { type: "string", default: String(cores) },
			plan: { type: "string" },
			"save-plan": { type: "string" },
			shrink: { type: "boolean", default: false },
			"fail-fast": { type: "boolean", default: false },
			mutants: { type: "string" },
			processes: { type: "string" },
			sends: { type: "string" },
			routes: { type: "string", default: "ring,auto" },
			rate: { type: "string", default: "100" },
			json: { type: "boolean", default: false },
			quiet: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) return "help";
	const { regime, latency } = values;
	if (regime !== "fail-stop" && regime !== "hostile" && regime !== "both") {
		throw new Error(`--regime is ${REGIMES.join(", ")} or both, not ${regime}`);
	}
	if (!isNetworkName(latency)) {
		throw new Error(`--latency is one of ${Object.keys(NETWORKS).join(", ")}, not ${latency}`);
	}
	const { scenario } = values;
	const scenarios = [...Object.keys(SCENARIOS), "broadcast", "scale", "lookups", "resilience"];
	if (scenario !== undefined && !scenarios.includes(scenario)) {
		throw new Error(`--scenario is one of ${scenarios.join(", ")}, not ${scenario}`);
	}
	const isResilience = scenario === "resilience";
	const faults = values.faults?.split(",").filter((kind) => kind !== "");
	const known: readonly string[] = [...FAIL_STOP_FAULTS, ...HOSTILE_FAULTS];
	for (const kind of faults ?? []) {
		if (!known.includes(kind)) throw new Error(`no fault is called ${kind}`);
	}
	return {
		nodes: integer("nodes", values.nodes ?? (isResilience ? "1000" : "32"), 1),
		seed: integer("seed", values.seed, 0),
		seeds: integer("seeds", values.seeds, 1),
		minutes: number("minutes", values.minutes),
		realMinutes: values.for === undefined ? undefined : number("for", values.for),
		churn: number("churn", values.churn),
		lookups: number("lookups", values.lookups),
		faults,
		regime: scenario === undefined ? regime : "hostile",
		scenario,
		latency,
		successors: integer("successors", values.successors, 1),
		count: integer("count", values.count ?? (isResilience ? "30000" : "100000"), 1),
		dead: part("dead", values.dead),
		jobs: integer("jobs", values.jobs, 1),
		processes:
			values.processes === undefined ? undefined : integer("processes", values.processes, 2),
		sends: values.sends === undefined ? undefined : integer("sends", values.sends, 3),
		routes: values.routes.split(",").map(routeOf),
		rate: integer("rate", values.rate, 1),
		plan: values.plan,
		savePlan: values["save-plan"],
		shrink: values.shrink,
		failFast: values["fail-fast"],
		mutants: values.mutants?.split(",").filter((name) => name !== "" && name !== "all"),
		json: values.json,
		quiet: values.quiet,
	};
}

/** What a seed stands for, given the other options. */
export function planOf(options: Options, seed: number): Plan {
	const { nodes, churn, faults, latency, successors, lookups } = options;
	const duration = Math.round(options.minutes * 60_000);
	const regime =
		options.regime === "both" ? (REGIMES[seed % REGIMES.length] as Regime) : options.regime;
	const asked = (kind: string): boolean => faults?.includes(kind) ?? true;
	const common = { seed, nodes, duration, churn };
	const actions =
		regime === "fail-stop"
			? failStopActions({
					...common,
					kinds: FAIL_STOP_FAULTS.filter((kind: FailStopFault) => asked(kind)),
				})
			: hostileActions({
					...common,
					kinds: HOSTILE_FAULTS.filter((kind: HostileFault) => asked(kind)),
				});
	const plan: Plan = { seed, regime, nodes, successors, latency, duration, lookups, actions };
	const scenario = options.scenario === undefined ? undefined : SCENARIOS[options.scenario];
	if (scenario === undefined) return plan;
	const { rings } = scenario;
	return { ...plan, actions: scenario.actions(plan, churn), ...(rings && { rings }) };
}

/** The options that give the same run, as one writes them. */
export function commandFor(options: Options, seed: number): string {
	const { nodes, minutes, churn, lookups, faults, latency, successors } = options;
	const { regime } = planOf({ ...options, minutes: 0 }, seed);
	const words = [
		`--regime ${regime} --nodes ${nodes} --seed ${seed} --minutes ${minutes} --churn ${churn}`,
		`--lookups ${lookups} --latency ${latency} --successors ${successors}`,
	];
	if (options.scenario !== undefined) words.push(`--scenario ${options.scenario}`);
	if (faults !== undefined) words.push(`--faults ${faults.join(",")}`);
	return `npm run sim -- ${words.join(" ")}`;
}

function routeOf(name: string): "auto" | "ring" {
	if (name !== "auto" && name !== "ring")
		throw new Error(`--routes are auto and ring, not ${name}`);
	return name;
}

function number(name: string, text: string): number {
	const value = Number(text);
	if (text.trim() === "" || !(value >= 0 && value < Infinity)) {
		throw new Error(`--${name} must be a number from 0 on, not ${text}`);
	}
	return value;
}

function part(name: string, text: string): number {
	const value = number(name, text);
	if (value >= 1) throw new Error(`--${name} must be less than 1, not ${text}`);
	return value;
}

function integer(name: string, text: string, least: number): number {
	const value = number(name, text);
	if (!Number.isSafeInteger(value) || value < least) {
		throw new Error(`--${name} must be an integer from ${least} on, not ${text}`);
	}
	return value;
}
