/**
 * Rings on a simulated network, and the rules that they must keep. `--help` tells.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";

import { broadcastScenario } from "./broadcast/scenario.ts";
import { NETWORKS } from "./latency.ts";
import { hunt } from "./mutants/hunt.ts";
import { HELP, type Options, commandFor, planOf, readOptions } from "./options.ts";
import type { Plan } from "./plan.ts";
import { runAll } from "./pool.ts";
import { ProcessRing } from "./processes/ring.ts";
import { describeProcesses, summarizeProcesses } from "./processes/summary.ts";
import { resilienceScenario } from "./resilience/scenario.ts";
import { type Result, run } from "./run.ts";
import { lookupsScenario } from "./scale/lookups.ts";
import { scaleScenario } from "./scale/scenario.ts";
import { sendsScenario } from "./sends/scenario.ts";
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
	if (options.scenario === "broadcast") {
		if (!(await broadcastScenario(options))) process.exitCode = 1;
	} else if (options.scenario === "scale") {
		if (!scaleScenario(options)) process.exitCode = 1;
	} else if (options.scenario === "lookups") {
		if (!lookupsScenario(options)) process.exitCode = 1;
	} else if (options.scenario === "resilience") {
		if (!(await resilienceScenario(options))) process.exitCode = 1;
	} else if (options.mutants !== undefined) await huntMutants(options, options.mutants);
	else if (options.sends !== undefined) {
		if (!(await sendsScenario({ ...options, processes: options.sends }))) process.exitCode = 1;
	} else if (options.processes !== undefined) await killProcesses(options, options.processes);
	else await simulate(options);
}

async function huntMutants(options: Options, only: readonly string[]): Promise<void> {
	const { seed, seeds, jobs } = options;
	const say = (text: string): void => {
		console.log(text);
	};
	if (!(await hunt({ seed, seeds, jobs, only, say }))) process.exitCode = 1;
}

async function killProcesses(options: Options, processes: number): Promise<void> {
	const { minutes, seed } = options;
	const say = (text: string): void => {
		if (!options.quiet) console.error(text);
	};
	const outcome = await new ProcessRing({ processes, minutes, seed, say }).run();
	const summary = summarizeProcesses(outcome);
	console.log(describeProcesses(summary));
	if (options.json) console.log(JSON.stringify(summary));
	if (summary.violations > 0) process.exitCode = 1;
}

async function simulate(options: Options): Promise<void> {
	const first = await firstPlan(options);
	const say = (text: string): void => {
		if (!options.quiet) console.error(text);
	};
	const began = performance.now();
	const seconds = (): number => (performance.now() - began) / 1_000;
	let said = 0;
	let broken = 0;
	const end = began + (options.realMinutes ?? Infinity) * 60_000;
	const one =
		options.realMinutes === undefined && (options.plan !== undefined || options.seeds === 1);
	let nodeMs = 0;
	const jobs = one ? 1 : options.jobs;
	const worker = new URL("worker.js", import.meta.url);
	const results = await runAll(plans(options, first, end), jobs, run, worker, (result) => {
		nodeMs += result.nodeMs;
		if (result.violations > 0 && broken++ < TOLD) say(failure(result, options));
		if (seconds() - said >= 1 || one) {
			said = seconds();
			const hours = (nodeMs / 3_600_000).toFixed(1);
			say(`${said.toFixed(1)} s: seed ${result.seed} done, ${hours} node-hours, ${broken} failed`);
		}
		return !options.failFast || result.violations === 0;
	});
	const summary = summarize(results, NETWORKS[first.latency].roundTrip, seconds());
	console.log(describe(summary));
	const [failed] = results
		.filter(({ violations }) => violations > 0)
		.toSorted((a, b) => a.seed - b.seed);
	if (failed !== undefined) process.exitCode = 1;
	let smaller: string | undefined;
	if (failed !== undefined && options.shrink) {
		const { seed } = failed;
		smaller = await shrunk(seed === first.seed ? first : planOf(options, seed), failed, say);
		console.log(`smaller: npm run sim -- --plan ${smaller}`);
	}
	if (options.json) {
		const replay = failed === undefined ? undefined : commandOf(options, failed.seed);
		console.log(JSON.stringify({ ...summary, first: failed?.first ?? [], replay, smaller }));
	}
}

async function firstPlan(options: Options): Promise<Plan> {
	if (options.plan !== undefined) return JSON.parse(await readFile(options.plan, "utf8")) as Plan;
	const plan = planOf(options, options.seed);
	if (options.savePlan !== undefined) {
		await writeFile(options.savePlan, `${JSON.stringify(plan, undefined, "\t")}\n`);
	}
	return plan;
}

/** The plans to run, each made when it is its turn: of so many seeds, or until it is late. */
function* plans(options: Options, first: Plan, end: number): Generator<Plan> {
	yield first;
	if (options.plan !== undefined) return;
	const count = options.realMinutes === undefined ? options.seeds : Infinity;
	for (let index = 1; index < count && performance.now() < end; index++) {
		yield planOf(options, options.seed + index);
	}
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

async function shrunk(plan: Plan, failed: Result, say: (text: string) => void): Promise<string> {
	const small = await shrinkPlan(plan, failed, ({ nodes, actions, duration }) => {
		say(`still fails: ${nodes} nodes, ${actions.length} actions, ${duration / 1_000} s`);
	});
	const file = `sim-seed-${failed.seed}.json`;
	await writeFile(file, `${JSON.stringify(small, undefined, "\t")}\n`);
	return file;
}

await main();
