// The benchmark's parts at sizes that take no time. That its figures are right nobody can test; that
// they are figures, and are told as promised, can be.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { measureApart } from "../dist/apart.js";
import { beyondBounds, measure } from "../src/bench.ts";
import type { Measurement } from "../src/measurement.ts";
import { parseOptions } from "../src/options.ts";
import { chance } from "../src/ring.ts";
import { median, quantile } from "../src/statistics.ts";
import { table } from "../src/table.ts";

const program = join(import.meta.dirname, "../dist/main.js");
const names = [
	"throughput",
	"send",
	"request",
	"handshake",
	"refusal",
	"slow",
	"formation",
	"lookup",
	"broadcast",
	"memory",
	"idle",
];

/** Gives 3, 1, 2 in turn. */
const counting = (): Measurement => {
	const values = [3, 1, 2];
	return {
		name: "counting",
		about: "Values that are known.",
		run: () =>
			Promise.resolve([{ name: "value", value: values.shift() ?? 0, unit: "s", bound: 1.5 }]),
	};
};

test("every measurement gives figures, and --json tells them in the last line", async () => {
	const options = ["--nodes", "4", "--operations", "50", "--repeat", "1", "--json"];
	const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...options]);
	const last = stdout.trimEnd().split("\n").at(-1) ?? "";
	const told = JSON.parse(last) as {
		nodes: number;
		results: { name: string; figures: { name: string; value: number }[] }[];
	};
	expect(told.nodes).toBe(4);
	expect(told.results.map(({ name }) => name)).toEqual(names);
	for (const { name, figures } of told.results) {
		expect(figures.length, name).toBeGreaterThan(0);
		for (const { name: figure, value } of figures) {
			expect(Number.isFinite(value), `${name}: ${figure}`).toBe(true);
			expect(stdout).toContain(figure);
		}
		expect(stderr).toContain(`${name}: run 1 of 1`);
	}
});

test("--help says what there is", async () => {
	const { stdout } = await promisify(execFile)(process.execPath, [program, "--help"]);
	for (const option of ["--repeat", "--nodes", "--operations", "--only", "--json", "--help"]) {
		expect(stdout).toContain(option);
	}
	for (const name of names) expect(stdout).toContain(name);
});

test("a measurement that cannot be made is named, and ends the bench", async () => {
	const none: Measurement = { name: "none", about: "", run: () => Promise.resolve([]) };
	const measured = measureApart(none, { nodes: 2, operations: 1 }, 1);
	await expect(measured).rejects.toThrow("none could not be measured: its process ended with 1");
});

test("an option that makes no sense is refused in a sentence, with exit code 2", async () => {
	const ended = promisify(execFile)(process.execPath, [program, "--nodes", "1"]);
	await expect(ended).rejects.toMatchObject({
		code: 2,
		stderr: "--nodes takes an integer from 2, not 1\n",
	});
	expect(() => parseOptions(["--only", "nothing"], names)).toThrow(/no measurement called nothing/);
});

test("a figure is the median of its runs, and one beyond its bound is told", async () => {
	const heard: number[] = [];
	const result = await measure(counting(), { nodes: 1, operations: 1 }, 3, (run) =>
		heard.push(run),
	);
	expect(heard).toEqual([1, 2, 3]);
	expect(result.figures).toMatchObject([{ name: "value", value: 2, runs: [3, 1, 2] }]);
	expect(beyondBounds([result])).toEqual(["counting: value is 2.0 s, over 1.5"]);
	expect(table([result])).toMatch(/value +2 s +1 to 3/);
});

test("medians and quantiles", () => {
	expect(median([4, 1, 2])).toBe(2);
	expect(median([4, 1, 2, 3])).toBe(2.5);
	expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3);
	expect(quantile([1, 2, 3, 4], 0.99)).toBe(4);
});

test("chance is the same in each run", () => {
	const first = chance(1);
	const second = chance(1);
	const values = [first(), first(), first()];
	expect([second(), second(), second()]).toEqual(values);
	expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
});
