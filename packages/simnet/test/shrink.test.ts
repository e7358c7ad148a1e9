import { expect, test } from "vitest";

import {
	type Case,
	randomFaults,
	runCase,
	type Scenario,
	shrink,
	shrinkList,
	type TimedFault,
	TROUBLES,
} from "../src/index.ts";

test("a list shrinks to what it takes to fail, in its order", async () => {
	const items = Array.from({ length: 100 }, (_, i) => i);
	const needs =
		(...wanted: number[]) =>
		(part: readonly number[]): boolean =>
			wanted.every((item) => part.includes(item));
	await expect(shrinkList(items, needs(17))).resolves.toEqual([17]);
	await expect(shrinkList(items, needs(3, 50, 99))).resolves.toEqual([3, 50, 99]);
	await expect(shrinkList(items, needs())).resolves.toEqual([]);
	await expect(shrinkList([], needs())).resolves.toEqual([]);
	await expect(shrinkList([7], needs(7))).resolves.toEqual([7]);
	const pairs = await shrinkList(items, (part) => part.length >= 2);
	expect(pairs).toHaveLength(2);
});

test("a failing case shrinks to few faults, few nodes and little time", async () => {
	// Wrong when h2 is paused while h1 is down.
	const scenario: Scenario = {
		promises: false,
		setup(simulation, { nodes }) {
			for (let i = 0; i < nodes; i++) simulation.host(`h${i}`);
			const down = new Set<string>();
			const look = (): void => {
				down.clear();
				for (const fault of simulation.faults) {
					if (fault.kind === "crash" || fault.kind === "pause")
						down.add(`${fault.kind} ${fault.host}`);
					if (fault.kind === "restart") down.delete(`crash ${fault.host}`);
					if (fault.kind === "resume") down.delete(`pause ${fault.host}`);
				}
				if (down.has("crash h1") && down.has("pause h2")) throw new Error("both");
				simulation.schedule(simulation.now + 1, look);
			};
			look();
		},
	};
	const noise: TimedFault[] = Array.from({ length: 40 }, (_, i) => ({
		at: 10 * i,
		kind: "lag",
		host: `h${i % 10}`,
		ms: i,
	}));
	const faults: TimedFault[] = [
		...noise.slice(0, 20),
		{ at: 100, kind: "crash", host: "h1" },
		...noise.slice(20),
		{ at: 300, kind: "pause", host: "h2" },
	];
	const given: Case = { seed: 1, nodes: 10, duration: 5_000, faults };
	const fails = async (one: Case): Promise<boolean> =>
		(await runCase(scenario, one)).failure?.message === "both";
	const small = await shrink(given, fails);
	expect(small).toEqual({
		seed: 1,
		nodes: 3,
		duration: 300,
		faults: [
			{ at: 100, kind: "crash", host: "h1" },
			{ at: 300, kind: "pause", host: "h2" },
		],
	});
});

test("random faults follow from the seed, come in order, and are mended in time", () => {
	const hosts = Array.from({ length: 10 }, (_, i) => `h${i}`);
	const options = { hosts, from: 1_000, until: 600_000, every: 1_000 };
	const faults = randomFaults({ ...options, seed: 1 });
	expect(randomFaults({ ...options, seed: 1 })).toEqual(faults);
	expect(randomFaults({ ...options, seed: 2 })).not.toEqual(faults);
	expect(faults.length).toBeGreaterThan(600);
	expect(faults.every(({ at }) => at >= 1_000 && at <= 600_000)).toBe(true);
	expect(faults.map(({ at }) => at)).toEqual(faults.map(({ at }) => at).toSorted((a, b) => a - b));
	expect(new Set(faults.map(({ kind }) => kind)).size).toBe(11);
	const open = new Set<string>();
	for (const fault of faults) {
		if (fault.kind === "crash") open.add(`crash ${fault.host}`);
		if (fault.kind === "restart") open.delete(`crash ${fault.host}`);
		if (fault.kind === "pause") open.add(`pause ${fault.host}`);
		if (fault.kind === "resume") open.delete(`pause ${fault.host}`);
		if (fault.kind === "partition") open.add(`partition ${fault.name}`);
		if (fault.kind === "heal") open.delete(`partition ${fault.name}`);
		if (fault.kind === "slow" || fault.kind === "lag") {
			if (fault.ms > 0) open.add(`${fault.kind} ${fault.host}`);
			else open.delete(`${fault.kind} ${fault.host}`);
		}
		if (fault.kind === "skew" && fault.rate !== undefined) {
			if (fault.rate === 1) open.delete(`skew ${fault.host}`);
			else open.add(`skew ${fault.host}`);
		}
	}
	expect([...open]).toEqual([]);
	expect(TROUBLES).toHaveLength(11);
	const only = randomFaults({ ...options, seed: 1, kinds: ["pause"] });
	expect(new Set(only.map(({ kind }) => kind))).toEqual(new Set(["pause", "resume"]));
	expect(() => randomFaults({ ...options, seed: 1, every: 0 })).toThrow("chaos");
});
