import { figuresRow, headingRow, reachRow, seconds } from "../figures.ts";
import type { Stage } from "../stage.ts";
import type { SimReport } from "./scenarios.ts";

/** Failures that are told one by one. */
const TOLD = 10;

/** A report for people. */
export function show(report: SimReport, stage: Stage): void {
	const { rounds, failures } = report;
	stage.line();
	stage.line(stage.paint("bold", headingRow()));
	for (const round of rounds) stage.line(figuresRow(round.name, round));
	stage.line();
	for (const { name, lostWithPeers, linked, broadcasts } of rounds) {
		if (linked > 0) stage.line(`  ${name}: ${linked} went between peers that had a link`);
		if (lostWithPeers > 0) {
			stage.line(`  ${name}: ${lostWithPeers} besides, whose sender or target went meanwhile`);
		}
		for (const reach of broadcasts) stage.line(reachRow("broadcast", reach));
	}
	stage.line();
	for (const failure of failures.slice(0, TOLD)) stage.failed(failure);
	if (failures.length > TOLD) stage.failed(`and ${failures.length - TOLD} more`);
	if (report.ok) {
		const took = `${seconds(report.virtualMs)} of virtual time`;
		stage.line(`  ${stage.paint("green", "All messages delivered")}, in ${took}.`);
	}
}
