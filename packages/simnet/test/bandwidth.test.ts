import { expect, test } from "vitest";

import { constant, Simulation } from "../src/index.ts";
import { dial, pair, serve } from "./programs.ts";

const total = (chunks: readonly Uint8Array[]): number =>
	chunks.reduce((sum, chunk) => sum + chunk.length, 0);

test("a host sends no faster than its uplink, and says when all has gone out", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10) });
	const { near, far } = pair(simulation, { a: { bandwidth: { up: 100 } } });
	near.link?.send(new Uint8Array(100_000));
	expect(near.link?.buffered).toBe(100_000);
	simulation.advance(500);
	expect(near.link?.buffered).toBeGreaterThan(49_000);
	expect(near.link?.buffered).toBeLessThan(68_000);
	expect(near.lines).toEqual([]);
	simulation.advance(600);
	expect(near.lines).toEqual(["2000 drain"]);
	expect(near.link?.buffered).toBe(0);
	expect(far.lines.at(-1)?.startsWith("2010 data")).toBe(true);
	expect(total(far.chunks)).toBe(100_000);
});

test("links of one host share its uplink", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10) });
	const { a, near, far } = pair(simulation, { a: { bandwidth: { up: 100 } } });
	const c = simulation.host("c");
	const accepted = serve(simulation, c);
	const second = dial(simulation, a, c);
	simulation.advance(1_000);
	near.link?.send(new Uint8Array(1_000_000));
	second.link?.send(new Uint8Array(100_000));
	simulation.advance(2_500);
	expect(total(accepted[0]?.chunks ?? [])).toBe(100_000);
	expect(total(far.chunks)).toBeLessThan(160_000);
});

test("a link that closes sends all first", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10), linger: 10_000 });
	const { near, far } = pair(simulation, { a: { bandwidth: { up: 100 } } });
	near.link?.send(new Uint8Array(100_000));
	near.link?.close();
	simulation.advance(2_000);
	expect(total(far.chunks)).toBe(100_000);
	expect(far.lines.at(-1)).toBe("2010 close");
});

test("a host gets no faster than its downlink, whoever sends", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10) });
	const { b, near, far } = pair(simulation, { b: { bandwidth: { down: 100 } } });
	const second = dial(simulation, simulation.host("c"), b);
	simulation.advance(100);
	near.link?.send(new Uint8Array(50_000));
	second.link?.send(new Uint8Array(50_000));
	near.link?.close();
	simulation.advance(2_000);
	expect(far.lines).toEqual(["1610 data 50000", "2110 close"]);
});

test("a window makes the sender wait for a reader that does not read", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10), window: 1_000 });
	const { b, near, far } = pair(simulation);
	b.pause();
	near.link?.send(new Uint8Array(2_500));
	simulation.advance(10_000);
	expect(near.link?.buffered).toBe(1_500);
	b.resume();
	simulation.advance(1_000);
	expect(near.link?.buffered).toBe(0);
	expect(total(far.chunks)).toBe(2_500);
	// 1,000 bytes each 20 ms: the first at once, the next when there is room again.
	expect(far.lines).toEqual(["11000 data 1000", "11020 data 1000", "11040 data 500"]);
	expect(near.lines).toEqual(["11030 drain"]);
});
