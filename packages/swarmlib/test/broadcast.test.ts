import { constant } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Hash, SwarmError, type SwarmPeer } from "../src/index.ts";
import { assertForSeeds } from "./seeds.ts";
import { Swarm, drain, expectCode, sparse, text } from "./swarm.ts";

const FILE = "broadcast.test.ts";

/** What each of the peers has got, apart from `sender`. */
async function gotBy(swarm: Swarm, sender: SwarmPeer): Promise<string[][]> {
	expect(sender.pending).toBe(0);
	return Promise.all(swarm.after(sender).map(drain));
}

test.each([1, 2, 3, 16, 64])(
	"a broadcast in a swarm of %i reaches every other peer once, and not its sender",
	async (size) => {
		await assertForSeeds(FILE, size === 64 ? 1 : 2, async (seed) => {
			const swarm = new Swarm(seed, sparse);
			const peers = await swarm.grow(size);
			for (const from of peers.slice(0, 3)) {
				const { reached } = await swarm.until(from.broadcast("to all"));
				expect(reached).toBe(size - 1);
				await swarm.simulation.run(1_000);
				expect(await gotBy(swarm, from)).toEqual(
					Array.from({ length: size - 1 }, () => ["to all"]),
				);
			}
		});
	},
);

test("those who are known have it before anybody is looked up: only the count waits for that", async () => {
	const swarm = new Swarm(1, { ...sparse, latency: constant(1) });
	await swarm.grow(32);
	await swarm.simulation.run(60_000);
	const [from] = swarm.peers;
	if (from === undefined) throw new Error("nobody");
	const { now } = swarm.simulation;
	const times = Promise.all(
		swarm.after(from).map(async (peer) => {
			await peer.recv();
			return swarm.simulation.now - now;
		}),
	);
	await swarm.until(from.broadcast("to all"));
	expect(Math.max(...(await times))).toBeLessThan(25);
	expect(swarm.simulation.now - now).toBeGreaterThan(25);
});

test("recv names the origin of a broadcast, not the last relay", async () => {
	const swarm = new Swarm(1, sparse);
	await swarm.grow(16);
	const [from, to] = swarm.strangers();
	await swarm.until(from.broadcast("to all"));
	const { source } = await to.recv();
	expect(source.hash.equals(from.hash)).toBe(true);
	expect(source.address).toEqual(from.listener);
	await swarm.until(to.send(source, "back"));
	expect(await drain(from)).toEqual(["back"]);
});

test("several broadcasts at once each reach everyone once", async () => {
	const swarm = new Swarm(2, sparse);
	const peers = await swarm.grow(12);
	const all = peers.map((peer, index) => peer.broadcast(`${index}`));
	await swarm.until(Promise.all(all));
	for (const [index, peer] of peers.entries()) {
		const others = peers.map((_, i) => `${i}`).filter((text) => text !== `${index}`);
		expect((await drain(peer)).toSorted()).toEqual(others.toSorted());
	}
});

test("those in `visited` never get it, all others do; also where more neighbours are left out than a list holds", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(20);
		const from = swarm.pick();
		if (from === undefined) throw new Error("nobody");
		const others = swarm.after(from);
		// A run of six right after the sender, another one further on, and the last.
		const visited = [...others.slice(0, 6), ...others.slice(9, 14), ...others.slice(-1)];
		const hashes = visited.map(({ hash }) => hash);
		const { reached } = await swarm.until(from.broadcast("to some", { visited: hashes }));
		expect(reached).toBe(others.length - visited.length);
		for (const peer of others) {
			expect(await drain(peer)).toEqual(visited.includes(peer) ? [] : ["to some"]);
		}
	});
});

test("`visited` may be any iterable, name anybody, and leave nobody over", async () => {
	const swarm = new Swarm(3, sparse);
	const peers = await swarm.grow(6);
	const [from] = peers;
	if (from === undefined) throw new Error("nobody");
	const all = new Set(peers.map(({ hash }) => hash));
	expect(await swarm.until(from.broadcast("nobody", { visited: all }))).toEqual({ reached: 0 });
	const strangers = [new Hash({ value: "a" }), new Hash({ value: "b" })];
	const { reached } = await swarm.until(from.broadcast("all", { visited: strangers.values() }));
	expect(reached).toBe(5);
});

test("a peer with a full inbox keeps it from nobody else; the sender learns how many were reached", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const swarm = new Swarm(seed, { ...sparse, inbox: { messages: 1 } });
		await swarm.grow(16);
		const [from, full] = swarm.strangers();
		await swarm.until(from.send(full, "fills it"));
		const error = await swarm.until(failure(from.broadcast("to all", { timeout: 10_000 })));
		expect([error.code, error.reached]).toEqual(["TIMEOUT", 14]);
		// The others learn that time is over as much later as the message took to them.
		await swarm.simulation.run(1_000);
		for (const peer of swarm.after(from)) {
			expect(await drain(peer)).toEqual([peer === full ? "fills it" : "to all"]);
		}
	});
});

test("a full inbox that is emptied in time takes it, and the broadcast resolves", async () => {
	const swarm = new Swarm(4, { ...sparse, inbox: { messages: 1 } });
	await swarm.grow(16);
	const [from, full] = swarm.strangers();
	await swarm.until(from.send(full, "fills it"));
	const spreading = from.broadcast("to all");
	await swarm.simulation.run(5_000);
	expect(await drain(full)).toEqual(["fills it", "to all"]);
	expect(await swarm.until(spreading)).toEqual({ reached: 15 });
});

test("peers that die in the middle of a broadcast keep it from none that live", async () => {
	await assertForSeeds(FILE, 6, async (seed) => {
		const swarm = new Swarm(seed, { successors: 8 });
		await swarm.grow(24);
		const from = swarm.pick();
		if (from === undefined) throw new Error("nobody");
		const { random } = swarm.simulation;
		const spreading = from.broadcast("to all", { timeout: 60_000 });
		for (let i = 0; i < 4; i++) {
			await swarm.simulation.run(random.next() * 40);
			const [victim] = swarm.after(from).toSorted(() => random.next() - 0.5);
			if (victim !== undefined) swarm.crash(victim, { silent: random.next() < 0.3 });
		}
		const { reached } = await swarm.until(spreading);
		expect(reached).toBeGreaterThanOrEqual(19);
		await swarm.simulation.run(10_000);
		expect(await gotBy(swarm, from)).toEqual(Array.from({ length: 19 }, () => ["to all"]));
	});
});

test("a peer that waits for room when the one that asked it dies still gets it, once", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, { successors: 4, inbox: { messages: 1 } });
		await swarm.grow(18);
		const [from, full] = swarm.strangers();
		await swarm.until(from.send(full, "fills it"));
		const spreading = from.broadcast("to all", { timeout: 60_000 });
		await swarm.simulation.run(2_000);
		const relays = swarm.peers.filter((peer) => peer !== from && peer !== full);
		const before = swarm.after(full).findLast((peer) => relays.includes(peer));
		for (const relay of relays) {
			if (relay === before || swarm.simulation.random.next() < 0.3) swarm.crash(relay);
		}
		await swarm.simulation.run(3_000);
		await drain(full).then((got) => expect(got[0]).toBe("fills it"));
		await swarm.until(spreading);
		await swarm.simulation.run(10_000);
		const got = await drain(full);
		expect(got.length).toBeLessThanOrEqual(1);
		for (const relay of swarm.peers.filter((peer) => peer !== from && peer !== full)) {
			expect(await drain(relay)).toEqual(["to all"]);
		}
	});
});

test("peers whose links break in the middle of a broadcast, but who live, all get it", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, { successors: 4, inbox: { messages: 1 } });
		await swarm.grow(18);
		const [from, full] = swarm.strangers();
		await swarm.until(from.send(full, "fills it"));
		const spreading = from.broadcast("to all", { timeout: 60_000 });
		await swarm.simulation.run(1_000);
		for (const peer of swarm.after(full)) {
			swarm.simulation.breakLinks(swarm.hostOf(full), swarm.hostOf(peer));
		}
		await swarm.simulation.run(5_000);
		expect(text(await full.recv())).toBe("fills it");
		expect(await swarm.until(spreading)).toEqual({ reached: 17 });
		expect(await gotBy(swarm, from)).toEqual(Array.from({ length: 17 }, () => ["to all"]));
	});
});

test("who waits for room when the sender gives up does not take it later", async () => {
	const swarm = new Swarm(7, { ...sparse, inbox: { messages: 1 } });
	await swarm.grow(12);
	const [from, full] = swarm.strangers();
	await swarm.until(from.send(full, "fills it"));
	const stop = new AbortController();
	const spreading = from.broadcast("to all", { signal: stop.signal });
	await swarm.simulation.run(1_000);
	stop.abort(new Error("enough"));
	await expect(spreading).rejects.toThrow("enough");
	await swarm.simulation.run(1_000);
	expect(await drain(full)).toEqual(["fills it"]);
});

test("a broadcast may hold as much as a message, and no more; and leave out 256", async () => {
	const swarm = new Swarm(5, sparse);
	const [from] = await swarm.grow(8);
	if (from === undefined) throw new Error("nobody");
	const visited = Array.from({ length: 256 }, (_, i) => new Hash({ value: `${i}` }));
	const large = Uint8Array.from({ length: 1_048_576 }, (_, i) => i * 31 + (i >>> 8));
	for (const size of [0, 48 * 1_024, 1_048_576]) {
		const data = large.subarray(0, size);
		expect(await swarm.until(from.broadcast(data, { visited }))).toEqual({ reached: 7 });
		for (const peer of swarm.after(from)) {
			expect(Buffer.compare((await peer.recv()).data, data)).toBe(0);
		}
	}
	await expectCode(from.broadcast(new Uint8Array(1_048_577)), "TOO_LARGE");
});

test("where frames are small, it goes in small pieces, and fewer peers can be left out", async () => {
	const swarm = new Swarm(5, { ...sparse, limits: { frame: 4_096 } });
	const [from] = await swarm.grow(8);
	if (from === undefined) throw new Error("nobody");
	const visited = Array.from({ length: 114 }, (_, i) => new Hash({ value: `${i}` }));
	const data = new Uint8Array(20_000);
	expect(await swarm.until(from.broadcast(data, { visited }))).toEqual({ reached: 7 });
	visited.push(new Hash({ value: "one more" }));
	await expectCode(from.broadcast("small", { visited }), "TOO_LARGE");
});

test("who is cut off meanwhile gets it from a neighbour afterwards; who joins afterwards does not", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const swarm = new Swarm(seed, { successors: 4 });
		await swarm.grow(16);
		const [from] = swarm.strangers();
		const others = swarm.after(from);
		const apart = others.slice(3, 6);
		const [spared] = others;
		if (spared === undefined) throw new Error("nobody");
		swarm.simulation.partition(apart.map((peer) => swarm.hostOf(peer)));
		await swarm.simulation.run(60_000);
		const visited = [spared.hash];
		expect(await swarm.until(from.broadcast("to all", { visited, timeout: 120_000 }))).toEqual({
			reached: 11,
		});
		expect(apart.map(({ pending }) => pending)).toEqual([0, 0, 0]);
		await swarm.simulation.run(10_000);
		swarm.simulation.heal();
		const [entrance] = apart;
		if (entrance === undefined) throw new Error("nobody");
		await swarm.until(entrance.connect(from.listener));
		const [late] = await swarm.grow(1);
		await swarm.simulation.run(60_000);
		for (const peer of others) {
			expect(await drain(peer)).toEqual(peer === spared ? [] : ["to all"]);
		}
		expect(late?.pending).toBe(0);
	});
});

test("an abort rejects a broadcast with the signal's reason, a time-out of 0 does not wait", async () => {
	const swarm = new Swarm(6, sparse);
	const [from] = await swarm.grow(8);
	if (from === undefined) throw new Error("nobody");
	const stop = new AbortController();
	const spreading = from.broadcast("to all", { signal: stop.signal });
	stop.abort(new Error("enough"));
	await expect(swarm.until(spreading)).rejects.toThrow("enough");
	const error = await swarm.until(failure(from.broadcast("to all", { timeout: 0 })));
	expect([error.code, error.reached]).toEqual(["TIMEOUT", 0]);
});

/** The error with which a promise rejects. */
async function failure(promise: Promise<unknown>): Promise<SwarmError> {
	const error: unknown = await promise.catch((error: unknown) => error);
	if (!(error instanceof SwarmError)) throw new Error("no SwarmError", { cause: error });
	return error;
}
