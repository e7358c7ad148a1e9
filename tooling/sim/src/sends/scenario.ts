import { type Phase, type Route, SendingSwarm } from "./swarm.ts";

/** Plays it with each of the routes, and prints the counts; true when every send ended as promised. */
export async function sendsScenario(options: {
	readonly processes: number;
	readonly minutes: number;
	readonly routes: readonly Route[];
	readonly rate: number;
	readonly seed: number;
	readonly json: boolean;
	readonly quiet: boolean;
}): Promise<boolean> {
	const say = (text: string): void => {
		if (!options.quiet) console.error(text);
	};
	const { phases, formedMs, unhandled } = await new SendingSwarm({ ...options, say }).run();
	for (const phase of phases) console.log(`${describe(phase)}\n`);
	console.log(`unhandled           ${[unhandled.length, ...unhandled].join("\n")}`);
	const complete = phases.length === options.routes.length;
	const well =
		complete && unhandled.length === 0 && phases.every(({ flawCount }) => flawCount === 0);
	if (options.json) console.log(JSON.stringify({ phases, formedMs, unhandled, well }));
	return well;
}

function describe(phase: Phase): string {
	const codes = Object.entries(phase.codes).map(([code, count]) => `${count} ${code}`);
	const rows: readonly (readonly [string, string])[] = [
		["route", phase.route],
		["killed", `${phase.kills}, and as many came`],
		["sends", `${phase.sends}, ${phase.received} received`],
		["to who lives", `${phase.toLiving}`],
		["resolved", `${phase.resolved}, over ${phase.hops.toFixed(2)} links on average`],
		[
			"target killed",
			`${phase.targetDied} unacknowledged, ${phase.targetDiedRejected} rejected, ` +
				`${phase.nextLife} taken by who came in its place`,
		],
		["sender killed", String(phase.senderDied)],
		["rejected", codes.join(", ") || "none"],
		["time", `p50 ${phase.p50} ms, p99 ${phase.p99} ms, at most ${phase.most} ms`],
		["flaws", String(phase.flawCount)],
		...phase.flaws.map((flaw) => ["", flaw] as const),
	];
	return rows.map(([name, text]) => `${name.padEnd(20)}${text}`).join("\n");
}
