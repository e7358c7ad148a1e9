import { createServer as createWebServer } from "node:http";
import { type AddressInfo, type Server, createServer } from "node:net";

import { tcp } from "@cicada/chordlib";
import { afterEach, describe, expect, test } from "vitest";

import { type External, Hash, SwarmError, SwarmPeer } from "../src/index.ts";
import { type PeerOptions, codeOf, expectCode } from "./swarm.ts";

/** What a test has opened; closed when it is over. */
const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
	await Promise.all(open.splice(0).map((close) => close()));
});

function make(options: PeerOptions = {}): SwarmPeer {
	const peer = new SwarmPeer(options);
	open.push(() => peer.close());
	return peer;
}

async function bound(options: PeerOptions = {}): Promise<SwarmPeer> {
	return make(options).bind("127.0.0.1", 0);
}

/** The port of a server that is closed, with all its connections, after the test. */
async function portOf(server: Server): Promise<number> {
	const sockets = new Set<{ destroy(): void }>();
	server.on("connection", (socket) => sockets.add(socket));
	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	open.push(() => {
		for (const socket of sockets) socket.destroy();
		return new Promise((resolve) => {
			server.close(resolve);
		});
	});
	return (server.address() as AddressInfo).port;
}

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
	const port = await portOf(createServer());
	await open.pop()?.();
	return port;
}

/** What a value is called in the name of a test. */
function show(value: unknown): string {
	if (value instanceof Uint8Array) return `${value.length} bytes`;
	return typeof value === "object" && value !== null
		? Object.prototype.toString.call(value)
		: String(value);
}

/** A call with arguments that the types do not allow. */
function call(peer: SwarmPeer, method: keyof SwarmPeer, ...args: unknown[]): Promise<unknown> {
	const { [method]: run } = peer;
	return (run as (...args: unknown[]) => Promise<unknown>).apply(peer, args);
}

const hash = new Hash({ value: "somebody" });
const ports = [-1, 1.5, 65_536, NaN, Infinity, "80", "7000", undefined, null, {}];
const waits = [
	null,
	5,
	"soon",
	{ timeout: -1 },
	{ timeout: NaN },
	{ timeout: "5" },
	{ timeout: null },
	{ signal: {} },
	{ signal: null },
];
const badData = [undefined, null, 5, {}, [1, 2], new ArrayBuffer(3), new Uint16Array(2)];
const badTargets = [
	undefined,
	null,
	5,
	"127.0.0.1:80",
	[],
	["127.0.0.1"],
	[1, 7000],
	{},
	{ host: 5, port: 7000 },
	["", 7000],
	["a", 7000, 1],
];

interface Row {
	readonly method: keyof SwarmPeer;
	readonly args: readonly unknown[];
	readonly code: string;
}

const rows: Row[] = [
	...[...ports, 1, 80, 1_024, 65_535].map((port) =>
		row("bind", ["127.0.0.1", port], "INVALID_PORT"),
	),
	...[undefined, null, 5, {}].map((addr) => row("bind", [addr, 0], "INVALID_ARGUMENT")),
	...[...ports, 0].map((port) => row("connect", ["127.0.0.1", port], "INVALID_PORT")),
	...[...ports, 0].map((port) => row("connect", [{ host: "127.0.0.1", port }], "INVALID_PORT")),
	...[undefined, null, 5, {}, [], [5], [{ host: "", port: 7000 }]].map((to) =>
		row("connect", [to], "INVALID_ARGUMENT"),
	),
	row("connect", ["", 7000], "INVALID_ARGUMENT"),
	...waits.map((wait) => row("connect", ["127.0.0.1", 7000, wait], "INVALID_ARGUMENT")),
	...badTargets.map((target) => row("send", [target, "x"], "INVALID_ARGUMENT")),
	...[...ports, 0].map((port) => row("send", [["127.0.0.1", port], "x"], "INVALID_PORT")),
	...badData.map((data) => row("send", [hash, data], "INVALID_ARGUMENT")),
	...[-1, 1.5, 33, "1", null].map((duplicates) =>
		row("send", [hash, "x", { duplicates }], "INVALID_ARGUMENT"),
	),
	...["direct", null, 1].map((route) => row("send", [hash, "x", { route }], "INVALID_ARGUMENT")),
	...waits.map((wait) => row("send", [hash, "x", wait], "INVALID_ARGUMENT")),
	row("send", [hash, new Uint8Array(1_048_577)], "TOO_LARGE"),
	...badData.map((data) => row("broadcast", [data], "INVALID_ARGUMENT")),
	...[null, 5, "hash", hash, [5], ["a"], [null]].map((visited) =>
		row("broadcast", ["x", { visited }], "INVALID_ARGUMENT"),
	),
	row(
		"broadcast",
		["x", { visited: Array.from({ length: 257 }, (_, i) => new Hash({ value: `${i}` })) }],
		"INVALID_ARGUMENT",
	),
	...waits.map((wait) => row("broadcast", ["x", wait], "INVALID_ARGUMENT")),
	row("broadcast", [new Uint8Array(1_048_577)], "TOO_LARGE"),
	...waits.map((wait) => row("recv", [wait], "INVALID_ARGUMENT")),
	...waits.map((wait) => row("disconnect", [wait], "INVALID_ARGUMENT")),
];

function row(method: keyof SwarmPeer, args: readonly unknown[], code: string): Row {
	return { method, args, code };
}

describe("bad input rejects, and never throws", () => {
	test.each(rows.map((row) => ({ ...row, shown: row.args.map(show).join(", ") })))(
		"$method($shown): $code",
		async ({ method, args, code }) => {
			const peer = method === "bind" ? make() : await bound();
			await expectCode(call(peer, method, ...args), code);
		},
	);

	test("after bad input, the same peer does as if nothing had been", async () => {
		const [peer, other] = [make(), await bound()];
		for (const { method, args, code } of rows.filter(({ method }) => method === "bind")) {
			await expectCode(call(peer, method, ...args), code);
		}
		await peer.bind("127.0.0.1", 0);
		await peer.connect(other.listener);
		for (const { method, args, code } of rows.filter(({ method }) => method !== "bind")) {
			await expectCode(call(peer, method, ...args), code);
		}
		await peer.send(other, "fine");
		expect(other.pending).toBe(1);
		expect(peer.peers).toHaveLength(1);
	});
});

test.each([
	null,
	5,
	{ hooks: null },
	{ hooks: { send: 1 } },
	{ hooks: { recv: {} } },
	{ hooks: { newPeer: "x" } },
	{ network: 5 },
	{ network: null },
	{ inbox: 5 },
	{ inbox: { messages: 0 } },
	{ inbox: { bytes: 1.5 } },
	{ message: 0 },
	{ message: "1" },
	{ successors: 0 },
	{ successors: 65 },
	{ limits: { links: 0 } },
	{ limits: { speed: 1 } },
	{ limits: 5 },
	{ ports: 5 },
])("the constructor throws INVALID_ARGUMENT for %j", (options) => {
	const construct = (): SwarmPeer => new SwarmPeer(options as unknown as PeerOptions);
	expect(construct).toThrow(SwarmError);
	expect(construct).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});

test("`on` throws for what is no event, no listener, no signal", () => {
	const on = (...args: unknown[]): (() => unknown) => {
		const peer = make();
		return () => (peer.on as (...args: unknown[]) => unknown).apply(peer, args);
	};
	const invalid = expect.objectContaining({
		name: "SwarmError",
		code: "INVALID_ARGUMENT",
	}) as Error;
	expect(on("nothing", () => {})).toThrow(invalid);
	expect(on("peer", "listener")).toThrow(invalid);
	expect(on("peer", () => {}, { signal: {} })).toThrow(invalid);
	expect(on("peer", () => {}, null)).toThrow(invalid);
});

test("before bind everything is NOT_BOUND; close works, peers is empty, pending 0", async () => {
	const peer = make();
	const operations = [
		peer.connect("127.0.0.1", 7000),
		peer.send(hash, "x"),
		peer.broadcast("x"),
		peer.recv(),
		peer.disconnect(),
		peer[Symbol.asyncIterator]().next(),
	];
	for (const operation of operations) await expectCode(operation, "NOT_BOUND");
	const notBound = expect.objectContaining({ name: "SwarmError", code: "NOT_BOUND" }) as Error;
	expect(() => peer.hash).toThrow(notBound);
	expect(() => peer.listener).toThrow(notBound);
	expect([peer.peers, peer.pending]).toEqual([[], 0]);
	await expectCode((await bound()).send(peer, "x"), "NOT_BOUND");
	await peer.close();
	await expectCode(peer.recv(), "CLOSED");
});

test("a host name that has no address is UNRESOLVED, in bind, connect and send", async () => {
	const peer = await bound();
	await expectCode(make().bind("nobody.invalid", 0), "UNRESOLVED");
	await expectCode(make().bind("127.0.0.1", 0, { ip: "nobody.invalid", port: 7000 }), "UNRESOLVED");
	await expectCode(peer.connect("nobody.invalid", 7000, { timeout: 25_000 }), "UNRESOLVED");
	await expectCode(peer.send(["nobody.invalid", 7000], "x"), "UNRESOLVED");
});

test("a host name that is never resolved: time-out, abort and close end the wait, and sends elsewhere go on", async () => {
	const transport = { ...tcp, resolve: (): Promise<string> => new Promise(() => {}) };
	const peer = await bound({ ports: { transport } });
	const stop = new AbortController();
	await expectCode(peer.send(["slow", 7000], "x", { timeout: 5 }), "TIMEOUT");
	await expectCode(peer.connect("slow", 7000, { timeout: 5 }), "TIMEOUT");
	const aborted = peer.send(["slow", 7000], "x", { signal: stop.signal });
	stop.abort("stopped");
	await expect(aborted).rejects.toBe("stopped");
	const closed = expectCode(peer.send(["slow", 7000], "x"), "CLOSED");
	await peer.send(peer, "not held up");
	await peer.close();
	await closed;
});

test("connect: nobody there is UNREACHABLE, also when it is oneself", async () => {
	const peer = await bound();
	await expectCode(peer.connect("127.0.0.1", await deadPort()), "UNREACHABLE");
	await expectCode(peer.connect([{ host: "127.0.0.1", port: await deadPort() }]), "UNREACHABLE");
	await expectCode(peer.connect(peer.listener), "UNREACHABLE");
});

test("connect: a web server is INCOMPATIBLE", async () => {
	const web = createWebServer((_request, response) => response.end("hello"));
	await expectCode((await bound()).connect("127.0.0.1", await portOf(web)), "INCOMPATIBLE");
});

test("connect: a server that accepts and says nothing is UNREACHABLE, or TIMEOUT when that is sooner", async () => {
	const port = await portOf(createServer());
	const peer = await bound({ limits: { handshakeTimeout: 200 } });
	await expectCode(peer.connect("127.0.0.1", port), "UNREACHABLE");
	await expectCode(peer.connect("127.0.0.1", port, { timeout: 50 }), "TIMEOUT");
	await expectCode(peer.connect("127.0.0.1", port, { timeout: 0 }), "TIMEOUT");
});

test("connect: a server that hangs up is UNREACHABLE", async () => {
	const port = await portOf(createServer((socket) => socket.end()));
	await expectCode((await bound()).connect("127.0.0.1", port), "UNREACHABLE");
	const rude = await portOf(createServer((socket) => socket.resetAndDestroy()));
	await expectCode((await bound()).connect("127.0.0.1", rude), "UNREACHABLE");
});

test("connect: another network is INCOMPATIBLE", async () => {
	const [ours, theirs] = [await bound({ network: "ours" }), await bound({ network: "theirs" })];
	await expectCode(ours.connect(theirs.listener), "INCOMPATIBLE");
});

test("connect takes the first of several addresses that answers", async () => {
	const [peer, other] = [await bound(), await bound()];
	await peer.connect([{ host: "127.0.0.1", port: await deadPort() }, other.listener]);
	expect(peer.peers[0]?.hash.equals(other.hash)).toBe(true);
});

test("bind: twice is ALREADY_BOUND, also while the first is under way", async () => {
	const peer = make();
	const first = peer.bind("127.0.0.1", 0);
	await expectCode(peer.bind("127.0.0.1", 0), "ALREADY_BOUND");
	expect(await first).toBe(peer);
	await expectCode(peer.bind("127.0.0.1", 0), "ALREADY_BOUND");
});

test("bind: a taken port is ADDRESS_IN_USE, a foreign address ADDRESS_NOT_AVAILABLE, and it can be tried again", async () => {
	const peer = make();
	const { port } = (await bound()).listener;
	await expectCode(peer.bind("127.0.0.1", port), "ADDRESS_IN_USE");
	await expectCode(peer.bind("192.0.2.1", 0), "ADDRESS_NOT_AVAILABLE");
	await peer.bind("127.0.0.1", 0);
	expect(peer.listener.port).toBeGreaterThan(1024);
});

test("bind: ports 1025 and 65534 are the first and the last", async () => {
	for (const port of [1_025, 65_534]) {
		expect(["nothing", "ADDRESS_IN_USE"]).toContain(await codeOf(make().bind("127.0.0.1", port)));
	}
});

describe("external", () => {
	const mapping = { port: 7_431, externalIp: "75.23.66.101", externalPort: 7_000 };
	const closedMapping = {
		port: 7_431,
		get externalIp(): string {
			throw new Error("not open");
		},
		externalPort: 7_000,
	};
	const { port } = mapping;
	test.each([
		{
			name: "a mapping of another port",
			external: (): unknown => ({ ...mapping, port: port + 1 }),
			code: "INVALID_ARGUMENT",
		},
		{
			name: "a mapping that is not open",
			external: (): unknown => closedMapping,
			code: "INVALID_ARGUMENT",
		},
		{
			name: "an IP address alone",
			external: (): unknown => ({ ip: "75.23.66.101" }),
			code: "INVALID_ARGUMENT",
		},
		{ name: "a port alone", external: (): unknown => ({ port }), code: "INVALID_ARGUMENT" },
		{ name: "nothing", external: (): unknown => ({}), code: "INVALID_ARGUMENT" },
		{ name: "null", external: (): unknown => null, code: "INVALID_ARGUMENT" },
		{ name: "a string", external: (): unknown => "75.23.66.101:7000", code: "INVALID_ARGUMENT" },
		{
			name: "an address that is no string",
			external: (): unknown => ({ ip: 5, port: 7_000 }),
			code: "INVALID_ARGUMENT",
		},
		{
			name: "an empty address",
			external: (): unknown => ({ ip: "", port: 7_000 }),
			code: "INVALID_ARGUMENT",
		},
		{
			name: "a port that is no number",
			external: (): unknown => ({ ip: "75.23.66.101", port: "7000" }),
			code: "INVALID_ARGUMENT",
		},
		{
			name: "port 0",
			external: (): unknown => ({ ip: "75.23.66.101", port: 0 }),
			code: "INVALID_PORT",
		},
		{
			name: "a port that nobody dials back",
			external: (): unknown => ({ ip: "75.23.66.101", port: 1_024 }),
			code: "INVALID_PORT",
		},
		{
			name: "a mapping of such a port",
			external: (): unknown => ({ ...mapping, port, externalPort: 443 }),
			code: "INVALID_PORT",
		},
		{
			name: "port 65536",
			external: (): unknown => ({ ip: "75.23.66.101", port: 65_536 }),
			code: "INVALID_PORT",
		},
		{
			name: "an unknown way through NATs",
			external: (): unknown => ({ nat: "upnp" }),
			code: "INVALID_ARGUMENT",
		},
	])("$name: $code", async ({ external, code }) => {
		const peer = make();
		await expectCode(peer.bind("127.0.0.1", port, external() as External), code);
		// Nothing was changed.
		await peer.bind("127.0.0.1", 0, { nat: "off" });
	});

	test("a mapping with the bound port is taken, its getters included; any free port matches none", async () => {
		const { port } = (await bound()).listener;
		await Promise.all(open.splice(0).map((close) => close()));
		const getters = {
			port,
			get externalIp(): string {
				return "75.23.66.101";
			},
			get externalPort(): number {
				return 7_000;
			},
		};
		await expectCode(make().bind("127.0.0.1", 0, getters), "INVALID_ARGUMENT");
		const peer = await make().bind("127.0.0.1", port, getters);
		expect(peer.hash.equals(new Hash({ value: "75.23.66.101:7000" }))).toBe(true);
		expect(peer.listener).toEqual({ host: "127.0.0.1", port });
	});
});
