import { expect, test } from "vitest";

import type { PeerSocket, RemotePeer, SwarmPeer } from "../src/index.ts";
import { Swarm, drain, sparse } from "./swarm.ts";

test("the hook `send` sees every packet, the ring's own traffic included", async () => {
	const packets: [PeerSocket, Uint8Array][] = [];
	const swarm = new Swarm(1, sparse);
	await swarm.grow(8);
	const watched = await swarm.add({ hooks: { send: (...packet) => packets.push(packet) } });
	const bytes = { out: 0, seen: 0 };
	swarm.hostOf(watched).intercept((chunk, { direction }) => {
		if (direction === "out") bytes.out += chunk.length;
		return chunk;
	});
	const [through, other] = swarm.peers;
	if (through === undefined || other === undefined) throw new Error("nobody");
	await swarm.until(watched.connect(through.listener));
	await swarm.simulation.run(5_000);
	await swarm.until(watched.send(other, "a needle"));
	for (const [, packet] of packets) bytes.seen += packet.length;
	expect(bytes.out).toBeGreaterThan(1_000);
	expect(bytes.seen).toBe(bytes.out);
	const needles = packets.filter(([, packet]) => Buffer.from(packet).includes("a needle"));
	expect(needles.length).toBeGreaterThan(0);
	const [link] = needles[0] ?? [];
	expect(link?.local.host).toBe(watched.listener.host);
	expect(link?.remote.port).toBeGreaterThan(0);
	expect(link?.peer).toMatchObject({ verified: false, address: link?.peer?.address });
});

test("of an encrypted link the hook `send` sees the handshake as it goes out, and frames before they are sealed", async () => {
	const packets: Uint8Array[] = [];
	const swarm = new Swarm(1, { ...sparse, encryption: "required" });
	const other = await swarm.add();
	const watched = await swarm.add({ hooks: { send: (_link, packet) => packets.push(packet) } });
	const chunks: Uint8Array[] = [];
	swarm.hostOf(watched).intercept((chunk, { direction }) => {
		if (direction === "out") chunks.push(chunk.slice());
		return chunk;
	});
	await swarm.until(watched.connect(other.listener));
	const [hello, last, identify] = packets;
	expect(chunks[0]).toEqual(hello);
	expect(chunks[1]?.subarray(0, last?.length)).toEqual(last);
	// A length of two bytes, and a tag of sixteen.
	expect(chunks[1]?.length).toBe(last!.length + 2 + identify!.length + 16);
});

test("a relay's hook `send` sees what it relays, and only the receiver's hook `recv` the message", async () => {
	const received: [SwarmPeer, RemotePeer, string][] = [];
	const swarm = new Swarm(2, sparse);
	for (let i = 0; i < 10; i++) {
		const self: SwarmPeer[] = [];
		const recv = (source: RemotePeer, data: Uint8Array): void => {
			for (const peer of self) received.push([peer, source, new TextDecoder().decode(data)]);
		};
		const through = swarm.pick();
		const peer = await swarm.add({ hooks: { recv } });
		self.push(peer);
		if (through !== undefined) await swarm.until(peer.connect(through.listener));
	}
	await swarm.simulation.run(10_000);
	const [from, to] = swarm.strangers();
	await swarm.until(from.send(to, "direct"));
	expect(
		received.map(([peer, source, data]) => [peer === to, source.hash.equals(from.hash), data]),
	).toEqual([[true, true, "direct"]]);
	received.length = 0;
	await swarm.until(from.broadcast("to all"));
	expect(received).toHaveLength(9);
	expect(new Set(received.map(([peer]) => peer)).size).toBe(9);
});

test("the hook `newPeer` hears of each peer that dials us, and events of every link", async () => {
	const joined: string[] = [];
	const swarm = new Swarm(3);
	const first = await swarm.add({
		hooks: { newPeer: ({ peer }) => joined.push(peer?.hash.toString() ?? "?") },
	});
	const events: string[] = [];
	first.on("peer", ({ hash }) => events.push(`+${hash.toString()}`));
	first.on("peerGone", ({ hash }) => events.push(`-${hash.toString()}`));
	const [second, third] = await swarm.grow(2);
	const names = [second, third].map((peer) => peer?.hash.toString() ?? "?");
	expect(joined.toSorted()).toEqual(names.toSorted());
	await swarm.until(Promise.resolve(third?.close()));
	await swarm.simulation.run(1_000);
	expect(events).toEqual([...names.map((name) => `+${name}`), `-${names[1]}`]);
});

test("a hook that throws or rejects is an `error` event, and harms nothing", async () => {
	const throwing = {
		hooks: {
			send: () => {
				throw new Error("send");
			},
			recv: (): unknown => Promise.reject(new Error("recv")),
			newPeer: () => {
				throw new Error("newPeer");
			},
		},
	};
	const swarm = new Swarm(4, sparse);
	const errors = new Set<string>();
	const links: string[] = [];
	for (let i = 0; i < 10; i++) {
		const through = swarm.pick();
		const peer = await swarm.add(throwing);
		peer.on("error", (error) => errors.add((error as Error).message));
		peer.on("peer", ({ hash }) => links.push(hash.toString()));
		if (through !== undefined) await swarm.until(peer.connect(through.listener));
	}
	await swarm.simulation.run(10_000);
	const [from, to] = swarm.strangers();
	expect((await swarm.until(from.send(to, "still"))).hops).toBeGreaterThan(1);
	expect((await swarm.until(from.broadcast("works"))).reached).toBe(9);
	expect(await drain(to)).toEqual(["still", "works"]);
	expect([...errors].toSorted()).toEqual(["newPeer", "recv", "send"]);
	expect(links.length).toBeGreaterThan(18);
});

test("a listener that throws is an `error` event; one for errors that fails itself ends there", async () => {
	const swarm = new Swarm(5);
	const peer = await swarm.add();
	const errors: unknown[] = [];
	peer.on("peer", () => {
		throw new Error("a listener");
	});
	peer.on("error", () => {
		throw new Error("a failure's failure");
	});
	const later: () => unknown = () => Promise.reject(new Error("a failure's failure, later"));
	peer.on("error", later);
	peer.on("error", (error) => errors.push((error as Error).message));
	await swarm.grow(1);
	expect(errors).toEqual(["a listener"]);
});

test("listeners are taken back by their function or by a signal", async () => {
	const swarm = new Swarm(6);
	const peer = await swarm.add();
	const heard: string[] = [];
	const stop = new AbortController();
	const off = peer.on("peer", () => heard.push("function"));
	peer.on("peer", () => heard.push("signal"), { signal: stop.signal });
	peer.on("peer", () => heard.push("never"), { signal: AbortSignal.abort() });
	await swarm.grow(1);
	expect(heard).toEqual(["function", "signal"]);
	off();
	stop.abort();
	await swarm.grow(1);
	expect(heard).toEqual(["function", "signal"]);
});
