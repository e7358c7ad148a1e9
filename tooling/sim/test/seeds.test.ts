import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

const FACTOR = Number(process.env["CICADA_FACTOR"] ?? "1");
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const MINUTE = 60_000;

/** Runs the simulator in processes of its own, as its users do; what it says of itself at the end. */
function simulate(words: string): Promise<{ status: number; told: string; runs: number }> {
	const args = [MAIN, ...words.split(" "), "--jobs", "2", "--quiet", "--json"];
	return new Promise((resolve, reject) => {
		execFile(process.execPath, args, (error, stdout, stderr) => {
			const status = error === null ? 0 : Number(error.code);
			const told = stdout.trimEnd().split("\n").at(-1) ?? "";
			if (status > 1 || !told.startsWith("{")) reject(new Error(stderr));
			else resolve({ status, told, runs: (JSON.parse(told) as { runs: number }).runs });
		});
	});
}

it.each([
	["short lists, much trouble", "--nodes 12 --successors 3 --minutes 3 --churn 3", 8],
	["32 nodes", "--nodes 32 --minutes 10", 6],
])(
	"every rule holds, and the ring is ideal again: %s",
	async (_name, words, count) => {
		const seeds = count * FACTOR;
		const { status, told, runs } = await simulate(`--regime both ${words} --seeds ${seeds}`);
		expect(status, told).toBe(0);
		expect(runs).toBe(seeds);
	},
	5 * MINUTE * FACTOR,
);
