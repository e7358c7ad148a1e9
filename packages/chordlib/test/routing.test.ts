import { uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	type ChordError,
	Hash,
	type LocalNode,
	type LocalNodeOptions,
	type Routed,
	defineNotice,
	text,
	u8,
} from "../src/index.ts";
import { Ring, after, nameOf } from "./ring.ts";

/** So near that fingers are not chosen among others: links are few, and routes long. */
const latency = uniform(1, 4);
const letter = defineNotice("test/letter", text(100));

interface Arrival extends Routed {
	readonly at: LocalNode;
	readonly value: string;
}

/** A ring of nodes that each know few others, so that routes are long; and what arrives in it. */
async function postOffice(
	seed: number,
	size: number,
	options: LocalNodeOptions = {},
): Promise<{ ring: Ring; arrivals: Arrival[] }> {
	const ring = new Ring(seed, { latency, successors: 2, ...options });
	await ring.grow(size, { near: true });
	await ring.simulation.run(60_000);
	const arrivals: Arrival[] = [];
	for (const at of ring.nodes) {
		at.handleRouted(letter, (value, routed) => arrivals.push({ ...routed, at, value }));
	}
	return { ring, arrivals };
}

function isPeer(node: LocalNode, other: LocalNode): boolean {
	return node.peers.some(({ hash }) => hash.equals(other.hash));
}

test("a routed message reaches its target, and nobody else, however many hops away", async () => {
	const { ring, arrivals } = await postOffice(1, 48);
	const [sender, ...targets] = ring.sorted;
	if (sender === undefined) throw new Error("no ring");
	for (const target of targets) expect(sender.route(target.hash, letter, "hi")).toBe(true);
	await ring.simulation.run(5_000);
	expect(arrivals.map(({ at }) => nameOf(at)).toSorted()).toEqual(targets.map(nameOf).toSorted());
	for (const { at, target, exact, origin, hops } of arrivals) {
		expect(target.equals(at.hash)).toBe(true);
		expect(exact).toBe(true);
		expect(origin.hash.equals(sender.hash)).toBe(true);
		expect(hops === 1).toBe(isPeer(sender, at));
	}
	expect(arrivals.some(({ hops }) => hops >= 3)).toBe(true);
});

test("who hands a routed message over is told apart from who sent it", async () => {
	const { ring, arrivals } = await postOffice(2, 32);
	const [sender, ...targets] = ring.sorted;
	if (sender === undefined) throw new Error("no ring");
	for (const target of [sender, ...targets]) sender.route(target.hash, letter, "hi");
	await ring.simulation.run(5_000);
	expect(arrivals).toHaveLength(32);
	for (const { at, hops, origin, via } of arrivals) {
		expect(origin.hash.equals(sender.hash)).toBe(true);
		expect(via === undefined).toBe(hops === 0);
		if (via === undefined) continue;
		expect(at.peers.some(({ hash }) => hash.equals(via.hash))).toBe(true);
		expect(via.hash.equals(sender.hash)).toBe(hops === 1);
	}
});

test("what is meant for an id that nobody has comes to the node that owns it", async () => {
	const { ring, arrivals } = await postOffice(2, 24);
	const { sorted } = ring;
	for (const node of sorted) {
		sorted[0]?.route(after(node.hash, -1n), letter, nameOf(node));
		sorted[5]?.route(after(node.hash, 1n), letter, nameOf(ring.owner(after(node.hash, 1n))));
	}
	await ring.simulation.run(5_000);
	expect(arrivals).toHaveLength(48);
	for (const { at, value, exact } of arrivals) {
		expect([value, exact]).toEqual([nameOf(at), false]);
	}
});

test("a message to oneself arrives, with no hop, after route has returned", async () => {
	const { ring, arrivals } = await postOffice(3, 4);
	const [node] = ring.sorted;
	expect(node?.route(node.hash, letter, "me")).toBe(true);
	expect(arrivals).toEqual([]);
	await ring.simulation.run(0);
	expect(arrivals).toMatchObject([{ value: "me", hops: 0, exact: true }]);
});

test("a node alone gets whatever it routes", async () => {
	const { ring, arrivals } = await postOffice(3, 1);
	expect([...ring.nodes][0]?.route(new Hash({ value: "x" }), letter, "mine")).toBe(true);
	await ring.simulation.run(0);
	expect(arrivals).toMatchObject([{ value: "mine", hops: 0, exact: false }]);
});

test("with via the first link is the one to that peer, even backwards", async () => {
	const { ring, arrivals } = await postOffice(4, 24);
	const [sender, target] = ring.sorted;
	if (sender === undefined || target === undefined) throw new Error("no ring");
	const { predecessor } = sender;
	if (predecessor === undefined) throw new Error("no predecessor");
	expect(sender.route(target.hash, letter, "near")).toBe(true);
	await ring.simulation.run(5_000);
	expect(sender.route(target.hash, letter, "far", { via: predecessor })).toBe(true);
	await ring.simulation.run(5_000);
	expect(arrivals).toMatchObject([
		{ value: "near", hops: 1 },
		{ value: "far", exact: true },
	]);
	expect(arrivals[1]?.hops).toBeGreaterThan(1);
});

test("via a node to which there is no link goes nowhere, and says so", async () => {
	const { ring, arrivals } = await postOffice(4, 24);
	const [sender, target] = ring.sorted;
	const stranger = ring.sorted.find((node) => sender !== node && sender && !isPeer(sender, node));
	if (stranger === undefined || target === undefined) throw new Error("everyone has links");
	expect(sender?.route(target.hash, letter, "x", { via: stranger })).toBe(false);
	await ring.simulation.run(5_000);
	expect(arrivals).toEqual([]);
});

test("a message that has crossed as many links as the hop limit allows goes no further", async () => {
	const { ring, arrivals } = await postOffice(1, 48, { successors: 1, limits: { hops: 3 } });
	const [sender, ...targets] = ring.sorted;
	if (sender?.predecessor === undefined) throw new Error("no ring");
	// By way of the predecessor they go nearly once around.
	const { predecessor: via } = sender;
	for (const { hash } of targets) sender.route(hash, letter, "hi", { via });
	await ring.simulation.run(5_000);
	expect(Math.max(...arrivals.map(({ hops }) => hops))).toBe(3);
	expect(arrivals.length).toBeLessThan(47);
});

test("a lookup that would cross more links than the hop limit allows fails, either way", async () => {
	const ring = new Ring(1, { latency, successors: 1, limits: { hops: 3 } });
	await ring.grow(40, { near: true });
	await ring.simulation.run(10_000);
	const { sorted } = ring;
	for (const mode of ["recursive", "iterative"] as const) {
		const outcomes = new Set<string>();
		const lookup = async (node: LocalNode, id: Hash): Promise<void> => {
			const outcome = await node.lookup(id, { mode }).then(
				(found) => found.hops,
				(error: ChordError) => error.code,
			);
			outcomes.add(String(outcome));
		};
		const some = sorted.slice(0, 10);
		const lookups = some.flatMap((node) => sorted.map(({ hash }) => lookup(node, hash)));
		await ring.until(Promise.all(lookups));
		expect([...outcomes].toSorted()).toEqual(["0", "1", "2", "3", "NO_ROUTE"]);
	}
});

test("a lookup counts the links that it crossed: none to oneself, one to a neighbour, more to others", async () => {
	const ring = new Ring(5, { latency, successors: 2 });
	await ring.grow(24);
	await ring.simulation.run(60_000);
	const [node] = ring.sorted;
	if (node?.successor === undefined) throw new Error("no ring");
	for (const mode of ["recursive", "iterative"] as const) {
		const hopsTo = async (id: Hash): Promise<number> =>
			(await ring.until(node.lookup(id, { mode }))).hops;
		expect(await hopsTo(node.hash)).toBe(0);
		expect(await hopsTo(node.successor.hash)).toBe(1);
		const all: number[] = [];
		for (const { hash } of ring.sorted) all.push(await hopsTo(hash));
		expect(Math.max(...all)).toBeGreaterThan(1);
		expect(Math.max(...all)).toBeLessThan(10);
	}
});

test("a message goes round links that are dead, once that is known", async () => {
	const { ring, arrivals } = await postOffice(6, 24);
	const [sender, victim, ...others] = ring.sorted;
	if (sender === undefined || victim === undefined) throw new Error("no ring");
	ring.crash(victim);
	await ring.settle();
	for (const { hash } of others) expect(sender.route(hash, letter, "hi")).toBe(true);
	expect(sender.route(victim.hash, letter, "late")).toBe(true);
	await ring.simulation.run(5_000);
	expect(arrivals.filter(({ value }) => value === "hi")).toHaveLength(others.length);
	const late = arrivals.find(({ value }) => value === "late");
	expect(nameOf(late?.at)).toBe(nameOf(ring.owner(victim.hash)));
	expect(late?.exact).toBe(false);
});

test("a routed body that makes no sense is dropped, and is no error of the program's", async () => {
	const { ring } = await postOffice(3, 4);
	const [sender, target] = ring.sorted;
	const errors: unknown[] = [];
	const arrived: number[] = [];
	target?.on("error", (error) => errors.push(error));
	target?.handleRouted(defineNotice("test/number", u8), (value) => arrived.push(value));
	sender?.route(target?.hash ?? sender.hash, defineNotice("test/number", text(9)), "word");
	await ring.simulation.run(1_000);
	expect([errors, arrived]).toEqual([[], []]);
});

test("what does not fit a frame is refused at once, wherever it is for", async () => {
	const { ring } = await postOffice(7, 4);
	const huge = defineNotice("test/huge", text(1_000_000));
	const [node] = ring.sorted;
	for (const target of ring.sorted) {
		expect(() => node?.route(target.hash, huge, "x".repeat(65_536))).toThrow(
			expect.objectContaining({ code: "TOO_LARGE" }),
		);
	}
	expect(node?.peers).toHaveLength(3);
});
