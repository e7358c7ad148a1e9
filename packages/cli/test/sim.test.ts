// `cicada sim`: what it tells is what happened, and the seed decides all of it.
import { expect, test } from "vitest";

import type { SimReport } from "../src/sim/scenarios.ts";
import { SimulatedSwarm } from "../src/sim/simulated-swarm.ts";
import { Traffic } from "../src/sim/traffic.ts";
import { run } from "./in-process.ts";

const SMALL = ["--peers", "24", "--messages", "60", "--json", "--seed"];

async function report(...options: string[]): Promise<SimReport> {
	const { code, stdout, stderr } = await run(["sim", ...options]);
	expect(code, stderr).toBe(0);
	expect(stdout.trimEnd().split("\n")).toHaveLength(1);
	expect(stderr).toContain("All messages delivered");
	return JSON.parse(stdout) as SimReport;
}

test("churn: peers die, leave and come, and what they send each other arrives", async () => {
	const churn = ["--minutes", "2", "--churn", "5", "--duplicates", "1"];
	const told = await report(...SMALL, "a", ...churn);
	const { died, left, joined, rounds } = told;
	expect(told).toMatchObject({ ok: true, failures: [], scenario: "churn", peers: 24, seed: "a" });
	expect([died + left, joined]).toEqual([10, 10]);
	expect(Math.min(died, left)).toBeGreaterThan(0);
	const [round] = rounds;
	expect(rounds).toHaveLength(1);
	expect(round).toMatchObject({ duplicates: 1 });
	expect((round?.sent ?? 0) + (round?.lostWithPeers ?? 0)).toBe(60);
	expect(round?.multiHop).toBeGreaterThan(0);
	expect(round?.broadcasts).toHaveLength(2);
	for (const { reached, expected } of round?.broadcasts ?? []) expect(reached).toBe(expected);
	expect(await report(...SMALL, "a", ...churn)).toEqual(told);
	expect(await report(...SMALL, "b", ...churn)).not.toMatchObject({ virtualMs: told.virtualMs });
});

test("resilience: many die at once; messages once each, and with duplicates", async () => {
	const told = await report("--scenario", "resilience", ...SMALL, "a", "--fail", "25");
	expect(told).toMatchObject({ ok: true, died: 6, left: 0, joined: 0 });
	expect(told.rounds.map(({ sent, delivered }) => [sent, delivered])).toEqual([
		[60, 60],
		[60, 60],
	]);
	expect(told.rounds.map(({ duplicates }) => duplicates)).toEqual([0, 2]);
	for (const { broadcasts } of told.rounds) {
		expect(broadcasts).toMatchObject([{ reached: 17, expected: 17 }]);
	}
});

test("what is not delivered is told, and so is what came twice", async () => {
	const swarm = new SimulatedSwarm("a", new AbortController().signal);
	await swarm.grow(4, () => {});
	const [first, ...others] = swarm.members;
	const traffic = new Traffic(swarm, 5_000);
	// Nobody hears anybody: what is sent now does not arrive, and nobody has died.
	for (const { host } of swarm.members) swarm.simulation.partition([host]);
	traffic.send(0);
	traffic.broadcast();
	await swarm.run(40_000);
	await traffic.settled();
	expect(traffic.sendings).toMatchObject([{ delivered: false }]);
	expect(traffic.failures).toEqual([
		expect.stringMatching(/^a broadcast reached 0 of 3/),
		expect.stringMatching(/^message 0 to peer \d: /),
	]);
	swarm.simulation.heal();
	await swarm.run(60_000);
	const again = new Traffic(swarm, 5_000);
	again.send(0);
	await again.settled();
	expect(again.failures).toEqual([]);
	for (const member of [first, ...others]) member?.received.push(0);
	expect(again.failures).toEqual([expect.stringMatching(/acknowledged, and received 2 times$/)]);
});

test("people get a table; wrong options are told; it can be interrupted", async () => {
	const { code, stdout } = await run(["sim", "--peers", "6", "--messages", "3", "--minutes", "1"]);
	expect(code).toBe(0);
	expect(stdout).toMatch(/under churn +3 +3 /);
	expect(stdout).not.toContain("\u001b");
	expect((await run(["sim", "--peers", "3"])).code).toBe(2);
	expect((await run(["sim", "--scenario", "flood"])).stderr).toMatch(/churn, resilience/);
	const long = ["sim", "--peers", "6", "--minutes", "1440"];
	expect((await run(long, "formed")).code).toBe(130);
});
