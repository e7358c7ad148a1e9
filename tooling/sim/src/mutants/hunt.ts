import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { build } from "./build.ts";
import { MUTANTS } from "./list.ts";
import type { Mutant } from "./mutant.ts";

/** Runs that a mutant must not survive: small rings in much trouble, where mistakes come to light soon. */
const RUNS = [
	"--regime fail-stop --nodes 12 --successors 3 --minutes 3 --churn 3",
	"--regime hostile --nodes 12 --successors 3 --minutes 3 --churn 3",
	"--regime fail-stop --nodes 32 --successors 16 --minutes 3 --churn 1",
] as const;

interface Verdict {
	readonly violations: number;
	readonly byRule: Readonly<Record<string, number>>;
	readonly replay?: string;
}

interface HuntOptions {
	readonly seeds: number;
	readonly seed: number;
	/** Mutants that are hunted at a time. */
	readonly jobs: number;
	/** Only the mutants with these names; all when it is empty. */
	readonly only: readonly string[];
	readonly say: (text: string) => void;
}

/** Hunts the mutants. True when all were caught, and chordlib as it is was not. */
export async function hunt(options: HuntOptions): Promise<boolean> {
	const { jobs, only, say } = options;
	const chosen = MUTANTS.filter(({ name }) => only.length === 0 || only.includes(name));
	const special = chosen.flatMap(({ run }) => run ?? []);
	const original: Mutant = { name: "as it is", about: "no mistake", patches: [], caughtBy: [] };
	const left = [original, ...chosen].values();
	let good = true;
	const work = async (): Promise<void> => {
		for (const mutant of left) {
			const runs = mutant === original ? [...new Set([...special, ...RUNS])] : runsOf(mutant);
			const began = performance.now();
			const word = await judge(mutant, runs, options);
			const seconds = ((performance.now() - began) / 1_000).toFixed(0);
			say(`${word.good ? "good" : "BAD "} ${mutant.name.padEnd(32)} ${word.text} (${seconds} s)`);
			good &&= word.good;
		}
	};
	await Promise.all(Array.from({ length: jobs }, work));
	return good;
}

interface Word {
	readonly good: boolean;
	readonly text: string;
}

function runsOf({ run }: Mutant): readonly string[] {
	return run === undefined ? RUNS : [run, ...RUNS];
}

async function judge(mutant: Mutant, runs: readonly string[], options: HuntOptions): Promise<Word> {
	let folder: string;
	try {
		folder = await build(mutant.patches);
	} catch (error) {
		return { good: false, text: error instanceof Error ? error.message : String(error) };
	}
	try {
		if (mutant.survives !== undefined) {
			return { good: true, text: `survives, as it may: ${mutant.survives}` };
		}
		for (const words of runs) {
			const verdict = await simulate(folder, words, options);
			const rules = Object.keys(verdict.byRule);
			if (verdict.violations === 0) continue;
			const named = rules.some((rule) => mutant.caughtBy.includes(rule));
			return { good: named, text: `caught by ${rules.join(", ")}: ${verdict.replay ?? words}` };
		}
		return { good: mutant.patches.length === 0, text: "never caught" };
	} catch (error) {
		return { good: false, text: error instanceof Error ? error.message : String(error) };
	} finally {
		await rm(folder, { recursive: true });
	}
}

/** Runs the simulator of a folder until a seed fails. */
async function simulate(
	folder: string,
	words: string,
	{ seeds, seed }: HuntOptions,
): Promise<Verdict> {
	const args = [
		...`--seed ${seed} --seeds ${seeds} --jobs 1 --fail-fast --quiet --json`.split(" "),
		...words.split(" "),
	];
	const child = spawn(process.execPath, [join(folder, "tooling/sim/dist/main.js"), ...args], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	let output = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		output += text;
	});
	const code = await new Promise<number | null>((resolve, reject) => {
		child.on("error", reject);
		child.on("close", resolve);
	});
	if (code !== 0 && code !== 1) throw new Error(`the simulator ended with ${code}`);
	return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as Verdict;
}
