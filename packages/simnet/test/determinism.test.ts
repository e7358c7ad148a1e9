import { expect, test } from "vitest";

import { jittered, randomFaults, SeededRandom, Simulation, uniform } from "../src/index.ts";
import { at, chatter, dial, serve } from "./programs.ts";

const run = async (seed: number | string, before = 0): Promise<Simulation> => {
	const simulation = new Simulation({
		seed,
		latency: jittered(uniform(5, 50), 10),
		cut: true,
		window: 1_000,
		trace: { every: 100 },
	});
	chatter(simulation, 12);
	const hosts = simulation.hosts.map(({ name }) => name);
	simulation.plan(randomFaults({ seed, hosts, until: 30_000, every: 500, lasts: [100, 3_000] }));
	// What the machine does besides must not matter.
	for (let i = 0; i < before; i++) await new Promise((resolve) => void setTimeout(resolve, 1));
	await simulation.run(15_000);
	for (let i = 0; i < before; i++) await new Promise((resolve) => void setTimeout(resolve, 1));
	await simulation.run(15_000);
	return simulation;
};

test("the same seed does the same, under whatever load", async () => {
	const [first, second, third] = await Promise.all([run(7), run(7, 5), run(7, 2)]);
	expect(first.trace.count).toBeGreaterThan(5_000);
	expect(second.traceHash).toBe(first.traceHash);
	expect(third.traceHash).toBe(first.traceHash);
	expect(second.trace.checkpoints).toEqual(first.trace.checkpoints);
	expect(second.faults).toEqual(first.faults);
});

test("another seed does something else", async () => {
	const runs = await Promise.all([1, 2, 3, "1", "two"].map((seed) => run(seed)));
	expect(new Set(runs.map(({ traceHash }) => traceHash)).size).toBe(5);
});

test("one byte more, or another byte, is another hash", () => {
	const hash = (bytes: Uint8Array, content = true): string => {
		const simulation = new Simulation({ seed: 1, trace: { content } });
		const [a, b] = [simulation.host("a"), simulation.host("b")];
		serve(simulation, b);
		dial(simulation, a, b).link?.send(bytes);
		simulation.advance(1_000);
		return simulation.traceHash;
	};
	const zeros = hash(new Uint8Array(9));
	expect(hash(new Uint8Array(9))).toBe(zeros);
	expect(hash(new Uint8Array(10))).not.toBe(zeros);
	expect(hash(new Uint8Array(10), false)).not.toBe(hash(new Uint8Array(9), false));
	for (const index of [0, 3, 4, 8]) {
		const other = new Uint8Array(9);
		other[index] = 1;
		expect(hash(other)).not.toBe(zeros);
		expect(hash(other, false)).toBe(hash(new Uint8Array(9), false));
	}
});

test("a host's chance does not depend on what others draw, nor on how many there are", () => {
	const draws = (others: number): number[] => {
		const simulation = new Simulation({ seed: 1 });
		const host = simulation.host("a");
		for (let i = 0; i < others; i++) simulation.host(`other ${i}`).random.bytes(100);
		return Array.from({ length: 5 }, () => host.random.next());
	};
	expect(draws(20)).toEqual(draws(0));
	const simulation = new Simulation({ seed: 1 });
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const first = a.random.next();
	expect(b.random.next()).not.toBe(first);
	expect(a.restart().random.next()).not.toBe(first);
});

test("chance is even, and bytes are of any length", () => {
	const random = new SeededRandom("a text");
	let sum = 0;
	const tenths = Array<number>(10).fill(0);
	for (let i = 0; i < 100_000; i++) {
		const value = random.next();
		sum += value;
		tenths[Math.floor(value * 10)]! += 1;
	}
	expect(sum / 100_000).toBeCloseTo(0.5, 2);
	for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(400);
	for (const length of [0, 1, 5, 8, 33]) expect(random.bytes(length)).toHaveLength(length);
	const ones = random.bytes(10_000).reduce((bits, byte) => bits + (byte & 1) + (byte >> 7), 0);
	expect(Math.abs(ones - 10_000)).toBeLessThan(300);
});

test("the trace tells what happened, to a sink and to a memory of a size", () => {
	const kinds: string[] = [];
	const simulation = new Simulation({
		seed: 1,
		trace: { keep: 3, sink: ({ kind, host }) => kinds.push(`${host} ${kind}`) },
	});
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	serve(simulation, b);
	dial(simulation, a, b).link?.send(new Uint8Array(4));
	simulation.advance(1_000);
	a.crash();
	simulation.advance(1_000);
	expect(kinds).toEqual([
		"a start",
		"b start",
		"a dial",
		"a send",
		"a open",
		"a drain",
		"b accept",
		"b data",
		" fault",
		"b close",
	]);
	expect(
		simulation.trace.recent.map(({ number, kind, at: when, link, size }) => ({
			number,
			kind,
			when,
			link,
			size,
		})),
	).toEqual([
		{ number: 7, kind: "data", when: 60, link: 1, size: 4 },
		{ number: 8, kind: "fault", when: 1_000, link: 0, size: 0 },
		{ number: 9, kind: "close", when: 1_020, link: 1, size: 0 },
	]);
	expect(at(a).port).toBe(7000);
});
