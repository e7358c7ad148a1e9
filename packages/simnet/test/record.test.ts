import { expect, test } from "vitest";

import {
	type Case,
	randomFaults,
	record,
	type Recording,
	replay,
	runCase,
	type Scenario,
	uniform,
} from "../src/index.ts";
import { chatter } from "./programs.ts";

const scenario: Scenario = {
	options: { latency: uniform(5, 50) },
	setup: (simulation, { nodes }) => chatter(simulation, nodes),
};

const hosts = Array.from({ length: 6 }, (_, i) => `h${i}`);

const given: Case = {
	seed: 5,
	nodes: 6,
	duration: 5_000,
	faults: randomFaults({ seed: 5, hosts, until: 5_000, every: 500, lasts: [100, 1_000] }),
};

test("a recording survives JSON, and its replay does the same", async () => {
	const recording = JSON.parse(JSON.stringify(await record(scenario, given))) as Recording;
	expect(recording.events).toBeGreaterThan(500);
	expect(recording.checkpoints).toHaveLength(recording.events);
	const again = await replay(scenario, recording);
	expect(again).toMatchObject({ same: true, hash: recording.hash, divergence: undefined });
});

test("a changed program is found out, at the first event that differs", async () => {
	const recording = await record(scenario, given);
	const changed: Scenario = {
		...scenario,
		setup: (simulation, { nodes }) => {
			chatter(simulation, nodes);
			simulation.schedule(2_000, () => simulation.find("h3")?.clock.defer(() => undefined));
			simulation.schedule(2_500, () => simulation.find("h3")?.clock.schedule(1, () => undefined));
		},
	};
	const { same, divergence } = await replay(changed, recording);
	expect(same).toBe(false);
	expect(divergence?.actual).toHaveLength(1);
	expect(divergence?.actual[0]).toMatchObject({ at: 2_501, kind: "timer", host: "h3" });
	expect(divergence?.agreed).toBe(divergence?.actual[0]?.number);

	const coarse = await replay(changed, await record(scenario, given, 50));
	expect(coarse.divergence?.actual).toHaveLength(50);
	expect(coarse.divergence?.actual).toContainEqual(divergence?.actual[0]);
});

test("a run that ends earlier or later is another", async () => {
	const recording = await record(scenario, given);
	const shorter = { ...recording, given: { ...given, duration: 4_000 } };
	await expect(replay(scenario, shorter)).resolves.toMatchObject({
		same: false,
		divergence: { actual: [] },
	});
	const longer = { ...recording, given: { ...given, duration: 6_000 } };
	const { divergence } = await replay(scenario, longer);
	expect(divergence?.agreed).toBe(recording.events);
});

test("faults are part of it", async () => {
	const recording = await record(scenario, given);
	const [, ...fewer] = given.faults;
	const other = { ...recording, given: { ...given, faults: fewer } };
	const { divergence } = await replay(scenario, other);
	expect(divergence).toBeDefined();
});

test("a failure is given back and recorded, whether the end or a host fails", async () => {
	const failing: Scenario = {
		...scenario,
		check: ({ now }) => {
			throw new Error(`wrong at ${now}`);
		},
	};
	const { failure } = await record(failing, given);
	expect(failure).toBe("wrong at 5000");
	const throwing: Scenario = {
		promises: false,
		setup: (simulation) =>
			void simulation.host("a").clock.schedule(7, () => {
				throw new Error("oracle");
			}),
	};
	const outcome = await runCase(throwing, given);
	expect(outcome.failure?.message).toBe("oracle");
	expect(outcome.simulation.now).toBe(7);
});

test("faults of hosts that do not exist are passed over, or apply to those that do", async () => {
	const { simulation, failure } = await runCase(scenario, {
		seed: 1,
		nodes: 2,
		duration: 100,
		faults: [
			{ at: 1, kind: "crash", host: "h5" },
			{ at: 2, kind: "partition", from: ["h0", "h4"], to: ["h1", "h5"] },
			{ at: 3, kind: "halfOpen", from: "h0", to: "h5" },
			{ at: 4, kind: "break", a: "h5", b: "h0" },
			{ at: 5, kind: "partition", from: ["h5"] },
			{ at: 6, kind: "heal" },
		],
	});
	expect(failure).toBeUndefined();
	expect(simulation.faults).toEqual([
		{ at: 2, kind: "partition", from: ["h0"], to: ["h1"] },
		{ at: 5, kind: "partition", from: [] },
		{ at: 6, kind: "heal" },
	]);
});
