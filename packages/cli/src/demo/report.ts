import type { Stage } from "./stage.ts";

/** One message, as far as the figures go. */
export interface Sending {
	readonly delivered: boolean;
	/** Links crossed, and milliseconds until the sender knew; of delivered messages only. */
	readonly hops: number;
	readonly rtt: number;
	/** Whether sender and target had a link to each other, at the latest when it was delivered. */
	readonly linked: boolean;
}

export interface Figures {
	readonly sent: number;
	readonly delivered: number;
	readonly multiHop: number;
	readonly linked: number;
	readonly hops: { readonly mean: number; readonly max: number };
	readonly rttMs: { readonly p50: number; readonly p99: number };
}

export interface Reach {
	readonly reached: number;
	readonly expected: number;
	readonly ms: number;
}

/** Everything that a run tells; documented in the help. */
export interface Report extends Figures {
	readonly ok: boolean;
	readonly failures: readonly string[];
	readonly peers: number;
	readonly seed: string;
	readonly rounds: readonly (Figures & { readonly name: string; readonly duplicates: number })[];
	readonly toKilled: {
		readonly sent: number;
		readonly delivered: number;
		readonly rejected: number;
	};
	readonly broadcast: Reach;
	readonly broadcastHealed: Reach;
	readonly formMs: number;
	readonly healMs: number;
	readonly totalMs: number;
}

/** The smallest value that at least `percent` of all are not above (nearest rank); 0 of none. */
export function percentile(values: readonly number[], percent: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
}

export function figures(sendings: readonly Sending[]): Figures {
	const delivered = sendings.filter((sending) => sending.delivered);
	const hops = delivered.map((sending) => sending.hops);
	const rtts = delivered.map(({ rtt }) => rtt);
	const sum = hops.reduce((total, count) => total + count, 0);
	const max = hops.reduce((most, count) => Math.max(most, count), 0);
	return {
		sent: sendings.length,
		delivered: delivered.length,
		multiHop: hops.filter((count) => count >= 2).length,
		linked: sendings.filter(({ linked }) => linked).length,
		hops: { mean: rounded(hops.length === 0 ? 0 : sum / hops.length), max },
		rttMs: { p50: rounded(percentile(rtts, 50)), p99: rounded(percentile(rtts, 99)) },
	};
}

export function rounded(value: number): number {
	return Math.round(value * 100) / 100;
}

export function seconds(ms: number): string {
	return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

const COLUMNS = ["sent", "delivered", "hops", "max", ">=2 links", "rtt p50", "rtt p99"];

function row(name: string, cells: readonly string[]): string {
	const aligned = cells.map((cell, i) => cell.padStart(Math.max(COLUMNS[i]?.length ?? 0, 7)));
	return `  ${name.padEnd(22)}${aligned.join("  ")}`;
}

function figuresRow(name: string, { sent, delivered, hops, multiHop, rttMs }: Figures): string {
	return row(name, [
		String(sent),
		String(delivered),
		hops.mean.toFixed(2),
		String(hops.max),
		String(multiHop),
		`${rttMs.p50.toFixed(1)} ms`,
		`${rttMs.p99.toFixed(1)} ms`,
	]);
}

function reachRow(name: string, { reached, expected, ms }: Reach): string {
	return `  ${name.padEnd(22)}reached ${reached} of ${expected} in ${seconds(ms)}`;
}

/** The report for people. */
export function show(report: Report, stage: Stage): void {
	const { toKilled, rounds } = report;
	stage.line();
	stage.line(stage.paint("bold", row("", COLUMNS)));
	for (const round of rounds) stage.line(figuresRow(round.name, round));
	stage.line(figuresRow("all", report));
	if (report.linked > 0) {
		stage.line(`  (${report.linked} of them between peers that had a link, or got one meanwhile)`);
	}
	stage.line();
	const { sent, delivered, rejected } = toKilled;
	stage.line(
		`  ${"to the killed peer".padEnd(22)}${sent} sent: ${delivered} delivered before, ${rejected} rejected`,
	);
	stage.line(reachRow("broadcast", report.broadcast));
	stage.line(reachRow("broadcast, healed", report.broadcastHealed));
	stage.line(`  ${"ring formed in".padEnd(22)}${seconds(report.formMs)}`);
	stage.line(`  ${"ring healed in".padEnd(22)}${seconds(report.healMs)}`);
	stage.line();
	for (const failure of report.failures) stage.failed(failure);
	if (report.ok) {
		stage.line(
			`  ${stage.paint("green", `All ${report.sent} messages delivered`)}, in ${seconds(report.totalMs)}.`,
		);
	}
}
