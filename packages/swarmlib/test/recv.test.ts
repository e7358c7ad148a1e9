import { expect, test } from "vitest";

import { type Received, type SwarmPeer } from "../src/index.ts";
import { assertForSeeds } from "./seeds.ts";
import { Swarm, areStrangers, codeOf, drain, expectCode, sparse, text } from "./swarm.ts";

const FILE = "recv.test.ts";

async function strangers(): Promise<{ swarm: Swarm; from: SwarmPeer; to: SwarmPeer }> {
	const swarm = new Swarm(1, sparse);
	await swarm.grow(10);
	const [from, to] = swarm.strangers();
	return { swarm, from, to };
}

test("concurrent calls of recv are served in the order in which they were made", async () => {
	const { swarm, from, to } = await strangers();
	const calls = Promise.all([to.recv(), to.recv(), to.recv()]);
	await swarm.until(Promise.all(["1", "2", "3"].map((data) => from.send(to, data))));
	expect((await swarm.until(calls)).map(text)).toEqual(["1", "2", "3"]);
});

test("an aborted recv rejects with the signal's reason and loses nothing", async () => {
	const { swarm, from, to } = await strangers();
	const stop = new AbortController();
	const [aborted, waiting] = [to.recv({ signal: stop.signal }), to.recv()];
	stop.abort("enough");
	await expect(aborted).rejects.toBe("enough");
	await swarm.until(Promise.all(["1", "2"].map((data) => from.send(to, data))));
	expect(text(await waiting)).toBe("1");
	await expect(to.recv({ signal: AbortSignal.abort("at once") })).rejects.toBe("at once");
	expect(text(await to.recv())).toBe("2");
});

test("a recv whose time runs out rejects with TIMEOUT and loses nothing; 0 takes only what is there", async () => {
	const { swarm, from, to } = await strangers();
	const before = swarm.simulation.now;
	await expectCode(swarm.until(to.recv({ timeout: 1_500 })), "TIMEOUT");
	expect(swarm.simulation.now - before).toBe(1_500);
	await expectCode(swarm.until(to.recv({ timeout: 0 })), "TIMEOUT");
	await swarm.until(from.send(to, "there"));
	expect(text(await to.recv({ timeout: 0 }))).toBe("there");
});

test("`more` says whether another message waits, `pending` how many", async () => {
	const { swarm, from, to } = await strangers();
	await swarm.until(Promise.all(["1", "2", "3"].map((data) => from.send(to, data))));
	const seen: [number, boolean][] = [];
	while (to.pending > 0) seen.push([to.pending, (await to.recv()).more]);
	expect(seen).toEqual([
		[3, true],
		[2, true],
		[1, false],
	]);
});

test("iterators share the queue, each message goes to one of them, and leaving a loop does not close the peer", async () => {
	const { swarm, from, to } = await strangers();
	const got: string[] = [];
	const loop = async (): Promise<void> => {
		for await (const message of to) {
			got.push(text(message));
			if (got.length >= 6) break;
		}
	};
	const loops = [loop(), loop()];
	await swarm.until(
		Promise.all(["1", "2", "3", "4", "5", "6", "7"].map((data) => from.send(to, data))),
	);
	await swarm.until(Promise.all(loops));
	expect(got).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
	await swarm.until(from.send(to, "8"));
	expect(await drain(to)).toEqual(["8"]);
});

test("return ends an iterator that waits, and takes no message with it", async () => {
	const { swarm, from, to } = await strangers();
	const iterator = to[Symbol.asyncIterator]();
	const waiting = iterator.next();
	expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
	expect(await waiting).toEqual({ done: true, value: undefined });
	expect(await iterator.next()).toEqual({ done: true, value: undefined });
	await swarm.until(from.send(to, "not lost"));
	expect(await drain(to)).toEqual(["not lost"]);
});

test("close ends iterators normally, and rejects what waits with CLOSED", async () => {
	const { swarm, from, to } = await strangers();
	const got: Received[] = [];
	const loop = async (): Promise<string> => {
		for await (const message of to) got.push(message);
		return "ended";
	};
	const looping = loop();
	const receiving = to.recv();
	const sending = to.send(from, "on its way");
	const spreading = to.broadcast("on its way");
	const rejected = Promise.all([
		expectCode(receiving, "CLOSED"),
		expectCode(sending, "CLOSED"),
		expectCode(spreading, "CLOSED"),
	]);
	await swarm.until(to.close());
	await rejected;
	expect(await looping).toBe("ended");
	expect(await to[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
	expect(to.peers).toEqual([]);
	await to.close();
	for (const operation of [to.recv(), to.send(from, "x"), to.broadcast("x"), to.disconnect()]) {
		await expectCode(operation, "CLOSED");
	}
	await expectCode(to.connect(from.listener), "CLOSED");
	await expectCode(to.bind("127.0.0.1", 0), "CLOSED");
});

test("peers relay whether or not their applications call recv", async () => {
	const swarm = new Swarm(2, { ...sparse, inbox: { messages: 1 } });
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	const others = swarm.peers.filter((peer) => peer !== from && peer !== to);
	for (const other of others) await swarm.until(from.send(other, "nobody takes it out"));
	const { hops } = await swarm.until(from.send(to, "through all of them"));
	expect(hops).toBeGreaterThan(1);
	expect(await drain(to)).toEqual(["through all of them"]);
});

test("a peer that disconnects keeps its inbox and its port, and can connect again", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(14);
		const [from, to] = swarm.strangers();
		const { hash, listener } = to;
		await swarm.until(from.send(to, "before"));
		const flying = expectCode(to.send(from, "on its way"), "CLOSED");
		await swarm.until(to.disconnect({ timeout: 0 }));
		await flying;
		expect([to.peers, to.pending, to.listener]).toEqual([[], 1, listener]);
		await expectCode(swarm.until(to.send(from, "nobody there")), "NOT_FOUND");
		expect(await swarm.until(to.broadcast("nobody there"))).toEqual({ reached: 0 });
		await swarm.simulation.run(10_000);
		expect(["NOT_FOUND", "UNREACHABLE"]).toContain(
			await swarm.until(codeOf(from.send(to, "gone"))),
		);
		await swarm.until(to.connect(from.listener));
		// Links that the ring does not need are closed by then.
		await swarm.simulation.run(60_000);
		const far = swarm.peers.find((peer) => areStrangers(peer, to)) ?? from;
		await swarm.until(far.send(to, "again"));
		await swarm.until(to.send(far, "and back"));
		expect(to.hash.equals(hash)).toBe(true);
		expect(await drain(to)).toEqual(["before", "again"]);
		expect(await drain(far)).toContain("and back");
	});
});

test("a broadcast under way when its sender disconnects rejects with CLOSED", async () => {
	const { swarm, from } = await strangers();
	const spreading = expectCode(from.broadcast("on its way"), "CLOSED");
	await swarm.until(from.disconnect({ timeout: 0 }));
	await spreading;
});

test("a send to oneself that waits for room when the peer disconnects rejects with CLOSED", async () => {
	const swarm = new Swarm(3, { inbox: { messages: 1 } });
	const peer = await swarm.add();
	await peer.send(peer, "fills it");
	const waiting = expectCode(peer.send(peer, "waits"), "CLOSED");
	await swarm.until(peer.disconnect({ timeout: 0 }));
	await waiting;
	expect(await drain(peer)).toEqual(["fills it"]);
});

test("who takes a message and closes at once has said that it took it", async () => {
	const swarm = new Swarm(1, sparse);
	await swarm.grow(12);
	for (const end of ["close", "disconnect"] as const) {
		const [from, to] = swarm.strangers();
		const sent = from.send(to, "last words");
		const taken = to.recv().then(async ({ data }) => {
			await to[end]();
			return new TextDecoder().decode(data);
		});
		expect(await swarm.until(taken)).toBe("last words");
		expect(await swarm.until(sent)).toMatchObject({ exact: true });
		swarm.peers.splice(swarm.peers.indexOf(to), 1);
		await swarm.simulation.run(20_000);
	}
});
