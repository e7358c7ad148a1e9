import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LocalNode } from "@cicada/chordlib";
import type { LatencyModel, SimHost } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Dialling } from "../src/dialling.ts";
import { SwarmPeer } from "../src/index.ts";
import { Swarm, areStrangers, codeOf, drain, expectCode, sparse, text } from "./swarm.ts";

// Peers whose ids are those of their keys: nobody can tell from an address which id is there. What is sent to the address
// is for the peer that answers there.

/** A sparse swarm of peers with such ids, and two of them that have no link to each other. */
async function keyed(
	seed: number,
	latency?: LatencyModel,
): Promise<{ swarm: Swarm; from: SwarmPeer; to: SwarmPeer }> {
	const options = { ...sparse, route: "auto", identity: "key" } as const;
	const swarm = new Swarm(seed, { ...options, ...(latency && { latency }) });
	await swarm.grow(16);
	await swarm.simulation.run(20_000);
	const [from, to] = swarm.strangers();
	return { swarm, from, to };
}

test("a message to the address of one is for that peer, also while there are links to others only", async () => {
	const { swarm, from, to } = await keyed(1);
	const receipt = await swarm.until(from.send(to.listener, "hello"));
	expect(receipt.exact).toBe(true);
	expect(receipt.target.hash.equals(to.hash)).toBe(true);
	const { source, data } = await to.recv();
	expect(source.hash.equals(from.hash)).toBe(true);
	expect(text({ source, data, more: false })).toBe("hello");
});

test("messages to the address arrive in order, also those sent while it is being dialled, and in later sessions", async () => {
	// The two are far from each other: it takes longer to dial than to ask the ring.
	let far: readonly string[] = [];
	const latency: LatencyModel = {
		delay: ({ ip: one }, { ip: other }, chance) =>
			far.includes(one) && far.includes(other) ? 400 : 5 + 10 * chance.next(),
	};
	const { swarm, from, to } = await keyed(23, latency);
	far = [from.listener.host, to.listener.host];
	const sent: Promise<unknown>[] = [];
	const texts: string[] = [];
	for (let n = 0; n < 900; n++) {
		texts.push(`${n}`);
		sent.push(from.send(to.listener, `${n}`));
		// In the longer pauses the link falls idle.
		await swarm.simulation.run(n % 450 === 449 ? 9_000 : 7);
	}
	await swarm.until(Promise.all(sent));
	expect(await drain(to)).toEqual(texts);
});

test("a request to the address is answered, and `explain` says who is there", async () => {
	const { swarm, from, to } = await keyed(3);
	to.onRequest(({ data }) => data);
	const answer = await swarm.until(from.request(to.listener, "echo"));
	expect([answer.exact, new TextDecoder().decode(answer.data)]).toEqual([true, "echo"]);
	const [other] = swarm.peers.filter((peer) => areStrangers(from, peer));
	const { exact, peer, route } = await swarm.until(from.explain(other!.listener));
	expect([exact, route, peer?.hash.equals(other!.hash)]).toEqual([true, "direct", true]);
});

test("along the ring only, nobody is dialled: the address finds who is linked, and nobody else", async () => {
	const { swarm, from } = await keyed(4);
	// The lookup that makes sure may open a link to a peer, too: then that one is found.
	for (const to of swarm.peers.filter((peer) => areStrangers(from, peer))) {
		const code = await swarm.until(codeOf(from.send(to.listener, "1", { route: "ring" })));
		expect([to.pending, code]).toEqual(areStrangers(from, to) ? [0, "NOT_FOUND"] : [1, "nothing"]);
	}
	const near = swarm.peers.find((peer) => peer !== from && !areStrangers(from, peer));
	await drain(near!);
	await swarm.until(from.send(near!.listener, "2", { route: "ring" }));
	expect(await drain(near!)).toEqual(["2"]);
});

test("its own address is its own", async () => {
	const { swarm, from } = await keyed(5);
	const { hops } = await swarm.until(from.send(from.listener, "to myself"));
	expect([hops, await drain(from)]).toEqual([0, ["to myself"]]);
});

test("another peer at the address gets what is sent after the first has gone", async () => {
	const { swarm, from, to } = await keyed(6);
	await swarm.until(from.send(to.listener, "to the first"));
	const next = swarm.first === to ? swarm.peers[1]! : swarm.first;
	swarm.crash(to);
	await swarm.simulation.run(10_000);
	await expectCode(swarm.until(from.send(to.listener, "to nobody")), "NOT_FOUND");
	await swarm.simulation.run(61_000);
	const second = await swarm.restart(to, next);
	expect(second.hash.equals(to.hash)).toBe(false);
	await swarm.until(from.send(to.listener, "to the second"));
	expect(await drain(second)).toEqual(["to the second"]);
});

test("one that has moved is not at its old address any more: who is there now gets what is sent there", async () => {
	const { swarm, from } = await keyed(9);
	const directory = await mkdtemp(join(tmpdir(), "keyed-"));
	const identityFile = join(directory, "keys.json");
	const start = async (host: SimHost, more: { identityFile?: string }): Promise<SwarmPeer> => {
		const peer = new SwarmPeer({
			...sparse,
			identity: "key",
			encryption: "off",
			ports: host,
			...more,
		});
		await peer.bind(host.ip, 7000);
		await swarm.until(peer.connect(swarm.first.listener));
		return peer;
	};
	const [here, there] = [swarm.simulation.host("here"), swarm.simulation.host("there")];
	const before = await start(here, { identityFile });
	await swarm.until(from.send(before.listener, "1"));
	await before.close();
	const moved = await start(there, { identityFile });
	expect(moved.hash.equals(before.hash)).toBe(true);
	const next = await start(here, {});
	await swarm.simulation.run(5_000);
	await swarm.until(from.send(moved.listener, "2"));
	await swarm.until(from.send(next.listener, "3"));
	expect([await drain(moved), await drain(next)]).toEqual([["2"], ["3"]]);
	await Promise.all([moved.close(), next.close()]);
	await rm(directory, { recursive: true });
});

test("nobody at the address: NOT_FOUND, in the time that a dial takes", async () => {
	const { swarm, from } = await keyed(7);
	const silent = { host: "9.9.9.9", port: 7_000 };
	const start = swarm.simulation.now;
	await expectCode(swarm.until(from.send(silent, "x")), "NOT_FOUND");
	expect(swarm.simulation.now - start).toBeLessThan(8_000);
	const again = swarm.simulation.now;
	await expectCode(swarm.until(from.send(silent, "x")), "NOT_FOUND");
	expect(swarm.simulation.now - again).toBeLessThan(2_000);
});

test("of so many addresses it is remembered what came of dialling them, and no more", async () => {
	const { simulation } = new Swarm(10);
	const host = simulation.host("dialling");
	const node = new LocalNode("dialling", { host: host.ip, port: 7_000 }, { ports: host });
	await node.listen();
	const dialling = new Dialling(node, host.clock, 3);
	const silent = [1, 2, 3, 4].map((place) => ({ host: `9.9.9.${place}`, port: 7_000 }));
	for (const address of silent) {
		const met = new Promise((resolve) => {
			dialling.meet(address, resolve);
		});
		expect(await simulation.runUntil(met)).toBe(undefined);
	}
	const outcomes = silent.map((address) => dialling.outcome(address)?.outcome);
	expect(outcomes).toEqual([undefined, "failed", "failed", "failed"]);
	await node.close();
});

test("what waits for a dial ends when the peer leaves or is closed", async () => {
	const { swarm, from } = await keyed(8);
	const sending = from.send({ host: "9.9.9.9", port: 7_000 }, "x");
	await swarm.simulation.run(1_000);
	await from.close();
	await expectCode(swarm.until(sending), "CLOSED");
});
