import { expect, test } from "vitest";

import { type Report, show } from "../../src/demo/report.ts";
import { type Sending, figures, percentile } from "../../src/figures.ts";
import { Stage } from "../../src/stage.ts";

test("a percentile is the smallest value that so many are not above", () => {
	const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
	expect(percentile(hundred, 50)).toBe(50);
	expect(percentile(hundred, 99)).toBe(99);
	expect(percentile(hundred, 100)).toBe(100);
	expect(percentile([3, 1, 2], 50)).toBe(2);
	expect(percentile([10, 9], 50)).toBe(9);
	expect(percentile([7], 99)).toBe(7);
	expect(percentile([], 50)).toBe(0);
});

test("a percentile leaves its values in their order, and compares them as numbers", () => {
	const values = [10, 9, 100];
	expect(percentile(values, 50)).toBe(10);
	expect(values).toEqual([10, 9, 100]);
});

const sending = (change: Partial<Sending>): Sending => ({
	delivered: true,
	hops: 1,
	rtt: 1,
	linked: false,
	...change,
});

test("figures are of delivered messages; what was sent counts all", () => {
	expect(
		figures([
			sending({ hops: 1, rtt: 5 }),
			sending({ hops: 2, rtt: 4, linked: true }),
			sending({ hops: 4, rtt: 9 }),
			sending({ delivered: false, hops: 9, rtt: 99 }),
		]),
	).toEqual({
		sent: 4,
		delivered: 3,
		multiHop: 2,
		linked: 1,
		hops: { mean: 2.33, max: 4 },
		rttMs: { p50: 5, p99: 9 },
	});
});

test("figures of nothing are zero", () => {
	expect(figures([])).toMatchObject({ sent: 0, hops: { mean: 0, max: 0 }, rttMs: { p50: 0 } });
});

/** What a stage writes, on a terminal or off one. */
function screenOn(isTTY: boolean, colour: boolean): { stage: Stage; written: string[] } {
	const written: string[] = [];
	const write = (text: string): boolean => {
		written.push(text);
		return true;
	};
	return {
		stage: new Stage({ isTTY, write } as unknown as NodeJS.WriteStream, colour),
		written,
	};
}

test("progress is rewritten in place on a terminal, and colours are there when wanted", () => {
	const { stage, written } = screenOn(true, true);
	stage.progress("joining", 1, 2);
	stage.progress("joining", 2, 2);
	stage.done("formed", "a ring");
	expect(written.filter((text) => text.startsWith("\r\u001B[K"))).toHaveLength(3);
	expect(written.filter((text) => text.includes("\n"))).toHaveLength(1);
	expect(written.join("")).toContain("\u001B[32m");
});

test.each([
	["on a terminal when not wanted", true, false],
	["off a terminal", false, true],
])("there are no colours %s", (_where, isTTY, colour) => {
	const { stage, written } = screenOn(isTTY, colour);
	stage.done("formed", "a ring");
	expect(written).toEqual(["  ✓ formed     a ring\n"]);
});

test("a report that is not well says what failed, and not that all was delivered", () => {
	const { stage, written } = screenOn(false, false);
	const none = figures([]);
	const reach = { reached: 2, expected: 3, ms: 1 };
	const report: Report = {
		...none,
		ok: false,
		failures: ["a broadcast reached 2 of 3"],
		peers: 4,
		seed: "1",
		rounds: [{ ...none, name: "once each", duplicates: 0 }],
		toKilled: { sent: 0, delivered: 0, rejected: 0 },
		broadcast: reach,
		broadcastHealed: reach,
		formMs: 1,
		healMs: 1,
		totalMs: 1,
	};
	show(report, stage);
	expect(written.join("")).toContain("✗ a broadcast reached 2 of 3");
	expect(written.join("")).not.toContain("messages delivered");
});
