import { expect, test } from "vitest";

import { type Receipt, type SwarmPeer } from "../src/index.ts";
import { assertForSeeds } from "./seeds.ts";
import { type PeerOptions, Swarm, codeOf, drain, expectCode, sparse, text } from "./swarm.ts";

const FILE = "streams.test.ts";
const MIB = 1_048_576;

/** A sparse swarm, and two peers of it that have no link to each other. */
async function strangers(
	seed: number,
	options: PeerOptions = {},
): Promise<{ swarm: Swarm; from: SwarmPeer; to: SwarmPeer }> {
	const swarm = new Swarm(seed, { ...sparse, ...options });
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	return { swarm, from, to };
}

/** Bytes that are different everywhere. */
function pattern(length: number): Uint8Array {
	return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8) * 13 + (i >>> 16)) & 255);
}

test("a message of 1 MiB arrives whole over several hops, one byte more is TOO_LARGE, none is a message too", async () => {
	const { swarm, from, to } = await strangers(1);
	const data = pattern(MIB);
	const receipt = await swarm.until(from.send(to, data));
	expect(receipt.hops).toBeGreaterThan(1);
	expect(Buffer.compare((await to.recv()).data, data)).toBe(0);
	await expectCode(from.send(to, new Uint8Array(MIB + 1)), "TOO_LARGE");
	await expectCode(from.send(to, "é".repeat(MIB / 2) + "e"), "TOO_LARGE");
	await swarm.until(from.send(to, ""));
	expect((await to.recv()).data).toEqual(new Uint8Array(0));
});

test("messages just below, at and above a chunk's size arrive whole", async () => {
	const { swarm, from, to } = await strangers(2);
	for (const length of [49_151, 49_152, 49_153, 98_304]) {
		await swarm.until(from.send(to, pattern(length)));
		expect(Buffer.compare((await to.recv()).data, pattern(length))).toBe(0);
	}
});

test("a message that is larger than its receiver takes rejects with TOO_LARGE, and holds up none after it", async () => {
	const swarm = new Swarm(3, sparse);
	await swarm.grow(12);
	const small = await swarm.add({ message: 100_000 });
	await swarm.until(small.connect(swarm.first.listener));
	await swarm.simulation.run(10_000);
	const from = swarm
		.after(small)
		.find((peer) => !small.peers.some((p) => p.hash.equals(peer.hash)));
	if (from === undefined) throw new Error("it knows everyone");
	const sends = [100_000, 100_001, 99_999, MIB, 5].map((size) =>
		codeOf(from.send(small, pattern(size))),
	);
	expect(await swarm.until(Promise.all(sends))).toEqual([
		"nothing",
		"TOO_LARGE",
		"nothing",
		"TOO_LARGE",
		"nothing",
	]);
	const sizes: number[] = [];
	while (small.pending > 0) sizes.push((await small.recv()).data.length);
	expect(sizes).toEqual([100_000, 99_999, 5]);
});

test("large messages of many senders at once all arrive, though no peer keeps all their parts at once", async () => {
	const swarm = new Swarm(4, sparse);
	const peers = await swarm.grow(14);
	const [to, ...senders] = peers;
	if (to === undefined) throw new Error("nobody");
	const sends = senders.map((from) => from.send(to, pattern(MIB), { timeout: 60_000 }));
	await swarm.until(Promise.all(sends));
	expect(to.pending).toBe(13);
	while (to.pending > 0) expect(Buffer.compare((await to.recv()).data, pattern(MIB))).toBe(0);
});

test("smaller frames carry the same messages", async () => {
	const { swarm, from, to } = await strangers(5, { limits: { frame: 4_096 } });
	await swarm.until(from.send(to, pattern(50_000)));
	expect(Buffer.compare((await to.recv()).data, pattern(50_000))).toBe(0);
	const { reached } = await swarm.until(from.broadcast(pattern(50_000)));
	expect(reached).toBe(11);
	expect(Buffer.compare((await to.recv()).data, pattern(50_000))).toBe(0);
});

test("what the caller changes after send, and the receiver after recv, changes nothing elsewhere", async () => {
	const seen: Uint8Array[] = [];
	const swarm = new Swarm(6, { ...sparse, hooks: { recv: (_source, data) => seen.push(data) } });
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	for (const data of [Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3])]) {
		for (const target of [to, from]) {
			const sending = from.send(target, data);
			data.fill(9);
			await swarm.until(sending);
			const received = (await target.recv()).data;
			expect(received).toEqual(Uint8Array.of(1, 2, 3));
			expect(Buffer.isBuffer(received)).toBe(false);
			received.fill(8);
			expect(seen.pop()).toEqual(Uint8Array.of(1, 2, 3));
			data.set([1, 2, 3]);
		}
		const spreading = from.broadcast(data);
		data.fill(9);
		await swarm.until(spreading);
		expect((await to.recv()).data).toEqual(Uint8Array.of(1, 2, 3));
	}
});

test("an aborted or timed-out send in the middle of a stream leaves no gap and holds up none after it", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const { swarm, from, to } = await strangers(seed);
		const { random } = swarm.simulation;
		const stops: AbortController[] = [];
		const codes = Array.from({ length: 40 }, async (_, i) => {
			const stop = new AbortController();
			const timed = i % 8 === 3;
			const data = i % 5 === 0 ? `${i} `.padEnd(120_000, "x") : `${i} `;
			if (i % 8 === 5) stops.push(stop);
			const options = timed ? { timeout: 1 + random.next() * 400 } : { signal: stop.signal };
			const reason = await from.send(to, data, options).catch((error: unknown) => error);
			return reason instanceof Error ? reason.message : "arrived";
		});
		for (const stop of stops) {
			await swarm.simulation.run(random.next() * 100);
			stop.abort(new Error("stopped"));
		}
		const results = await swarm.until(Promise.all(codes));
		await swarm.simulation.run(30_000);
		const got = (await drain(to)).map((data) => Number(data.split(" ")[0]));
		expect(got).toEqual([...new Set(got)].toSorted((a, b) => a - b));
		for (const [i, result] of results.entries()) {
			expect(result === "arrived" ? got : [3, 5]).toContain(result === "arrived" ? i : i % 8);
		}
		await swarm.until(from.send(to, "after", { timeout: 5_000 }));
		expect(await drain(to)).toEqual(["after"]);
	});
});

test("a full inbox makes its senders wait, others go on, and it goes on when recv is called", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const { swarm, from, to } = await strangers(seed, { inbox: { messages: 4 } });
		const [third] = swarm.peers.filter((peer) => peer !== from && peer !== to);
		if (third === undefined) throw new Error("nobody");
		const done: string[] = [];
		const send = async (data: string): Promise<void> => {
			await from.send(to, data, { timeout: 600_000 });
			done.push(data);
		};
		const all = Array.from({ length: 10 }, (_, i) => send(`${i}`));
		await swarm.simulation.run(20_000);
		expect(to.pending).toBe(4);
		expect(done).toEqual(["0", "1", "2", "3"]);
		await swarm.until(from.send(third, "not held up", { timeout: 5_000 }));
		await expectCode(swarm.until(third.send(to, "no room", { timeout: 3_000 })), "TIMEOUT");
		const got: string[] = [];
		while (got.length < 10) got.push(text(await swarm.until(to.recv({ timeout: 3_000 }))));
		await swarm.until(Promise.all(all));
		expect(got).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`));
		expect(to.pending).toBe(0);
	});
});

test("a send given up at a full inbox does not stop those behind it", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const { swarm, from, to } = await strangers(seed, { inbox: { messages: 1 } });
		await swarm.until(from.send(to, "fills it"));
		const givenUp = codeOf(from.send(to, "given up", { timeout: 2_000 }));
		await swarm.simulation.run(1_000);
		const waiting = from.send(to, "waiting", { timeout: 60_000 });
		expect(await swarm.until(givenUp)).toBe("TIMEOUT");
		// What the receiver says when there is room again is lost: it has to be asked.
		swarm.hostOf(to).intercept((chunk, { direction }) => (direction === "out" ? undefined : chunk));
		expect(text(await to.recv())).toBe("fills it");
		await swarm.simulation.run(200);
		for (const peer of swarm.peers) {
			if (peer !== to) swarm.simulation.breakLinks(swarm.hostOf(to), swarm.hostOf(peer));
		}
		swarm.hostOf(to).intercept(undefined);
		await swarm.until(waiting);
		expect(await drain(to)).toEqual(["waiting"]);
	});
});

test("bytes fill an inbox as messages do; one that is larger than all fits an empty inbox", async () => {
	const { swarm, from, to } = await strangers(7, { inbox: { bytes: 1_000 } });
	await swarm.until(from.send(to, pattern(1_001)));
	await expectCode(swarm.until(from.send(to, "x", { timeout: 2_000 })), "TIMEOUT");
	await to.recv();
	await swarm.until(from.send(to, pattern(999)));
	await swarm.until(from.send(to, "x"));
	await expectCode(swarm.until(from.send(to, "x", { timeout: 2_000 })), "TIMEOUT");
	expect(to.pending).toBe(2);
});

test("sends to oneself wait for room, and keep their order", async () => {
	const swarm = new Swarm(8, { inbox: { messages: 1 } });
	const peer = await swarm.add();
	const sends: Promise<Receipt>[] = [];
	for (let i = 0; i < 5; i++) {
		sends.push(peer.send(peer, `${i}`));
		await swarm.simulation.run(30);
	}
	const got: string[] = [];
	while (got.length < 5) {
		got.push(text(await peer.recv()));
		await swarm.simulation.run(70);
	}
	expect(got).toEqual(["0", "1", "2", "3", "4"]);
	await swarm.until(Promise.all(sends));
});

test("when all is delivered nothing is left to be done: no timer of a send runs on", async () => {
	const swarm = new Swarm(9);
	const [a, b] = await swarm.grow(2);
	if (a === undefined || b === undefined) throw new Error("nobody");
	const quiet = await mostPending(swarm);
	await swarm.until(Promise.all(Array.from({ length: 50 }, (_, i) => a.send(b, `${i}`))));
	// A timer that was taken back counts until its time has come.
	await swarm.simulation.run(40_000);
	expect(await mostPending(swarm)).toBeLessThanOrEqual(quiet);
});

/** The most things that wait to happen at once while nobody sends anything. */
async function mostPending({ simulation }: Swarm): Promise<number> {
	let most = 0;
	for (let i = 0; i < 200; i++) {
		await simulation.run(50);
		most = Math.max(most, simulation.pending);
	}
	return most;
}
