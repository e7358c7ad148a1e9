/**
 * Rings on a simulated network, and the rules that they must keep. `--help` tells.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";

import { NETWORKS } from "./latency.ts";
import { hunt } from "./mutants/hunt.ts";
import { HELP, type Options, commandFor, planOf, readOptions } from "./options.ts";
import type { Plan } from "./plan.ts";
import { runAll } from "./pool.ts";
import type { Result } from "./run.ts";
import { shrinkPlan } from "./shrink.ts";
import { describe, summarize } from "./summary.ts";

/** How many runs that fail are told of in full, and how many violations of each. */
const TOLD = 5;
const VIOLATIONS = 5;

async function main(): Promise<void> {
	let options: Options | "help";
	try {
		options = readOptions(process.argv.slice(2), availableParallelism());
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 2;
		return;
	}
	if (options === "help") {
		process.stdout.write(HELP);
		return;
	}
	if (options.mutants !== undefined) await huntMutants(options, options.mutants);
	else await simulate(options);
}

async function huntMutants(options: Options, only: readonly string[]): Promise<void> {
	const { seed, seeds, jobs } = options;
	const say = (text: string): void => {
		console.log(text);
	};
	if (!(await hunt({ seed, seeds, jobs, only, say }))) process.exitCode = 1;
}

async function simulate(options: Options): Promise<void> {
	const plans = await plansOf(options);
	const say = (text: string): void => {
		if (!options.quiet) console.error(text);
	};
	const began = performance.now();
	const seconds = (): number => (performance.now() - began) / 1_000;
	let said = 0;
	let broken = 0;
	const results = await runAll(plans, options.jobs, (result) => {
		if (result.violations > 0 && broken++ < TOLD) say(failure(result, options));
		if (seconds() - said >= 1 || plans.length === 1) {
			said = seconds();
			say(`${said.toFixed(1)} s: seed ${result.seed} done`);
		}
		return !options.failFast || result.violations === 0;
	});
	const latency = plans[0]?.latency ?? options.latency;
	const summary = summarize(results, NETWORKS[latency].roundTrip, seconds());
	console.log(describe(summary));
	const [failed] = results
		.filter(({ violations }) => violations > 0)
		.toSorted((a, b) => a.seed - b.seed);
	if (failed !== undefined) process.exitCode = 1;
	let smaller: string | undefined;
	if (failed !== undefined && options.shrink) {
		smaller = await shrunk(plans, failed, say);
		console.log(`smaller: npm run sim -- --plan ${smaller}`);
	}
	if (options.json) {
		const first = failed?.first ?? [];
		const replay = failed === undefined ? undefined : commandOf(options, failed.seed);
		console.log(JSON.stringify({ ...summary, first, replay, smaller }));
	}
}

async function plansOf(options: Options): Promise<readonly Plan[]> {
	if (options.plan !== undefined) {
		return [JSON.parse(await readFile(options.plan, "utf8")) as Plan];
	}
	const plans = Array.from({ length: options.seeds }, (_, index) =>
		planOf(options, options.seed + index),
	);
	if (options.savePlan !== undefined) {
		await writeFile(options.savePlan, `${JSON.stringify(plans[0], undefined, "\t")}\n`);
	}
	return plans;
}

function commandOf(options: Options, seed: number): string {
	return options.plan === undefined
		? commandFor(options, seed)
		: `npm run sim -- --plan ${options.plan}`;
}

function failure(result: Result, options: Options): string {
	const lines = result.first
		.slice(0, VIOLATIONS)
		.map(
			({ oracle, rule, node, at, detail }) =>
				`  ${(at / 1_000).toFixed(3)} s ${node} ${oracle}/${rule}: ${detail}`,
		);
	const more = result.violations - lines.length;
	if (more > 0) lines.push(`  and ${more} more`);
	return [
		`seed ${result.seed}: ${result.violations} violations`,
		...lines,
		`  again: ${commandOf(options, result.seed)}`,
	].join("\n");
}

async function shrunk(
	plans: readonly Plan[],
	failed: Result,
	say: (text: string) => void,
): Promise<string> {
	const plan = plans.find(({ seed }) => seed === failed.seed) as Plan;
	const small = await shrinkPlan(plan, failed, ({ nodes, actions, duration }) => {
		say(`still fails: ${nodes} nodes, ${actions.length} actions, ${duration / 1_000} s`);
	});
	const file = `sim-seed-${failed.seed}.json`;
	await writeFile(file, `${JSON.stringify(small, undefined, "\t")}\n`);
	return file;
}

await main();
