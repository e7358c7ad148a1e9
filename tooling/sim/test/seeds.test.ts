import { execFile } from "node:child_process";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { FAIL_STOP_FAULTS } from "../src/plan-fail-stop.ts";
import { HOSTILE_FAULTS } from "../src/plan-hostile.ts";
import { type Regime, REGIMES } from "../src/plan.ts";
import type { Summary } from "../src/summary.ts";

// Tests on real sockets and clocks run beside it, and go first.
setPriority(constants.priority.PRIORITY_LOW);

const FACTOR = Number(process.env["CICADA_FACTOR"] ?? "1");
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const MINUTE = 60_000;
/** Rings of each regime; a thousand in the nightly run, and `npm run sim:nightly` goes on with others. */
const RINGS = FACTOR === 1 ? 100 : 10 * FACTOR;

/** What a regime's faults are called when they are counted. */
const COUNTED: Readonly<Record<Regime, readonly string[]>> = {
	"fail-stop": FAIL_STOP_FAULTS.map((kind) => (kind === "arrival" ? "join" : kind)),
	hostile: HOSTILE_FAULTS.map((kind) => (kind === "arrival" ? "join" : kind)),
};

/** Runs the simulator in processes of its own, as its users do; what it says of itself at the end. */
function simulate(words: string): Promise<{ status: number; told: string; summary: Summary }> {
	const args = [MAIN, ...words.split(" "), "--jobs", "2", "--quiet", "--json"];
	return new Promise((resolve, reject) => {
		execFile(process.execPath, args, (error, stdout, stderr) => {
			const status = error === null ? 0 : Number(error.code);
			const told = stdout.trimEnd();
			const last = told.split("\n").at(-1) ?? "";
			if (status > 1 || !last.startsWith("{")) reject(new Error(stderr));
			else resolve({ status, told, summary: JSON.parse(last) as Summary });
		});
	});
}

it.each(REGIMES)(
	"every rule holds in short lists and much trouble, and the ring is ideal again: %s",
	async (regime) => {
		const seeds = 16 * FACTOR;
		const words = `--regime ${regime} --nodes 12 --successors 3 --minutes 3 --churn 3 --seeds ${seeds}`;
		const { status, told, summary } = await simulate(words);
		expect(status, told).toBe(0);
		expect(summary.runs).toBe(seeds);
	},
	5 * MINUTE * FACTOR,
);

it.each(REGIMES)(
	"rings of 32 keep every rule for ten minutes, whatever goes wrong, and are ideal again: %s",
	async (regime) => {
		const words = `--regime ${regime} --nodes 32 --minutes 10 --churn 0.1 --seeds ${RINGS}`;
		const { status, told, summary } = await simulate(words);
		console.log(`${regime}\n${told.slice(0, told.lastIndexOf("\n"))}`);
		expect(status, told).toBe(0);
		expect(summary.runs).toBe(RINGS);
		expect(summary.violations).toBe(0);
		expect(summary.converged.never).toBe(0);
		expect(summary.converged.most).toBeLessThanOrEqual(2 * MINUTE);
		expect(Object.keys(summary.faults)).toEqual(expect.arrayContaining([...COUNTED[regime]]));
	},
	10 * MINUTE * Math.ceil(RINGS / 100),
);
