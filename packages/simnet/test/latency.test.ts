import { expect, test } from "vitest";

import {
	clusters,
	constant,
	coordinates,
	exponential,
	jittered,
	type LatencyModel,
	lossy,
	normal,
	Simulation,
	uniform,
} from "../src/index.ts";
import { pair } from "./programs.ts";

/** How long each of many messages takes, sent one at a time. */
const measure = (latency: LatencyModel, count = 4_000): number[] => {
	const simulation = new Simulation({ seed: 3, latency });
	const { near, far } = pair(simulation);
	const times: number[] = [];
	for (let i = 0; i < count; i++) {
		const sent = simulation.now;
		near.link?.send(Uint8Array.of(1));
		while (far.chunks.length <= i) simulation.step();
		times.push(simulation.now - sent);
	}
	return times;
};

const mean = (values: readonly number[]): number =>
	values.reduce((sum, value) => sum + value, 0) / values.length;

const deviation = (values: readonly number[]): number =>
	Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

test("constant", () => {
	expect(new Set(measure(constant(12.5), 10))).toEqual(new Set([12.5]));
});

test("uniform", () => {
	const times = measure(uniform(10, 50));
	expect(Math.min(...times)).toBeGreaterThanOrEqual(10);
	expect(Math.max(...times)).toBeLessThanOrEqual(50);
	expect(Math.abs(mean(times) - 30)).toBeLessThan(1);
	expect(Math.abs(deviation(times) - 40 / Math.sqrt(12))).toBeLessThan(0.5);
});

test("normal", () => {
	const times = measure(normal(50, 10, 20));
	expect(Math.abs(mean(times) - 50)).toBeLessThan(1);
	expect(Math.abs(deviation(times) - 10)).toBeLessThan(0.5);
	expect(Math.min(...measure(normal(20, 30, 15)))).toBeCloseTo(15, 6);
});

test("exponential", () => {
	const times = measure(exponential(10, 20));
	expect(Math.min(...times)).toBeGreaterThanOrEqual(10);
	expect(Math.abs(mean(times) - 30)).toBeLessThan(1.5);
	expect(Math.abs(deviation(times) - 20)).toBeLessThan(1.5);
});

test("jittered adds, and lossy repeats", () => {
	const jitter = measure(jittered(constant(10), 4), 1_000);
	expect(Math.min(...jitter)).toBeGreaterThanOrEqual(10);
	expect(Math.max(...jitter)).toBeLessThanOrEqual(14);
	expect(Math.abs(mean(jitter) - 12)).toBeLessThan(0.2);
	const loss = measure(lossy(constant(10), 0.1, 100));
	// The repeat comes after 100 ms, the next one 200 ms later.
	const late = new Set(loss.map((time) => Math.round(time)));
	expect([late.has(110), late.has(210), late.has(310)]).toEqual([true, false, true]);
	expect(Math.abs(loss.filter((time) => time > 10).length / loss.length - 0.1)).toBeLessThan(0.02);
});

/** The latency from each to each of `count` hosts, as the time until a refusal (two ways) tells it. */
const matrix = (latency: LatencyModel, seed: number, count: number): number[][] => {
	const simulation = new Simulation({ seed, latency });
	const hosts = Array.from({ length: count }, (_, i) => simulation.host(`h${i}`));
	return hosts.map((from) =>
		hosts.map((to) => {
			const start = simulation.now;
			const ends: number[] = [];
			const closed = (): void => void ends.push(simulation.now);
			const handler = { open() {}, data() {}, drain() {}, close: closed };
			from.transport.dial({ host: to.ip, port: 1 }, handler);
			while (ends.length === 0) simulation.step();
			return Math.round((ends[0]! - start) * 500) / 1000;
		}),
	);
};

test("clusters: near inside, between two of them one number from the range, the same both ways", () => {
	const model = clusters({ count: 4, inside: 5, between: [20, 200] });
	const times = matrix(model, 1, 30);
	const off = times.flatMap((row, i) => row.filter((_, j) => i !== j));
	for (const [i, row] of times.entries()) {
		for (const [j, time] of row.entries()) expect(time).toBe(times[j]?.[i]);
	}
	const different = new Set(off.filter((time) => time !== 5));
	expect(different.size).toBe(6);
	for (const time of different) expect(time > 20 && time < 200).toBe(true);
	const inside = off.filter((time) => time === 5).length / off.length;
	expect(inside > 0.15 && inside < 0.4).toBe(true);
	expect(matrix(model, 2, 30)).not.toEqual(times);
});

test("clusters: the mean between many is the middle of the range", () => {
	const off = matrix(clusters({ count: 50, inside: 5, between: [20, 200] }), 1, 100)
		.flatMap((row, i) => row.filter((_, j) => i !== j))
		.filter((time) => time !== 5);
	expect(Math.abs(mean(off) - 110)).toBeLessThan(5);
});

test("clusters: a host may say where it is", () => {
	const simulation = new Simulation({
		seed: 1,
		latency: clusters({ count: 9, inside: 5, between: [20, 200] }),
	});
	const { near, far } = pair(simulation, { a: { cluster: 3 }, b: { cluster: 3 } });
	near.link?.send(Uint8Array.of(1));
	simulation.advance(5);
	expect(far.chunks).toHaveLength(1);
});

test("coordinates: distance is time, and obeys the triangle", () => {
	const simulation = new Simulation({ seed: 1, latency: coordinates({ base: 2 }) });
	const { near, far } = pair(simulation, {
		a: { position: { x: 0, y: 0 } },
		b: { position: { x: 30, y: 40 } },
	});
	near.link?.send(Uint8Array.of(1));
	simulation.advance(51.999);
	expect(far.chunks).toHaveLength(0);
	simulation.advance(0.001);
	expect(far.chunks).toHaveLength(1);
	const times = matrix(coordinates({ width: 100, height: 50, base: 0 }), 1, 12);
	const all = times.flat();
	expect(Math.max(...all)).toBeLessThan(Math.sqrt(100 ** 2 + 50 ** 2));
	expect(Math.max(...all)).toBeGreaterThan(50);
	const broken = times.flatMap((row, i) =>
		row.flatMap((time, j) =>
			row.filter((part, k) => i !== j && i !== k && j !== k && time > part + times[k]![j]! + 0.01),
		),
	);
	expect(broken).toEqual([]);
});
