import { type Figures, type Reach, figuresRow, headingRow, reachRow, seconds } from "../figures.ts";
import type { Stage } from "../stage.ts";

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

/** The report for people. */
export function show(report: Report, stage: Stage): void {
	const { toKilled, rounds } = report;
	stage.line();
	stage.line(stage.paint("bold", headingRow()));
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
