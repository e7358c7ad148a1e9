import { type Socket, createConnection } from "node:net";

import { afterEach, expect, test } from "vitest";

import { type SwarmHooks, SwarmPeer } from "../src/index.ts";
import { areStrangers, drain, sparse } from "./swarm.ts";

const peers: SwarmPeer[] = [];

afterEach(async () => {
	await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

/** Peers on real sockets, each connected through the one before it. */
async function grow(count: number, hooks: Partial<SwarmHooks> = {}): Promise<void> {
	for (let i = 0; i < count; i++) {
		const peer = await new SwarmPeer({ ...sparse, hooks }).bind("127.0.0.1", 0);
		const through = peers.at(-1);
		if (through !== undefined) await peer.connect(through.listener);
		peers.push(peer);
	}
}

/** Two peers without a link to each other. */
function strangers(): [SwarmPeer, SwarmPeer] {
	for (const from of peers) {
		const to = peers.find((peer) => areStrangers(from, peer));
		if (to !== undefined) return [from, to];
	}
	throw new Error("everyone knows everyone");
}

test("twelve peers on real sockets send to all others, over several hops, and broadcast", async () => {
	await grow(12);
	const [from, to] = strangers();
	const { hops, exact } = await from.send(to, "over there", {
		duplicates: 1,
		route: "ring",
	});
	// The ring is still looking for near fingers: it may have linked the two meanwhile.
	expect([hops > 1 || !areStrangers(from, to), exact]).toEqual([true, true]);
	const { source, data } = await to.recv();
	expect(source.hash.equals(from.hash)).toBe(true);
	expect(Buffer.isBuffer(data)).toBe(false);
	expect(data.buffer.byteLength).toBe("over there".length);
	const pairs = peers.flatMap((from) => peers.map((to) => [from, to] as const));
	await Promise.all(pairs.map(([from, to]) => from.send(to, "each")));
	expect(await from.broadcast("all")).toEqual({ reached: 11 });
	for (const peer of peers) {
		const got = peers.map(() => "each");
		expect(await drain(peer)).toEqual(peer === from ? got : [...got, "all"]);
	}
});

test(
	"a broadcast to 63 peers on real sockets takes 63 payloads, or few more where the machine keeps one waiting",
	{ timeout: 120_000 },
	async () => {
		const data = new Uint8Array(32_768);
		let payloads = 0;
		const send = (_link: unknown, packet: Uint8Array): void => {
			if (packet.length > data.length) payloads++;
		};
		await grow(64, { send });
		expect(await peers[40]?.broadcast(data)).toEqual({ reached: 63 });
		expect(payloads).toBeGreaterThanOrEqual(63);
		expect(payloads).toBeLessThanOrEqual(69);
	},
);

test("a peer that closes as soon as it has read a message has acknowledged it", async () => {
	await grow(8);
	const [from, to] = strangers();
	const read = async (): Promise<void> => {
		await to.recv();
		await to.close();
	};
	const [{ exact }] = await Promise.all([from.send(to, "the last"), read()]);
	expect(exact).toBe(true);
});

test("a megabyte goes over several hops of real sockets while smaller messages do, in order", async () => {
	await grow(10);
	const [from, to] = strangers();
	const large = Uint8Array.from({ length: 1_048_576 }, (_, i) => i * 31 + (i >>> 8));
	await Promise.all([from.send(to, "before"), from.send(to, large), from.send(to, "after")]);
	const [first, second, third] = [await to.recv(), await to.recv(), await to.recv()];
	expect([first.data.length, third.data.length]).toEqual([6, 5]);
	expect(Buffer.compare(second.data, large)).toBe(0);
});

test("strangers that connect and say nothing of sense are left, and the peer goes on serving", async () => {
	await grow(3);
	const [first, , third] = peers;
	if (first === undefined || third === undefined) throw new Error("nobody");
	const { host, port } = first.listener;
	const said = [
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"CICADA\u0001\u0000\u0001x",
		"CICADA\u0001\uFFFF",
		"\u0000".repeat(5_000),
		"C",
	];
	const sockets: Socket[] = [];
	for (const bytes of said) {
		const socket = createConnection({ host, port });
		socket.on("error", () => {});
		sockets.push(socket.resume());
		socket.write(Buffer.from(bytes, "latin1"));
	}
	for (let i = 0; i < 20; i++) {
		const socket = createConnection({ host, port });
		socket.on("connect", () => socket.resetAndDestroy()).on("error", () => {});
	}
	// All but the last have said enough to be known for strangers.
	await Promise.all(
		sockets.slice(0, -1).map((socket) => new Promise((resolve) => socket.on("close", resolve))),
	);
	await third.send(first, "still there?");
	await first.send(third, "yes");
	expect([await drain(first), await drain(third)]).toEqual([["still there?"], ["yes"]]);
	for (const socket of sockets) socket.destroy();
});
