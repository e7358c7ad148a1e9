import { expect, test } from "vitest";

import { type PeerState, SwarmPeer } from "../src/index.ts";
import { assertForSeeds } from "./seeds.ts";
import { Swarm, codeOf, drain, expectCode, sparse } from "./swarm.ts";

const FILE = "life.test.ts";

test("a peer is unbound, alone, joining, ready, alone again after it left, and closed", async () => {
	const swarm = new Swarm(1, sparse);
	await swarm.grow(8);
	const host = swarm.simulation.host("watched");
	const peer = new SwarmPeer({ ...sparse, encryption: "off", ports: host });
	const states: PeerState[] = [peer.state];
	peer.on("state", (state) => {
		states.push(state);
		expect(state).toBe(peer.state);
	});
	await peer.bind(host.ip, 7000);
	await swarm.until(peer.connect(swarm.first.listener));
	await swarm.until(peer.disconnect());
	await swarm.until(peer.connect(swarm.first.listener));
	await peer.close();
	expect(states).toEqual([
		"unbound",
		"alone",
		"joining",
		"ready",
		"alone",
		"joining",
		"ready",
		"closed",
	]);
});

test("who loses all others is rejoining, and ready again when one of them is back", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		const [peer] = await swarm.grow(6);
		if (peer === undefined) throw new Error("nobody");
		expect(peer.state).toBe("ready");
		swarm.simulation.partition([swarm.hostOf(peer)]);
		await swarm.until(() => peer.state === "rejoining");
		swarm.simulation.heal();
		await swarm.until(() => peer.state === "ready");
	});
});

test("disconnect waits for what is under way, and begins nothing new", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(12);
		const [from, to] = swarm.strangers();
		const { clock } = swarm.hostOf(from);
		const answerLate = async (): Promise<string> => {
			await new Promise<void>((resolve) => {
				clock.schedule(1_500, resolve);
			});
			return "late";
		};
		from.onRequest(answerLate);
		to.onRequest(answerLate);
		const asked = to.request(from, "");
		await swarm.simulation.run(1_000);
		const texts = Array.from({ length: 20 }, (_, i) => `${i}`);
		const sends = texts.map((text) => from.send(to, text));
		const asking = from.request(to, "");
		const leaving = from.disconnect();
		expect(await codeOf(from.send(to, "too late"))).toBe("CLOSED");
		expect(await codeOf(from.disconnect())).toBe("BUSY");
		await swarm.until(leaving);
		await swarm.until(Promise.all([...sends, asking, asked]));
		expect(await drain(to)).toEqual(texts);
		expect(from.state).toBe("alone");
		expect(from.peers).toEqual([]);
	});
});

test("what is still under way when disconnect's time is over rejects with CLOSED, and the peer leaves", async () => {
	const swarm = new Swarm(2, { ...sparse, inbox: { messages: 1 } });
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	const codes = [1, 2].map((i) => codeOf(from.send(to, `${i}`)));
	await swarm.simulation.run(1_000);
	const started = swarm.simulation.now;
	await swarm.until(from.disconnect({ timeout: 2_000 }));
	expect(swarm.simulation.now - started).toBeCloseTo(2_000, -2);
	expect(await Promise.all(codes)).toEqual(["nothing", "CLOSED"]);
	await swarm.until(from.connect(to.listener));
	expect(from.state).toBe("ready");
	const again = codeOf(from.send(to, "3"));
	await swarm.simulation.run(1_000);
	await swarm.until(from.disconnect({ timeout: 0 }));
	expect(await again).toBe("CLOSED");
});

test("an aborted disconnect does not leave", async () => {
	const swarm = new Swarm(3, { ...sparse, inbox: { messages: 1 } });
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	await swarm.until(from.send(to, "1"));
	const stuck = codeOf(from.send(to, "2"));
	const stop = new AbortController();
	const leaving = from.disconnect({ signal: stop.signal }).catch((reason: unknown) => reason);
	stop.abort("stay");
	expect(await leaving).toBe("stay");
	expect(from.state).toBe("ready");
	await drain(to);
	expect(await swarm.until(stuck)).toBe("nothing");
});

test("close while disconnect waits ends both at once, and close twice is close", async () => {
	const swarm = new Swarm(4, { ...sparse, inbox: { messages: 1 } });
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	const codes = [codeOf(from.send(to, "1")), codeOf(from.send(to, "2"))];
	await swarm.simulation.run(1_000);
	const leaving = codeOf(from.disconnect());
	await Promise.all([from.close(), from.close()]);
	expect(await Promise.all([...codes, leaving])).toEqual(["nothing", "CLOSED", "CLOSED"]);
});

test("what waits when a peer is closed says that the peer was closed", async () => {
	const swarm = new Swarm(5);
	const peer = await swarm.add();
	const receiving = peer.recv().catch((error: unknown) => error);
	await peer.close();
	expect(await receiving).toMatchObject({ code: "CLOSED", message: "the peer was closed" });
	await expectCode(peer.recv(), "CLOSED");
});

test("a hundred operations on one signal do not count as a leak, and all end when it aborts", async () => {
	const warnings: Error[] = [];
	const warned = (warning: Error): void => {
		warnings.push(warning);
	};
	process.on("warning", warned);
	const swarm = new Swarm(6);
	const peer = await swarm.add();
	const stop = new AbortController();
	const { signal } = stop;
	const reasons = Array.from({ length: 100 }, () =>
		peer.recv({ signal }).catch((reason: unknown) => reason),
	);
	const taken = peer.recv({ signal });
	await swarm.until(peer.recv({ timeout: 0, signal }).catch(() => {}));
	await new Promise(setImmediate);
	stop.abort("all of you");
	expect(await Promise.all(reasons)).toEqual(reasons.map(() => "all of you"));
	await expect(taken).rejects.toBe("all of you");
	await new Promise(setImmediate);
	process.off("warning", warned);
	expect(warnings).toEqual([]);
});
