// Peers on sockets that come and go: for a minute in npm test, where only handles count; for an hour in the nightly run.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { slope } from "../src/measure.ts";

const program = join(import.meta.dirname, "../dist/main.js");
const isNightly = process.env["CICADA_FACTOR"] === "100";
const MINUTE = 60_000;

interface Told {
	readonly ok: boolean;
	readonly failures: readonly string[];
	readonly came: number;
	readonly left: number;
	readonly steady: number;
	readonly measured: number;
}

async function run(options: readonly string[]): Promise<Told> {
	const { stdout } = await promisify(execFile)(process.execPath, [program, "--json", ...options]);
	return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Told;
}

test(
	"of peers that come and go nothing is left",
	async () => {
		const options = isNightly
			? ["--minutes", "60"]
			: ["--minutes", "1", "--handles-only", "--every", "600"];
		const told = await run(options);
		expect(told.failures).toEqual([]);
		expect(told.came).toBeGreaterThan(20);
		expect(told.left).toBeGreaterThan(10);
		expect(told.steady).toBeGreaterThan(10);
		expect(told.measured).toBeGreaterThan(1);
	},
	(isNightly ? 75 : 4) * MINUTE,
);

test("a slope is that of the line that fits best", () => {
	expect(
		slope([
			[0, 1],
			[1, 3],
			[2, 5],
		]),
	).toBe(2);
	expect(
		slope([
			[0, 0],
			[1, 1],
			[2, 0],
		]),
	).toBe(0);
	expect(slope([[5, 9]])).toBe(0);
});

test("an option that makes no sense is refused in a sentence, with exit code 2", async () => {
	await expect(run(["--peers", "2"])).rejects.toMatchObject({
		code: 2,
		stderr: expect.stringContaining("--peers takes a number from 3 to 20") as string,
	});
});
