import type { Violation } from "../oracles/violation.ts";
import type { Outcome } from "./ring.ts";

/** Milliseconds: half of the values are no greater, 99 of 100 are no greater, and the greatest. */
interface Times {
	readonly p50: number;
	readonly p99: number;
	readonly most: number;
}

/** How a run on sockets went: plain JSON. */
export interface ProcessSummary {
	readonly kills: number;
	readonly sameAddress: number;
	readonly violations: number;
	readonly byRule: Readonly<Record<string, number>>;
	readonly first: readonly Violation[];
	readonly quietMoments: number;
	readonly lookups: Outcome["lookups"];
	/** From a kill until no neighbour, and until nobody at all, named the dead one. */
	readonly closed: Times;
	readonly forgotten: Times;
	/** From the last kill to the ideal ring; undefined when it never was. */
	readonly converged: number | undefined;
}

export function summarizeProcesses(outcome: Outcome): ProcessSummary {
	const { kills, sameAddress, violations, quiet, lookups, closed, forgotten, converged } = outcome;
	return {
		kills,
		sameAddress,
		violations: violations.count,
		byRule: Object.fromEntries(violations.byRule),
		first: violations.first,
		quietMoments: quiet,
		lookups,
		closed: timesOf(closed),
		forgotten: timesOf(forgotten),
		converged,
	};
}

export function describeProcesses(summary: ProcessSummary): string {
	const { kills, sameAddress, lookups, closed, forgotten, converged, first } = summary;
	const { right, wrong, overtaken, failed } = lookups;
	const rows: readonly (readonly [string, string])[] = [
		["killed", `${kills}, and as many came: ${sameAddress} at the address of who was killed`],
		[
			"lookups in trouble",
			`${right} right, ${overtaken} overtaken by a newcomer, ${wrong} wrong, ${failed} failed`,
		],
		["neighbours healed", timesText(closed)],
		["nobody names it", timesText(forgotten)],
		["ideal after", converged === undefined ? "never" : `${seconds(converged)} s`],
		["quiet moments", String(summary.quietMoments)],
		["violations", [summary.violations, ...Object.keys(summary.byRule)].join(" ")],
		...first.map(
			({ oracle, rule, node, detail }) => ["", `${node} ${oracle}/${rule}: ${detail}`] as const,
		),
	];
	return rows.map(([name, text]) => `${name.padEnd(20)}${text}`).join("\n");
}

function timesText({ p50, p99, most }: Times): string {
	return `p50 ${seconds(p50)} s, p99 ${seconds(p99)} s, at most ${seconds(most)} s`;
}

/** Of values in ascending order, by nearest rank. */
function timesOf(sorted: readonly number[]): Times {
	const rank = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1] ?? 0;
	return { p50: rank(0.5), p99: rank(0.99), most: rank(1) };
}

function seconds(ms: number): string {
	return (ms / 1_000).toFixed(1);
}
