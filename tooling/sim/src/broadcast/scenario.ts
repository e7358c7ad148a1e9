import type { NetworkName } from "../latency.ts";
import { runAll } from "../pool.ts";
import { type Outcome, type Trial, runTrial } from "./trial.ts";

/** What the command line says about it. */
export interface BroadcastOptions {
	readonly nodes: number;
	readonly seed: number;
	readonly seeds: number;
	readonly successors: number;
	readonly latency: NetworkName;
	readonly jobs: number;
	readonly json: boolean;
	readonly quiet: boolean;
}

/** Per cent of the peers that crash, and payloads for each that lives that are allowed then. */
const CRASHED: ReadonlyMap<number, number> = new Map([
	[0, 1.01],
	[5, 1.1],
	[10, 1.2],
	[20, 1.35],
	[30, 1.5],
]);

/** Broadcasts with more and more peers crashing; true when everyone got each once, and payloads were as few as they should. */
export async function broadcastScenario(options: BroadcastOptions): Promise<boolean> {
	const { jobs, json, quiet } = options;
	const trials = [...trialsOf(options)];
	const worker = new URL("worker.js", import.meta.url);
	let done = 0;
	const outcomes = await runAll(
		trials,
		Math.min(jobs, trials.length),
		runTrial,
		worker,
		(outcome) => {
			const { seed, crashed, excluding } = outcome.trial;
			const flaw = holds(outcome) ? "" : `  NOT ALL WELL: ${JSON.stringify(outcome)}`;
			done++;
			if (!quiet) {
				const what = `seed ${seed}, ${crashed} % crashed${excluding ? ", some left out" : ""}`;
				console.error(`${done} of ${trials.length}: ${what}${flaw}`);
			}
			return true;
		},
	);
	const rows = [...CRASHED].flatMap(([crashed, most]) =>
		[false, true].map((excluding) => rowOf(outcomes, crashed, excluding, most)),
	);
	console.log(table(rows));
	const well = rows.every((row) => row.well);
	if (json) console.log(JSON.stringify({ rows, well }));
	return well;
}

function* trialsOf({ seed, seeds, nodes, successors, latency }: BroadcastOptions): Iterable<Trial> {
	for (let index = 0; index < seeds; index++) {
		for (const crashed of CRASHED.keys()) {
			for (const excluding of [false, true]) {
				yield { seed: seed + index, nodes, successors, latency, crashed, excluding };
			}
		}
	}
}

/** All who should have it got it once, nobody else did, and the sender's count lies between the living and all who took it. */
function holds({ live, got, wrong, reached, taken }: Outcome): boolean {
	return got === live && wrong === 0 && reached >= live && reached <= taken;
}

interface Row {
	readonly crashed: number;
	readonly excluding: boolean;
	readonly broadcasts: number;
	/** Of the live peers, how many got it, in per cent. */
	readonly reach: number;
	readonly payloads: number;
	/** Milliseconds until the last had it: the median, and the most. */
	readonly last: number;
	readonly lastMost: number;
	/** Everyone got it once, and counts were right; besides, payloads were as few as they should. */
	readonly exact: boolean;
	readonly well: boolean;
}

function rowOf(all: readonly Outcome[], crashed: number, excluding: boolean, most: number): Row {
	const outcomes = all.filter(
		({ trial }) => trial.crashed === crashed && trial.excluding === excluding,
	);
	const sum = (field: (outcome: Outcome) => number): number =>
		outcomes.reduce((total, outcome) => total + field(outcome), 0);
	const live = sum((outcome) => outcome.live);
	const payloads = sum((outcome) => outcome.payloads) / live;
	const exact = outcomes.every((outcome) => holds(outcome));
	const lasts = outcomes.map(({ last }) => last).toSorted((a, b) => a - b);
	return {
		crashed,
		excluding,
		broadcasts: outcomes.length,
		reach: (100 * sum(({ got }) => got)) / live,
		payloads,
		last: lasts[Math.floor(lasts.length / 2)] ?? 0,
		lastMost: lasts.at(-1) ?? 0,
		exact,
		well: exact && payloads <= most,
	};
}

function table(rows: readonly Row[]): string {
	const head = [
		"crashed",
		"left out",
		"broadcasts",
		"reached",
		"payloads a peer",
		"last: p50, most",
	];
	const lines = rows.map((row) => [
		`${row.crashed} %`,
		row.excluding ? "some" : "none",
		String(row.broadcasts),
		`${row.reach.toFixed(2)} %`,
		row.payloads.toFixed(3),
		`${(row.last / 1_000).toFixed(1)} s, ${(row.lastMost / 1_000).toFixed(1)} s`,
	]);
	const widths = head.map((title, i) =>
		Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)),
	);
	const written = (cells: readonly string[]): string =>
		`| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
	const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
	return [written(head), rule, ...lines.map((line) => written(line))].join("\n");
}
