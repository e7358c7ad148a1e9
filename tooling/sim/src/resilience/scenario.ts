import { runAll } from "../pool.ts";
import { type Interval, wilson } from "../tally.ts";
import { type Tally, type Trials, type TrialsOutcome, runTrials } from "./trial.ts";

/** What the command line says about it. */
export interface ResilienceOptions {
	readonly nodes: number;
	readonly seed: number;
	readonly successors: number;
	/** Messages with each number of routes and each part of malicious nodes. */
	readonly count: number;
	readonly jobs: number;
	readonly json: boolean;
	readonly quiet: boolean;
}

/** By the part of the nodes that is malicious: of so many messages by 1, 2, 4 and 8 routes the part that arrives at least. */
const ROUTES = [1, 2, 4, 8] as const;
const LEAST: ReadonlyMap<number, readonly number[]> = new Map([
	[0.1, [0.8, 0.95, 0.99, 0.999]],
	[0.2, [0.6, 0.8, 0.96, 0.995]],
]);
/** Messages on one ring. */
const BATCH = 1_000;

/** What became of messages with one number of routes among so many malicious nodes. */
export interface ResilienceRow {
	readonly malicious: number;
	readonly routes: number;
	readonly sent: number;
	/** The part that arrived, and its 95 % confidence interval. */
	readonly success: number;
	readonly interval: Interval;
	readonly least: number;
	/** For each message: copies sent, copies that did not authenticate, peers asked for the way. */
	readonly copies: number;
	readonly tampered: number;
	readonly asked: number;
	/** Altered copies that the target took for genuine. */
	readonly forged: number;
	readonly well: boolean;
}

/** Sends by one and by more routes past malicious relays; true when as many messages arrived as are promised. */
export async function resilienceScenario(options: ResilienceOptions): Promise<boolean> {
	const plans = [...plansOf(options)];
	const worker = new URL("worker.js", import.meta.url);
	const jobs = Math.min(options.jobs, plans.length);
	let done = 0;
	const outcomes = await runAll(plans, jobs, runTrials, worker, ({ trials, realMs }) => {
		done++;
		if (!options.quiet) {
			const what = `seed ${trials.seed}, ${100 * trials.malicious} % malicious`;
			const messages = trials.count * trials.routes.length;
			console.error(
				`${done} of ${plans.length}: ${what}, ${messages} messages in ${realMs.toFixed(0)} ms`,
			);
		}
		return true;
	});
	const rows = [...LEAST].flatMap(([malicious, leasts]) =>
		ROUTES.map((routes, index) => rowOf(outcomes, malicious, routes, leasts[index] ?? 1)),
	);
	console.log(table(rows));
	const well = rows.every((row) => row.well);
	if (options.json) console.log(JSON.stringify({ rows, well }));
	return well;
}

function* plansOf({ nodes, seed, successors, count }: ResilienceOptions): Iterable<Trials> {
	for (let batch = 0; batch * BATCH < count; batch++) {
		const size = Math.min(BATCH, count - batch * BATCH);
		for (const malicious of LEAST.keys()) {
			yield { seed: seed + batch, nodes, successors, malicious, count: size, routes: ROUTES };
		}
	}
}

function rowOf(
	outcomes: readonly TrialsOutcome[],
	malicious: number,
	routes: number,
	least: number,
): ResilienceRow {
	const tallies = outcomes
		.filter(({ trials }) => trials.malicious === malicious)
		.flatMap((outcome) => outcome.tallies.filter((tally) => tally.routes === routes));
	const sum = (field: (tally: Tally) => number): number =>
		tallies.reduce((total, tally) => total + field(tally), 0);
	const sent = sum((tally) => tally.sent);
	const arrived = sum((tally) => tally.arrived);
	const forged = sum((tally) => tally.forged);
	return {
		malicious,
		routes,
		sent,
		success: arrived / sent,
		interval: wilson(arrived, sent),
		least,
		copies: sum(({ copies }) => copies) / sent,
		tampered: sum(({ tampered }) => tampered) / sent,
		asked: sum(({ asked }) => asked) / sent,
		forged,
		well: arrived / sent >= least && forged === 0,
	};
}

function table(rows: readonly ResilienceRow[]): string {
	const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;
	const head = [
		"malicious",
		"routes",
		"messages",
		"arrived",
		"95 % interval",
		"at least",
		"copies",
		"altered",
		"taken so",
		"asked",
		"",
	];
	const lines = rows.map((row) => [
		`${100 * row.malicious} %`,
		String(row.routes),
		String(row.sent),
		percent(row.success),
		`${percent(row.interval.low)} to ${percent(row.interval.high)}`,
		`${(100 * row.least).toFixed(1)} %`,
		row.copies.toFixed(2),
		row.tampered.toFixed(2),
		String(row.forged),
		row.asked.toFixed(1),
		row.well ? "" : "TOO FEW",
	]);
	const widths = head.map((title, i) =>
		Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)),
	);
	const written = (cells: readonly string[]): string =>
		`| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
	const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
	return [written(head), rule, ...lines.map((line) => written(line))].join("\n");
}
