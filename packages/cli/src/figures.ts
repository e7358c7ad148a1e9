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

/** A broadcast: whom it reached, of those whom it was to reach, the sender left out. */
export interface Reach {
	readonly reached: number;
	readonly expected: number;
	readonly ms: number;
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

/** The columns of {@link figuresRow}. */
const COLUMNS = ["sent", "delivered", "hops", "max", ">=2 links", "rtt p50", "rtt p99"];

export function headingRow(): string {
	return row("", COLUMNS);
}

function row(name: string, cells: readonly string[]): string {
	const aligned = cells.map((cell, i) => cell.padStart(Math.max(COLUMNS[i]?.length ?? 0, 7)));
	return `  ${name.padEnd(22)}${aligned.join("  ")}`;
}

export function figuresRow(
	name: string,
	{ sent, delivered, hops, multiHop, rttMs }: Figures,
): string {
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

export function reachRow(name: string, { reached, expected, ms }: Reach): string {
	return `  ${name.padEnd(22)}reached ${reached} of ${expected} in ${seconds(ms)}`;
}
