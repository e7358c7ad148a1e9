import { mean } from "../tally.ts";
import { type ScaleOptions, type ScaleResult, ScaleRun } from "./run.ts";

/** Runs a large ring, and says how that went; true when it was right in the end. */
export function scaleScenario(
	options: ScaleOptions & { readonly json: boolean; readonly quiet: boolean },
): boolean {
	const result = new ScaleRun(options).run((text) => {
		if (!options.quiet) console.error(text);
	});
	console.log(describe(result));
	if (options.json) console.log(JSON.stringify(result));
	return result.violations === 0;
}

function describe(result: ScaleResult): string {
	const { during, after, hops, time } = result;
	const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
	const lines: (readonly [string, string])[] = [
		["nodes", `${result.nodes}, ${result.crashed} crashed and ${result.joined} joined`],
		["joins that failed", `${result.joinsFailed}, tried again`],
		["events", String(result.events)],
		["lookups in trouble", `${during.ok} right, ${during.wrong} wrong, ${during.failed} failed`],
		["lookups at rest", `${after.ok} right, ${after.wrong} wrong, ${after.failed} failed`],
		["hops", `${mean(hops).toFixed(2)} on average, at most ${hops.most}`],
		["time of a lookup", `${mean(time).toFixed(0)} ms on average`],
		["memory", `at most ${(result.maxRss / 2 ** 20).toFixed(0)} MiB`],
		[
			"time",
			`${seconds(result.simulatedMs)} s simulated in ${seconds(result.realMs)} s, ` +
				`${seconds(result.cpuMs)} s of a core: ${(result.simulatedMs / result.realMs).toFixed(2)} times real time`,
		],
		["violations", String(result.violations)],
		...result.findings.map(
			({ node, oracle, rule, detail }) => ["", `${node} ${oracle}/${rule}: ${detail}`] as const,
		),
	];
	return lines.map(([name, value]) => `${name.padEnd(20)}${value}`).join("\n");
}
