import { expect, test } from "vitest";

import {
	type Address,
	Hash,
	LocalNode,
	type LocalNodeOptions,
	defineNotice,
	defineRequest,
	nothing,
	text,
} from "../src/index.ts";
import { Ring } from "./ring.ts";
import { Stranger } from "./stranger.ts";

const ANY = { host: "127.0.0.1", port: 0 };
const echo = defineRequest("test/echo", { request: text(10), response: text(10) });
const shout = defineNotice("test/shout", text(10));
const id = new Hash({ value: "id" });

const chordError = (code: string): unknown => expect.objectContaining({ name: "ChordError", code });

const CONSTRUCTOR: readonly (readonly [string, ...unknown[]])[] = [
	["no data", undefined, ANY],
	["null as data", null, ANY],
	["a number as data", 5, ANY],
	["an object as data", {}, ANY],
	["no address", "x", undefined],
	["null as address", "x", null],
	["a string as address", "x", "127.0.0.1:0"],
	["an address without host", "x", { port: 0 }],
	["a host that is a number", "x", { host: 5, port: 0 }],
	["an address without port", "x", { host: "127.0.0.1" }],
	["port -1", "x", { host: "127.0.0.1", port: -1 }],
	["port 65536", "x", { host: "127.0.0.1", port: 65_536 }],
	["port 1.5", "x", { host: "127.0.0.1", port: 1.5 }],
	["port NaN", "x", { host: "127.0.0.1", port: Number.NaN }],
	['port "80"', "x", { host: "127.0.0.1", port: "80" }],
	["null as options", "x", ANY, null],
	["a string as options", "x", ANY, "fast"],
	["a network that is a number", "x", ANY, { network: 5 }],
	["successors 0", "x", ANY, { successors: 0 }],
	["successors 65", "x", ANY, { successors: 65 }],
	["successors 1.5", "x", ANY, { successors: 1.5 }],
	['successors "4"', "x", ANY, { successors: "4" }],
	["to advertise a host name", "x", ANY, { advertise: { host: "localhost", port: 1 } }],
	["to advertise port 0", "x", ANY, { advertise: { host: "192.0.2.1", port: 0 } }],
	["to advertise a string", "x", ANY, { advertise: "192.0.2.1:7000" }],
	["to advertise null", "x", ANY, { advertise: null }],
	["a pace of 0", "x", ANY, { pace: { fastest: 0 } }],
	["a pace that is a string", "x", ANY, { pace: { fastest: "5" } }],
	["a pace without end", "x", ANY, { pace: { slowest: Infinity } }],
	["a pace whose slowest is the fastest", "x", ANY, { pace: { fastest: 2_000, slowest: 1_000 } }],
	["an unknown limit", "x", ANY, { limits: { speed: 100 } }],
	["a limit of 0", "x", ANY, { limits: { links: 0 } }],
	["a limit that is a string", "x", ANY, { limits: { links: "9" } }],
	["a limit of 1.5", "x", ANY, { limits: { ping: 1.5 } }],
	["a limit that no timer can wait for", "x", ANY, { limits: { idle: 2 ** 31 } }],
	["a frame of 4095 bytes", "x", ANY, { limits: { frame: 4_095 } }],
	["256 hops", "x", ANY, { limits: { hops: 256 } }],
	["null as limits", "x", ANY, { limits: null }],
	["limitLocal 1", "x", ANY, { limitLocal: 1 }],
	["null as hooks", "x", ANY, { hooks: null }],
	["null as ports", "x", ANY, { ports: null }],
];

test.each(CONSTRUCTOR)("new LocalNode refuses %s", (_name, ...args) => {
	expect(() => Reflect.construct(LocalNode, args) as unknown).toThrow(
		chordError("INVALID_ARGUMENT"),
	);
});

test("new LocalNode takes the limits of its limits", () => {
	const limits = { frame: 4_096, hops: 255, idle: 2 ** 31 - 1, links: 1 };
	expect(() => new LocalNode("x", ANY, { limits, successors: 64 })).not.toThrow();
	expect(() => new LocalNode("", { host: "", port: 65_535 }, { successors: 1 })).not.toThrow();
});

/** Every operation that answers with a promise, with sound arguments. */
const OPERATIONS: readonly (readonly [
	string,
	(node: LocalNode, peer: LocalNode) => Promise<unknown>,
])[] = [
	["joinRing", (node, peer) => node.joinRing(peer.address)],
	["leaveRing", (node) => node.leaveRing()],
	["lookup", (node) => node.lookup(id)],
	["request", (node, peer) => node.request(peer, echo, "x")],
	["notify", (node, peer) => node.notify(peer, shout, "x")],
];
const GETTERS = [
	"hash",
	"address",
	"bound",
	"predecessor",
	"successor",
	"successors",
	"fingers",
	"peers",
	"incarnation",
	"standing",
] as const;

async function scene(options: LocalNodeOptions = {}): Promise<{
	ring: Ring;
	node: LocalNode;
	peer: LocalNode;
	fresh: LocalNode;
}> {
	const ring = new Ring(1);
	const [node, peer] = [await ring.add("node", options), await ring.add("peer")];
	const host = ring.host("fresh");
	const ports = { clock: host.clock, random: host.random, transport: host.transport };
	return {
		ring,
		node,
		peer,
		fresh: new LocalNode("fresh", { host: host.ip, port: 7000 }, { ports }),
	};
}

test.each(OPERATIONS)("%s before listen rejects with NOT_LISTENING", async (_name, run) => {
	const { fresh, peer } = await scene();
	await expect(run(fresh, peer)).rejects.toEqual(chordError("NOT_LISTENING"));
});

test.each(OPERATIONS)("%s after close rejects with CLOSED", async (_name, run) => {
	const { ring, node, peer } = await scene();
	await ring.until(node.close());
	await expect(run(node, peer)).rejects.toEqual(chordError("CLOSED"));
	expect(ring.hostOf(node).links).toBe(0);
});

test.each(GETTERS)("%s before listen throws NOT_LISTENING", async (name) => {
	const { fresh } = await scene();
	expect(() => fresh[name]).toThrow(chordError("NOT_LISTENING"));
});

test("route before listen throws NOT_LISTENING, after close CLOSED", async () => {
	const { ring, node, fresh } = await scene();
	expect(() => fresh.route(id, shout, "x")).toThrow(chordError("NOT_LISTENING"));
	await ring.until(node.close());
	expect(() => node.route(id, shout, "x")).toThrow(chordError("CLOSED"));
});

test("listen again rejects with ALREADY_LISTENING, after close with CLOSED", async () => {
	const { fresh } = await scene();
	const [first, second] = [fresh.listen(), fresh.listen()];
	await expect(second).rejects.toEqual(chordError("ALREADY_LISTENING"));
	expect(await first).toBe(fresh);
	await expect(fresh.listen()).rejects.toEqual(chordError("ALREADY_LISTENING"));
	await fresh.close();
	await expect(fresh.listen()).rejects.toEqual(chordError("CLOSED"));
});

type Call = (node: LocalNode, peer: LocalNode) => unknown;
/** What a program in JavaScript may come up with. */
const wrong = (value: unknown): never => value as never;
const PEERS = [undefined, null, "192.0.2.1:1", {}, { hash: id }, { hash: "00", address: ANY }];
const ADDRESSES: unknown[] = [
	undefined,
	null,
	"192.0.2.1:7000",
	7000,
	[],
	{},
	{ host: "", port: 7000 },
	{ host: 5, port: 7000 },
	{ host: "192.0.2.1" },
	...[-1, 0, 65_536, 1.5, Number.NaN, "80"].map((port) => ({ host: "192.0.2.1", port })),
	[{ host: "192.0.2.1", port: 7000 }, undefined],
];
const WAITS = [
	{ timeout: -1 },
	{ timeout: Number.NaN },
	{ timeout: "5" },
	{ timeout: null },
	{ signal: "stop" },
	{ signal: null },
	{ signal: {} },
];
const PROMISED: readonly (readonly [string, Call])[] = [
	...ADDRESSES.map((address) => {
		const call: Call = (node) => node.joinRing(wrong(address));
		return [`joinRing(${JSON.stringify(address)})`, call] as const;
	}),
	...WAITS.flatMap((options) => {
		const given = wrong(options);
		const shown = JSON.stringify(options);
		const calls: readonly (readonly [string, Call])[] = [
			[`joinRing with ${shown}`, (node, peer) => node.joinRing(peer.address, given)],
			[`leaveRing with ${shown}`, (node) => node.leaveRing(given)],
			[`lookup with ${shown}`, (node) => node.lookup(id, given)],
			[`request with ${shown}`, (node, peer) => node.request(peer, echo, "x", given)],
			[`notify with ${shown}`, (node, peer) => node.notify(peer, shout, "x", given)],
		];
		return calls;
	}),
	...[undefined, null, "00", 5n, new Uint8Array(32)].map((key) => {
		const call: Call = (node) => node.lookup(wrong(key));
		return [`lookup(${String(key)})`, call] as const;
	}),
	["lookup in an unknown mode", (node) => node.lookup(id, { mode: wrong("fast") })],
	...PEERS.flatMap((peer) => {
		const calls: readonly (readonly [string, Call])[] = [
			[`request to ${JSON.stringify(peer)}`, (node) => node.request(wrong(peer), echo, "x")],
			[`notify to ${JSON.stringify(peer)}`, (node) => node.notify(wrong(peer), shout, "x")],
		];
		return calls;
	}),
	["request of no type", (node, peer) => node.request(peer, wrong(undefined), "x")],
	["request of a notice type", (node, peer) => node.request(peer, wrong(shout), "x")],
	["notify of a request type", (node, peer) => node.notify(peer, wrong(echo), "x")],
	["request with a body of another type", (node, peer) => node.request(peer, echo, wrong(5))],
	["notify with a body of another type", (node, peer) => node.notify(peer, shout, wrong(null))],
];

test.each(PROMISED)(
	"%s rejects with INVALID_ARGUMENT, and changes nothing",
	async (_name, call) => {
		const { ring, node, peer } = await scene();
		const answer = call(node, peer);
		expect(answer).toBeInstanceOf(Promise);
		await expect(answer).rejects.toEqual(chordError("INVALID_ARGUMENT"));
		await ring.simulation.run(100);
		expect([node.peers.length, node.standing, ring.hostOf(node).links]).toEqual([0, "outside", 0]);
	},
);

const THROWN: readonly (readonly [string, Call])[] = [
	["on without a listener", (node) => node.on("link", wrong(undefined))],
	["handle without a type", (node) => node.handle(wrong(undefined), (x) => x)],
	["handle without a handler", (node) => node.handle(echo, wrong(undefined))],
	["handleRouted of a request type", (node) => node.handleRouted(wrong(echo), () => {})],
	["handleRouted without a handler", (node) => node.handleRouted(shout, wrong(undefined))],
	["route towards no hash", (node) => node.route(wrong("00"), shout, "x")],
	["route of no type", (node) => node.route(id, wrong(undefined), "x")],
	["route of a body of another type", (node) => node.route(id, shout, wrong(5))],
	["route via nobody", (node) => node.route(id, shout, "x", { via: wrong({}) })],
	[
		"a request type without a name",
		() => defineRequest("", { request: nothing, response: nothing }),
	],
	["a notice type whose name is a number", () => defineNotice(wrong(5), nothing)],
];

test.each(THROWN)("%s throws INVALID_ARGUMENT", async (_name, call) => {
	const { node, peer } = await scene();
	expect(() => call(node, peer)).toThrow(chordError("INVALID_ARGUMENT"));
});

test.each([5, null, undefined, {}, () => "x"])(
	"data that gives %s is INVALID_ARGUMENT at listen",
	async (data) => {
		const { ring } = await scene();
		const host = ring.host("giver");
		const ports = { clock: host.clock, random: host.random, transport: host.transport };
		let given: string = wrong(data);
		const node = new LocalNode(() => given, { host: host.ip, port: 7000 }, { ports });
		await expect(node.listen()).rejects.toEqual(chordError("INVALID_ARGUMENT"));
		// Nothing is left of it: the port is free, and it may be tried again.
		given = "data";
		await node.listen();
		expect(node.hash.equals(new Hash({ value: "data" }))).toBe(true);
	},
);

test("data may be a function of the address, and is asked once; bytes are copied", async () => {
	const { ring } = await scene();
	const host = ring.host("asked");
	const ports = { clock: host.clock, random: host.random, transport: host.transport };
	const asked: Address[] = [];
	const bind = { host: host.ip, port: 7000 };
	const node = new LocalNode((at) => `${asked.push(at)} ${at.host}`, bind, { ports });
	await node.listen();
	expect(asked).toEqual([bind]);
	expect(node.hash.equals(new Hash({ value: `1 ${host.ip}` }))).toBe(true);
	const bytes = new Uint8Array(4);
	const other = new LocalNode(bytes, { ...bind, port: 7001 }, { ports });
	bytes.fill(1);
	await other.listen();
	expect(other.hash.equals(new Hash({ value: new Uint8Array(4) }))).toBe(true);
});

test("timeout 0 asks only for what is there already", async () => {
	const { ring, node, peer } = await scene();
	for (const mode of ["recursive", "iterative"] as const) {
		expect((await ring.until(node.lookup(id, { mode, timeout: 0 }))).node).toBe(node);
	}
	await expect(ring.until(node.joinRing(peer.address, { timeout: 0 }))).rejects.toEqual(
		chordError("TIMEOUT"),
	);
	await expect(ring.until(node.request(peer, echo, "x", { timeout: 0 }))).rejects.toEqual(
		chordError("TIMEOUT"),
	);
	await ring.until(node.joinRing(peer.address));
	await ring.until(node.notify(peer, shout, "x", { timeout: 0 }));
});

test("an aborted signal rejects with its reason: before, and in the middle", async () => {
	const { ring, node } = await scene();
	const { address } = await Stranger.listen(ring.host("silent"));
	const reason = { why: "because" };
	const early = AbortSignal.abort(reason);
	await expect(node.joinRing(address, { signal: early })).rejects.toBe(reason);
	await expect(node.lookup(id, { signal: early })).rejects.toBe(reason);
	expect(ring.hostOf(node).links).toBe(0);
	const abort = new AbortController();
	const joined = node.joinRing(address, { signal: abort.signal }).catch((error: unknown) => error);
	await ring.simulation.run(100);
	expect(node.standing).toBe("joining");
	abort.abort(reason);
	expect(await joined).toBe(reason);
	expect(node.standing).toBe("outside");
	await ring.simulation.run(10_000);
	expect(ring.hostOf(node).links).toBe(0);
});

test("close twice, and in the middle of everything: what is pending is CLOSED, and nothing is left to happen", async () => {
	for (let ms = 0; ms < 120; ms += 7) {
		const { ring, node, peer } = await scene();
		const codes = [
			node.joinRing(peer.address),
			node.request(peer, echo, "x"),
			node.notify(peer, shout, "x"),
		].map((pending) =>
			pending.then(
				() => "done",
				(error: { code: string }) => error.code,
			),
		);
		await ring.simulation.run(ms);
		await Promise.all([node.close(), node.close()]);
		await node[Symbol.asyncDispose]();
		for (const code of await ring.until(Promise.all(codes))) {
			expect(["CLOSED", "done", "NOT_HANDLED"]).toContain(code);
		}
		expect([node.peers, ring.timersOf(node)]).toEqual([[], 0]);
		// What has been sent already is still on its way, and asks for nothing more.
		await ring.simulation.run(2_500);
		expect([ring.timersOf(node), ring.hostOf(node).links]).toEqual([0, 0]);
	}
});

test("closed while its address is not known yet, a node lets go of its port", async () => {
	const ring = new Ring(1);
	const ports = ring.host("node");
	const bind = { host: ports.ip, port: 7000 };
	const never = new Promise<undefined>(() => {});
	const waiting = new LocalNode("node", bind, { ports, advertise: () => never });
	let asked = false;
	const node = new LocalNode("node", bind, {
		ports,
		advertise: async () => {
			asked = true;
			return never;
		},
	});
	void node.listen().catch(() => {});
	await ring.until(() => asked);
	await expect(waiting.listen()).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
	await node.close();
	const next = await new LocalNode("node", bind, { ports }).listen();
	await next.close();
});

test("while it joins, a node does not join again; once in a ring, joining that one changes nothing", async () => {
	const { ring, node, peer } = await scene();
	const first = node.joinRing(peer.address);
	await expect(node.joinRing(peer.address)).rejects.toEqual(chordError("BUSY"));
	await ring.until(first);
	await ring.settle();
	const { incarnation } = node;
	await ring.until(node.joinRing(peer.address));
	await ring.settle(0);
	expect(node.incarnation).toBe(incarnation);
});

test("leaving in the middle of joining ends the join with CLOSED, and the node is outside", async () => {
	for (let ms = 5; ms < 150; ms += 5) {
		const { ring, node, peer } = await scene();
		const outcome = node.joinRing(peer.address).then(
			() => "joined",
			(error: { code: string }) => error.code,
		);
		await ring.simulation.run(ms);
		await ring.until(node.leaveRing());
		expect(["joined", "CLOSED"]).toContain(await ring.until(outcome));
		await ring.simulation.run(10_000);
		expect([node.standing, node.successor, peer.successor]).toEqual([
			"outside",
			undefined,
			undefined,
		]);
		await ring.until(node.joinRing(peer.address));
		await ring.settle();
	}
});

test("an abort at any moment of a join leaves the node in no ring, and able to join", async () => {
	for (let ms = 5; ms < 100; ms += 5) {
		const { ring, node, peer } = await scene();
		const abort = new AbortController();
		const outcome = node
			.joinRing(peer.address, { signal: abort.signal })
			.then(() => "joined", String);
		await ring.simulation.run(ms);
		abort.abort("enough");
		if ((await ring.until(outcome)) === "joined") continue;
		expect([await outcome, node.standing, node.successor]).toEqual([
			"enough",
			"outside",
			undefined,
		]);
		await ring.simulation.run(10_000);
		expect(peer.successor).toBeUndefined();
		await ring.until(node.joinRing(peer.address));
		await ring.settle();
	}
});
