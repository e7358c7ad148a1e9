import { uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import type { LocalNode } from "../src/index.ts";
import { Ring } from "./ring.ts";
import { assertForSeeds } from "./seeds.ts";

const FILE = "merge.test.ts";
const latency = uniform(5, 50);

function only<T>(value: T | undefined): T {
	if (value === undefined) throw new Error("nobody is there");
	return value;
}

/** Two rings on one network that have never met; the first node of each. */
async function twoRings(seed: number, size: number): Promise<[Ring, LocalNode, LocalNode]> {
	const ring = new Ring(seed, { latency, successors: 4 });
	const [first] = await ring.grow(size);
	const other = await ring.add("other 0");
	for (let i = 1; i < size; i++) {
		const node = await ring.add(`other ${i}`);
		await ring.until(node.joinRing(other.address));
	}
	return [ring, only(first), other];
}

test("two rings of which one node joins the other become one ring", async () => {
	await assertForSeeds(FILE, 10, async (seed) => {
		const [ring, first, other] = await twoRings(seed, 12);
		expect(ring.flaw()).toBeDefined();
		await ring.until(other.joinRing(first.address));
		await ring.settle(60_000);
		expect(await ring.wrongLookups()).toEqual([]);
	});
});

test("halves that cannot reach each other become two rings, and one again once they can", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const ring = new Ring(seed, { latency, successors: 4 });
		await ring.grow(16);
		const hosts = [...ring.nodes].map((node) => ring.hostOf(node));
		ring.simulation.partition(hosts.slice(0, 8), hosts.slice(8));
		await ring.simulation.run(120_000);
		expect(ring.flaw()).toBeDefined();
		ring.simulation.heal();
		await ring.settle(300_000);
		expect(await ring.wrongLookups()).toEqual([]);
	});
});

test("of two that join through each other one becomes the first, and the other joins it", async () => {
	await assertForSeeds(FILE, 20, async (seed) => {
		const ring = new Ring(seed, { latency });
		const [a, b] = [await ring.add(`a ${seed}`), await ring.add(`b ${seed}`)];
		await ring.until(Promise.all([a.joinRing(b.address), b.joinRing(a.address)]));
		await ring.settle(5_000);
	});
});

test("a member that joins through a node in no ring is told so, and keeps its ring", async () => {
	const ring = new Ring(1, { latency });
	const [member] = await ring.grow(3);
	const loner = await ring.add("loner");
	await expect(ring.until(only(member).joinRing(loner.address))).rejects.toMatchObject({
		code: "NOT_MEMBER",
	});
	ring.crash(loner);
	await ring.settle(0);
});

test("who has just left is nobody's first node, and may be again when all have noticed", async () => {
	const ring = new Ring(1, { latency });
	const [leaver] = await ring.grow(4);
	await ring.until(only(leaver).leaveRing());
	const joiner = await ring.add("joiner");
	await expect(
		ring.until(joiner.joinRing(only(leaver).address, { timeout: 2_000 })),
	).rejects.toMatchObject({ name: "ChordError" });
	expect(only(leaver).standing).toBe("outside");
	await ring.simulation.run(20_000);
	await ring.until(joiner.joinRing(only(leaver).address));
	expect(joiner.successor?.hash.equals(only(leaver).hash)).toBe(true);
});

test("of a circle of nodes that join through each other one becomes the first, and the others join it", async () => {
	for (const size of [3, 5]) {
		await assertForSeeds(FILE, 10, async (seed) => {
			const ring = new Ring(seed, { latency });
			const nodes: LocalNode[] = [];
			for (let i = 0; i < size; i++) nodes.push(await ring.add(`${seed} ${i}`));
			const joins = nodes.map((node, i) => node.joinRing(only(nodes[(i + 1) % size]).address));
			await ring.until(Promise.all(joins));
			await ring.settle(10_000);
		});
	}
});

test("leaving in the same tick as joining ends the join", async () => {
	const ring = new Ring(1, { latency });
	const [member] = await ring.grow(3);
	const joiner = await ring.add("joiner");
	const join = joiner.joinRing(only(member).address);
	const left = joiner.leaveRing();
	await expect(ring.until(join)).rejects.toMatchObject({ code: "CLOSED" });
	await ring.until(left);
	await ring.simulation.run(5_000);
	expect([joiner.standing, joiner.peers.length]).toEqual(["outside", 0]);
});
