import { createHash } from "node:crypto";

import type { Result } from "./run.ts";
import { type LookupTally, type Spread, join, mean, spread } from "./tally.ts";

/** What all runs of a command come to: plain JSON. */
export interface Summary {
	readonly runs: number;
	/** Of the one run; of several, a hash of theirs in the order of their seeds. */
	readonly traceHash: string;
	readonly violations: number;
	readonly byRule: Readonly<Record<string, number>>;
	readonly failedSeeds: readonly number[];
	readonly events: number;
	readonly faults: Readonly<Record<string, number>>;
	readonly passedOver: number;
	readonly lookups: { readonly during: LookupTally; readonly after: LookupTally };
	readonly hops: { readonly mean: number; readonly most: number };
	/** In mean round trips of the network. */
	readonly latencyInRoundTrips: number;
	/** Milliseconds from the end of the trouble to the ideal ring. */
	readonly converged: {
		readonly mean: number;
		readonly most: number;
		readonly never: number;
	};
	readonly changes: number;
	readonly leastPrincipals: number | undefined;
	readonly nodeHours: number;
	readonly simulatedSeconds: number;
	/** What the runs took, one after the other. */
	readonly coreSeconds: number;
	readonly realSeconds: number;
	readonly heapMiB: number;
}

export function summarize(
	results: readonly Result[],
	roundTrip: number,
	realSeconds: number,
): Summary {
	const inOrder = results.toSorted((a, b) => a.seed - b.seed);
	const hops = spread();
	const time = spread();
	const converged = spread();
	const during: LookupTally = { ok: 0, wrong: 0, failed: 0 };
	const after: LookupTally = { ok: 0, wrong: 0, failed: 0 };
	const faults: Record<string, number> = {};
	const byRule: Record<string, number> = {};
	for (const result of inOrder) {
		join(hops, result.hops);
		join(time, result.lookupTime);
		addTally(during, result.during);
		addTally(after, result.after);
		addAll(faults, result.faults);
		addAll(byRule, result.byRule);
		const { converged: ms } = result;
		if (ms !== undefined) join(converged, { count: 1, sum: ms, most: ms } satisfies Spread);
	}
	const total = (field: (result: Result) => number): number =>
		inOrder.reduce((sum, result) => sum + field(result), 0);
	const principals = inOrder.flatMap(({ leastPrincipals }) => leastPrincipals ?? []);
	return {
		runs: inOrder.length,
		traceHash: hashOf(inOrder),
		violations: total(({ violations }) => violations),
		byRule,
		failedSeeds: inOrder.filter(({ violations }) => violations > 0).map(({ seed }) => seed),
		events: total(({ events }) => events),
		faults,
		passedOver: total(({ passedOver }) => passedOver),
		lookups: { during, after },
		hops: { mean: mean(hops), most: hops.most },
		latencyInRoundTrips: mean(time) / roundTrip,
		converged: {
			mean: mean(converged),
			most: converged.most,
			never: inOrder.length - converged.count,
		},
		changes: total(({ changes }) => changes),
		leastPrincipals: principals.length === 0 ? undefined : Math.min(...principals),
		nodeHours: total(({ nodeMs }) => nodeMs) / 3_600_000,
		simulatedSeconds: total(({ simulatedMs }) => simulatedMs) / 1_000,
		coreSeconds: total(({ realMs }) => realMs) / 1_000,
		realSeconds,
		heapMiB: Math.max(...inOrder.map(({ heap }) => heap)) / 1_048_576,
	};
}

/** The summary for people to read. */
export function describe(summary: Summary): string {
	const { lookups, hops, converged } = summary;
	const speed = (summary.nodeHours * 60) / summary.coreSeconds;
	const lines: (readonly [string, string])[] = [
		["runs", `${summary.runs}, ${summary.nodeHours.toFixed(1)} node-hours`],
		["events", `${summary.events}, of these changes of pointers: ${summary.changes}`],
		["faults", `${counts(summary.faults)}; passed over ${summary.passedOver}`],
		["lookups in trouble", tally(lookups.during)],
		["lookups at rest", tally(lookups.after)],
		["hops", `${hops.mean.toFixed(2)} on average, at most ${hops.most}`],
		["latency", `${summary.latencyInRoundTrips.toFixed(2)} round trips on average`],
		[
			"ideal after",
			`${seconds(converged.mean)} on average, at most ${seconds(converged.most)}, never: ${converged.never}`,
		],
		["fewest principals", String(summary.leastPrincipals ?? "not counted")],
		["memory", `${summary.heapMiB.toFixed(0)} MiB`],
		[
			"time",
			`${summary.simulatedSeconds.toFixed(0)} s simulated in ${summary.realSeconds.toFixed(1)} s; ` +
				`a core does ${speed.toFixed(0)} node-minutes a second`,
		],
		["trace", summary.traceHash],
		["violations", `${summary.violations}${rules(summary.byRule)}`],
	];
	return lines.map(([name, value]) => `${name.padEnd(20)}${value}`).join("\n");
}

function rules(byRule: Readonly<Record<string, number>>): string {
	return Object.keys(byRule).length === 0 ? "" : `: ${counts(byRule)}`;
}

function counts(of: Readonly<Record<string, number>>): string {
	const parts = Object.entries(of).map(([name, count]) => `${name} ${count}`);
	return parts.length === 0 ? "none" : parts.join(", ");
}

function tally({ ok, wrong, failed }: LookupTally): string {
	return `${ok} right, ${wrong} wrong, ${failed} failed`;
}

function seconds(ms: number): string {
	return `${(ms / 1_000).toFixed(1)} s`;
}

function addTally(to: LookupTally, from: LookupTally): void {
	to.ok += from.ok;
	to.wrong += from.wrong;
	to.failed += from.failed;
}

function addAll(to: Record<string, number>, from: Readonly<Record<string, number>>): void {
	for (const [name, count] of Object.entries(from)) to[name] = (to[name] ?? 0) + count;
}

function hashOf(results: readonly Result[]): string {
	const [only] = results;
	if (results.length === 1 && only !== undefined) return only.traceHash;
	const all = results.map(({ traceHash }) => traceHash).join(" ");
	return createHash("sha256").update(all).digest("hex").slice(0, 16);
}
