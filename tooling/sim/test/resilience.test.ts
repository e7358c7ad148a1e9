import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import type { ResilienceRow } from "../src/resilience/scenario.ts";
import { wilson } from "../src/tally.ts";

const NIGHTLY = Number(process.env["CICADA_FACTOR"] ?? "1") > 1;
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const MINUTE = 60_000;

it(
	"of messages past malicious relays as many arrive as promised, and no altered one is taken for genuine",
	async () => {
		const count = NIGHTLY ? 30_000 : 300;
		const words = `--scenario resilience --seed 1 --count ${count} --jobs 2 --quiet --json`;
		const told = await new Promise<string>((resolve) => {
			execFile(process.execPath, [MAIN, ...words.split(" ")], (_error, stdout) => {
				resolve(stdout);
			});
		});
		const { rows } = JSON.parse(told.trimEnd().split("\n").at(-1) ?? "") as {
			rows: readonly ResilienceRow[];
		};
		expect(rows.map(({ malicious, routes }) => [malicious, routes])).toEqual(
			[0.1, 0.2].flatMap((malicious) => [1, 2, 4, 8].map((routes) => [malicious, routes])),
		);
		for (const { sent, success, interval, least, forged, tampered, malicious, routes } of rows) {
			expect(sent).toBe(count);
			expect(forged).toBe(0);
			// Relays do alter them; and with one route not all arrive.
			expect(tampered).toBeGreaterThan(0);
			expect(success).toBeLessThanOrEqual(routes === 1 ? 1 - malicious / 2 : 1);
			expect(NIGHTLY ? success : interval.high, told).toBeGreaterThanOrEqual(least);
		}
	},
	NIGHTLY ? 60 * MINUTE : 2 * MINUTE,
);

it("Wilson's interval: what tables of it say", () => {
	expect(wilson(8, 10).low).toBeCloseTo(0.4902, 4);
	expect(wilson(8, 10).high).toBeCloseTo(0.9433, 4);
	expect(wilson(0, 20).low).toBeCloseTo(0, 10);
	expect(wilson(0, 20).high).toBeCloseTo(0.1611, 4);
});
