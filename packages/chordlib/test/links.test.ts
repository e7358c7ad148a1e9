import { uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Hash, type LocalNode, defineRequest, nothing, text } from "../src/index.ts";
import { Ring, nameOf } from "./ring.ts";
import { assertForSeeds } from "./seeds.ts";
import { GOODBYE, HELLO, IDENTIFY, Stranger, identify } from "./stranger.ts";

const FILE = "links.test.ts";
const echo = defineRequest("test/echo", { request: text(100), response: text(100) });
const slow = defineRequest("test/slow", { request: nothing, response: nothing });

/** Has each node ask each other one at about the same time, when there are no links yet. */
async function meetAtOnce(ring: Ring, nodes: readonly LocalNode[], spread: number): Promise<void> {
	const { random } = ring.simulation;
	for (const node of nodes) {
		node.handle(echo, (value, { peer }) => `${value} to ${nameOf(peer)}`);
	}
	const ask = async (from: LocalNode, to: LocalNode): Promise<void> => {
		expect(await from.request(to, echo, "hello")).toBe(`hello to ${nameOf(from)}`);
	};
	const asked: Promise<void>[] = [];
	for (const from of nodes) {
		for (const to of nodes) {
			if (from === to) continue;
			await ring.simulation.run(random.next() * spread);
			asked.push(ask(from, to), ask(from, to));
		}
	}
	await ring.until(Promise.all(asked));
}

/** Lets go of the link as soon as it is asked something. */
class Leaver extends Stranger {
	asked = false;

	override data(chunk: Uint8Array): void {
		super.data(chunk);
		// A length, and the kind of a request.
		if (this.asked || chunk[4] !== 1) return;
		this.asked = true;
		this.say("000000020802");
		this.link?.close();
	}
}

test("nodes that dial each other at once end with one link to each, and every request is answered", async () => {
	await assertForSeeds(FILE, 200, async (seed) => {
		const ring = new Ring(seed, { latency: uniform(5, 50) });
		const count = 2 + (seed % 3);
		const nodes: LocalNode[] = [];
		for (let i = 0; i < count; i++) nodes.push(await ring.add(`${seed} ${i}`));
		await meetAtOnce(ring, nodes, [0, 1, 10, 40][seed % 4] ?? 0);
		await ring.simulation.run(3_000);
		for (const node of nodes) {
			expect(node.peers.map(nameOf).toSorted()).toEqual(
				nodes
					.filter((other) => other !== node)
					.map(nameOf)
					.toSorted(),
			);
			expect(ring.hostOf(node).links).toBe(count - 1);
		}
	});
});

test("of two dials at once, the one of the node with the lower id stays", async () => {
	const ring = new Ring(1);
	const [a, b] = [await ring.add("a"), await ring.add("b")];
	const accepted = new Map<LocalNode, boolean[]>([
		[a, []],
		[b, []],
	]);
	for (const node of [a, b]) node.on("link", (event) => accepted.get(node)?.push(event.accepted));
	await meetAtOnce(ring, [a, b], 0);
	const lower = a.hash.compare(b.hash) < 0 ? a : b;
	expect(accepted.get(lower)).toEqual([false]);
	expect(accepted.get(lower === a ? b : a)).toEqual([true]);
});

test("a node whose dial was turned away gets the other end's link, or hears in the end that there is none", async () => {
	const ring = new Ring(1, { limits: { dialTimeout: 3_000 } });
	const node = await ring.add("node");
	// It claims to be dialling us, and never does.
	const { address } = await Stranger.listen(ring.host("liar"), `${HELLO}000000020804`);
	const start = ring.simulation.now;
	await expect(ring.until(node.joinRing(address))).rejects.toMatchObject({ code: "UNREACHABLE" });
	expect(ring.simulation.now - start).toBeLessThan(3_200);
	await ring.simulation.run(1_000);
	expect(ring.hostOf(node).links).toBe(0);
});

test("a node whose dial was turned away dials once more when the other end's link does not come: that was dead", async () => {
	const ring = new Ring(1, { limits: { dialTimeout: 3_000 } });
	const node = await ring.add("node");
	const host = ring.host("peer");
	const { address, met } = await Stranger.listen(host, HELLO);
	const linked = node.link(address);
	await ring.simulation.run(100);
	met[0]?.say(GOODBYE.duplicate);
	await ring.simulation.run(3_100);
	expect(met).toHaveLength(2);
	met[1]?.say(identify("ff", host.ip));
	const { peer } = await ring.until(linked);
	expect(peer?.hash.toString()).toBe("ff".repeat(32));
});

test("who was turned away is not dialled again for nobody; who comes meanwhile waits for the same", async () => {
	const ring = new Ring(1, { limits: { dialTimeout: 3_000 } });
	const node = await ring.add("node");
	const { address, met } = await Stranger.listen(ring.host("liar"), HELLO + GOODBYE.duplicate);
	const outcome = (timeout: number): Promise<unknown> =>
		node.link(address, { timeout }).catch((error: { code: string }) => error.code);
	const impatient = outcome(500);
	await ring.simulation.run(10_000);
	expect([await impatient, met.length]).toEqual(["TIMEOUT", 1]);
	const first = outcome(60_000);
	await ring.simulation.run(1_000);
	const second = outcome(60_000);
	await ring.simulation.run(2_500);
	expect([await first, await second, met.length]).toEqual(["UNREACHABLE", "UNREACHABLE", 3]);
	await ring.simulation.run(10_000);
	expect(met).toHaveLength(3);
});

test("a node that closes while it waits for the other end's link leaves nothing that is to happen", async () => {
	const ring = new Ring(1, { limits: { dialTimeout: 60_000 } });
	const node = await ring.add("node");
	const { address } = await Stranger.listen(ring.host("liar"), HELLO + GOODBYE.duplicate);
	const joined = node.joinRing(address).catch((error: { code: string }) => error.code);
	await ring.simulation.run(100);
	await node.close();
	expect(await joined).toBe("CLOSED");
	expect(ring.timersOf(node)).toBe(0);
});

test("a link that was replaced ends once what is under way on it has been answered", async () => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	const [first, second] = ["one", "two"].map((name) => ring.host(name));
	if (first === undefined || second === undefined) throw new Error("no hosts");
	const older = Stranger.dial(first, node.address, HELLO + IDENTIFY);
	await ring.simulation.run(100);
	const [peer] = node.peers;
	if (peer === undefined) throw new Error("no peer");
	const asked = node.request(peer, slow, undefined);
	await ring.simulation.run(100);
	const newer = Stranger.dial(second, node.address, HELLO + IDENTIFY);
	await ring.simulation.run(5_000);
	expect([node.peers.length, older.end, newer.end]).toEqual([1, "", ""]);
	older.say("000000050200000001");
	await ring.until(asked);
	await ring.simulation.run(5_000);
	expect(older.heard.endsWith(GOODBYE.replaced)).toBe(true);
	expect([node.peers.length, older.end, newer.end]).toEqual([1, "in good order", ""]);
});

test("a link that was replaced, and that nothing is under way on, stays for what may still be coming over it", async () => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	node.handle(echo, (value) => value);
	const older = Stranger.dial(ring.host("one"), node.address, HELLO + IDENTIFY);
	await ring.simulation.run(2_400);
	Stranger.dial(ring.host("two"), node.address, HELLO + IDENTIFY);
	// Sent before its sender could know that the link is replaced.
	const tag = echo.tag.toString(16).padStart(8, "0");
	await ring.simulation.run(50);
	older.say(`0000000f0100000001${tag}000027100161`);
	await ring.simulation.run(100);
	expect(older.heard.endsWith("0000000702000000010161")).toBe(true);
	await ring.simulation.run(10_000);
	expect(older.end).toBe("in good order");
});

test("a peer that dials though there is a link has perhaps lost it: the link must show life, or goes", async () => {
	for (const alive of [true, false]) {
		const ring = new Ring(1);
		const node = await ring.add("node");
		const host = ring.host("peer");
		const greeting = HELLO + identify("ff", host.ip);
		const { met } = await Stranger.listen(host, greeting);
		const peer = {
			hash: new Hash({ hashed: "ff".repeat(32) }),
			address: { host: host.ip, port: 7000 },
		};
		const asked = node
			.request(peer, slow, undefined)
			.catch((error: { code: string }) => error.code);
		await ring.simulation.run(100);
		// Ours is the lower id, and ours the link that stays: the other end's is one too many.
		const again = Stranger.dial(host, node.address, greeting);
		await ring.simulation.run(100);
		expect(again.heard).toBe(HELLO + GOODBYE.duplicate);
		expect(met[0]?.heard.endsWith("0000000106")).toBe(true);
		if (alive) met[0]?.say("0000000107");
		await ring.simulation.run(2_000);
		expect(node.peers).toHaveLength(alive ? 1 : 0);
		if (alive) met[0]?.link?.close();
		expect(await ring.until(asked)).toBe("CLOSED");
	}
});

test("when a peer dials again because it has lost its link, the new one takes over", async () => {
	await assertForSeeds(FILE, 20, async (seed) => {
		const ring = new Ring(seed, { latency: uniform(5, 50) });
		const [a, b] = [await ring.add(`a${seed}`), await ring.add(`b${seed}`)];
		await ring.until(a.joinRing(b.address));
		await ring.settle();
		const { simulation } = ring;
		// One end's machine loses its links without a word; what runs on it starts anew.
		const host = ring.hostOf(b);
		simulation.partition([host]);
		host.crash();
		host.restart();
		simulation.heal();
		const again = await ring.add(`b${seed}`, {}, host);
		ring.nodes.delete(b);
		await ring.until(again.joinRing(a.address, { timeout: 30_000 }));
		await ring.settle();
		await simulation.run(5_000);
		expect([a.peers.length, again.peers.length]).toEqual([1, 1]);
		expect(ring.hostOf(a).links).toBe(1);
	});
});

test("a link to an earlier life of a node, from which something came just now, does not stand in for the node", async () => {
	const ring = new Ring(1);
	const [asker, other] = [await ring.add("asker"), await ring.add("other")];
	const before = await ring.add("restarts");
	const host = ring.hostOf(before);
	before.handle(echo, (value) => `${value} before`);
	expect(await ring.until(asker.request(before, echo, "heard"))).toBe("heard before");
	// Nobody hears of the end of its links.
	ring.simulation.partition([host]);
	host.crash();
	host.restart();
	ring.simulation.heal();
	const now = await ring.add("restarts", {}, host);
	now.handle(echo, (value) => `${value} now`);
	await ring.until(other.request(now, echo, "hello"));
	const [meant] = other.peers;
	if (meant === undefined) throw new Error("no peer");
	expect(await ring.until(asker.request(meant, echo, "and"))).toBe("and now");
});

test("who means an earlier life of a node hears that it is gone, and the link to the present one stays", async () => {
	const ring = new Ring(1);
	const asker = await ring.add("asker");
	const host = ring.host("restarts");
	const before = await ring.add("restarts", {}, host);
	before.handle(echo, (value) => value);
	await ring.until(asker.request(before, echo, "hello"));
	const [meant] = asker.peers;
	if (meant === undefined) throw new Error("no peer");
	host.crash();
	host.restart();
	await ring.simulation.run(100);
	const now = await ring.add("restarts", {}, host);
	now.handle(echo, (value) => value);
	await ring.until(asker.request(now, echo, "hello"));
	const events: string[] = [];
	for (const event of ["link", "unlink"] as const) asker.on(event, () => events.push(event));
	const start = ring.simulation.now;
	await expect(ring.until(asker.request(meant, echo, "hello"))).rejects.toMatchObject({
		code: "UNREACHABLE",
	});
	// It took one question over the link that is there.
	expect(ring.simulation.now - start).toBe(20);
	expect([events, host.links]).toEqual([[], 1]);
});

test("a sign of life is one that came after the question: what was under way before proves nothing", async () => {
	const ring = new Ring(1);
	const asker = await ring.add("asker");
	const [older, newer] = [ring.host("older"), ring.host("newer")];
	const first = Stranger.dial(older, asker.address, HELLO + identify("ff", newer.ip));
	await ring.simulation.run(100);
	const [meant] = asker.peers;
	if (meant === undefined) throw new Error("no peer");
	first.link?.close();
	await ring.simulation.run(100);
	// Another life of it, over which something comes that is no answer, and then nothing any more.
	const second = Stranger.dial(newer, asker.address, HELLO + identify("ff", newer.ip, 8));
	await ring.simulation.run(100);
	const asked = asker
		.request(meant, slow, undefined)
		.catch((error: { code: string }) => error.code);
	second.say("0000000106");
	await ring.simulation.run(100);
	const greeting = HELLO + identify("ff", newer.ip);
	const { met } = await Stranger.listen(newer, greeting);
	second.link?.close();
	await ring.simulation.run(100);
	expect(met).toHaveLength(1);
	met[0]?.say("000000050200000001");
	expect(await ring.until(asked)).toBeUndefined();
});

test("a link that nothing comes over is asked for a sign of life, and closed when there is none", async () => {
	const ring = new Ring(1);
	const [a, b] = await ring.grow(2);
	if (a === undefined || b === undefined) throw new Error("no ring");
	await ring.simulation.run(60_000);
	expect(a.peers).toHaveLength(1);
	const gone: string[] = [];
	a.on("unlink", ({ peer }) => gone.push(nameOf(peer)));
	ring.crash(b, { silent: true });
	await ring.simulation.run(20_000);
	expect(gone).toEqual([nameOf(b)]);
	expect(a.successor).toBeUndefined();
});

test("a ping is answered with a pong", async () => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	const stranger = Stranger.dial(
		ring.host("stranger"),
		node.address,
		`${HELLO}${IDENTIFY}0000000106`,
	);
	await ring.simulation.run(100);
	expect(stranger.heard.endsWith("0000000107")).toBe(true);
});

test("a stranger who falls silent is asked for a sign of life, then left", async () => {
	const ring = new Ring(1, { limits: { ping: 1_000, dead: 3_000 } });
	const node = await ring.add("node");
	const stranger = Stranger.dial(ring.host("stranger"), node.address, HELLO + IDENTIFY);
	await ring.simulation.run(1_700);
	expect(stranger.heard.endsWith("0000000106")).toBe(false);
	await ring.simulation.run(1_000);
	expect(stranger.heard.endsWith("0000000106")).toBe(true);
	expect(node.peers).toHaveLength(1);
	await ring.simulation.run(1_000);
	expect(node.peers).toEqual([]);
});

test("a link that nobody needs or uses is closed by the end that dialled it", async () => {
	const ring = new Ring(1, { limits: { idle: 10_000 } });
	const [a, b] = [await ring.add("a"), await ring.add("b")];
	b.handle(echo, (value) => value);
	await ring.until(a.request(b, echo, "x"));
	await ring.simulation.run(9_000);
	expect([a.peers.length, b.peers.length]).toEqual([1, 1]);
	await ring.simulation.run(5_000);
	expect([a.peers.length, b.peers.length]).toEqual([0, 0]);
	expect(await ring.until(a.request(b, echo, "again"))).toBe("again");
});

test("what is asked over a link while the other end lets go of it is asked again over another", async () => {
	const ring = new Ring(1, { limits: { idle: 10_000 } });
	const [a, b] = [await ring.add("a"), await ring.add("b")];
	let asked = 0;
	for (const node of [a, b]) node.handle(echo, (value) => `${value} ${++asked}`);
	expect(await ring.until(a.request(b, echo, "first"))).toBe("first 1");
	await ring.until(() => a.peers.length === 0);
	expect(b.peers).toHaveLength(1);
	expect(await ring.until(b.request(a, echo, "second"))).toBe("second 2");
	expect([a.peers.length, b.peers.length]).toEqual([1, 1]);
});

test("who says with every question that nobody used the link is asked once more, not for ever", async () => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	const host = ring.host("leaver");
	const met: Leaver[] = [];
	await host.transport.listen({ host: host.ip, port: 7000 }, (link) => {
		const leaver = new Leaver(HELLO + identify("22", host.ip));
		met.push(leaver);
		leaver.link = link;
		leaver.open();
		return leaver;
	});
	const { peer } = await ring.until(node.link({ host: host.ip, port: 7000 }));
	if (peer === undefined) throw new Error("nobody is there");
	await expect(ring.until(node.request(peer, echo, "hello"))).rejects.toMatchObject({
		code: "CLOSED",
	});
	expect(met.map(({ asked }) => asked)).toEqual([true, true]);
});

test("an idle link is kept while a request is under way on it, and the ring's own links are kept always", async () => {
	const ring = new Ring(1, { limits: { idle: 5_000, ping: 2_000 } });
	const [a, b] = [await ring.add("a"), await ring.add("b")];
	let answer = (): void => {};
	b.handle(slow, () => new Promise<void>((resolve) => (answer = resolve)));
	const asked = a.request(b, slow, undefined, { timeout: 60_000 });
	await ring.simulation.run(30_000);
	answer();
	await ring.until(asked);
	await ring.until(a.joinRing(b.address));
	const events: string[] = [];
	for (const node of [a, b]) node.on("unlink", () => events.push("unlink"));
	await ring.simulation.run(60_000);
	expect(events).toEqual([]);
});

test("who does not read is left when more than the limit waits to be sent to him", async () => {
	const ring = new Ring(1, { limits: { writeBufferHard: 100_000, dead: 600_000 } });
	const [a, b] = [await ring.add("a"), await ring.add("b")];
	const big = defineRequest("test/big", { request: text(60_000), response: nothing });
	b.handle(big, () => {});
	await ring.until(a.request(b, big, ""));
	ring.simulation.partition([ring.hostOf(b)]);
	const outcomes = Array.from({ length: 20 }, () =>
		a.request(b, big, "x".repeat(60_000), { timeout: 5_000 }).then(
			() => "answered",
			(error: { code: string }) => error.code,
		),
	);
	const codes = await ring.until(Promise.all(outcomes));
	expect(new Set(codes)).toEqual(new Set(["CLOSED"]));
	expect(a.peers).toEqual([]);
});

test("the send hook sees every packet, and one that throws harms nothing", async () => {
	const ring = new Ring(1);
	const errors: unknown[] = [];
	let packets = 0;
	const a = await ring.add("a", {
		hooks: {
			send: () => {
				packets++;
				throw new Error("hook");
			},
		},
	});
	a.on("error", (error) => errors.push(error));
	const b = await ring.add("b");
	await ring.until(a.joinRing(b.address));
	expect(packets).toBeGreaterThan(3);
	expect(errors).toHaveLength(packets);
});
