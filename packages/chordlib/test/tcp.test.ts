import { type Server, createServer } from "node:net";

import { afterEach, expect, test } from "vitest";

import {
	type Address,
	Hash,
	LocalNode,
	type LocalNodeOptions,
	defineRequest,
	text,
} from "../src/index.ts";
import { nameOf } from "./ring.ts";

const ANY = { host: "127.0.0.1", port: 0 };
const echo = defineRequest("test/echo", { request: text(10), response: text(10) });

const nodes: LocalNode[] = [];
const servers: Server[] = [];

afterEach(async () => {
	await Promise.all(nodes.splice(0).map((node) => node.close()));
	for (const server of servers.splice(0)) server.close();
});

async function open(
	data: string | ((bound: Address) => string) = "node",
	bind: Address = ANY,
	options: LocalNodeOptions = {},
): Promise<LocalNode> {
	const node = new LocalNode(data, bind, options);
	nodes.push(node);
	return node.listen();
}

/** A TCP server that greets who connects. */
async function serve(greeting: string): Promise<Address> {
	const server = createServer((socket) => {
		socket.on("error", () => {});
		// Who does not read never learns that the other end has gone.
		socket.resume();
		socket.end(greeting);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	return { host: "127.0.0.1", port };
}

const sockets = (): string[] =>
	process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP"));

/** Turns of the event loop, until no socket is open any more. What timers are left, simulated time tells. */
async function untilReleased(): Promise<void> {
	while (sockets().length > 0) await new Promise((resolve) => setImmediate(resolve));
}

test.each([
	[64, "in clear", { encryption: "off" }],
	[20, "sealed", { network: { id: "sealed", secret: new Uint8Array(32) } }],
] as const)(
	"%i nodes on real sockets, %s: each one's lookup of each one's id answers that node; then all is let go",
	async (size, _how, options) => {
		const pace = { fastest: 20, slowest: 500 };
		const all: LocalNode[] = [];
		for (let i = 0; i < size; i++) {
			const node = await open(({ host, port }) => `${host}:${port}`, ANY, { pace, ...options });
			const through = all[Math.floor(i / 2)];
			if (through !== undefined) await node.joinRing(through.address);
			all.push(node);
		}
		const sorted = all.toSorted((a, b) => a.hash.compare(b.hash));
		const isIdeal = (): boolean =>
			sorted.every((node, i) => {
				const next = Array.from({ length: 16 }, (_, k) => nameOf(sorted[(i + k + 1) % size]));
				const before = nameOf(sorted.at(i - 1));
				return (
					node.successors.map(nameOf).join() === next.join() && nameOf(node.predecessor) === before
				);
			});
		while (!isIdeal()) await new Promise((resolve) => setImmediate(resolve));
		const wrong: string[] = [];
		for (const from of all) {
			// Of one node at a time: with all at once, a busy machine answers nobody in time, and the living seem dead.
			const lookups = all.map(async (to) => {
				const { node } = await from.lookup(to.hash, { timeout: 60_000 });
				if (nameOf(node) !== nameOf(to))
					wrong.push(`${nameOf(from)}: ${nameOf(node)} for ${nameOf(to)}`);
			});
			await Promise.all(lookups);
		}
		expect(wrong).toEqual([]);
		await Promise.all(all.map((node) => node.close()));
		await untilReleased();
		expect(sockets()).toEqual([]);
	},
	60_000,
);

test("port 0 takes a free port, and the address says which", async () => {
	const node = await open();
	expect(node.address.host).toBe("127.0.0.1");
	expect(node.address.port).toBeGreaterThan(0);
	expect(node.bound).toEqual(node.address);
});

test("a host name is resolved; all interfaces are those at which others reach this machine", async () => {
	const named = await open("a", { host: "localhost", port: 0 });
	expect(["127.0.0.1", "::1"]).toContain(named.address.host);
	const everywhere = await open("b", { host: "", port: 0 });
	expect(everywhere.bound.host).toBe("0.0.0.0");
	expect(everywhere.address.host).not.toBe("0.0.0.0");
	const advertised = await open("c", ANY, { advertise: { host: "192.0.2.7", port: 7777 } });
	expect(advertised.address).toEqual({ host: "192.0.2.7", port: 7777 });
});

test("IPv6: nodes on ::1 find each other", async () => {
	const [a, b] = [
		await open("a", { host: "::1", port: 0 }),
		await open("b", { host: "0:0::1", port: 0 }),
	];
	await b.joinRing(a.address);
	expect(b.successor?.hash.equals(a.hash)).toBe(true);
	expect(b.address.host).toBe("::1");
});

test("a port that is taken is ADDRESS_IN_USE, and one that is free again can be had", async () => {
	const first = await open();
	const second = new LocalNode("second", first.address);
	nodes.push(second);
	await expect(second.listen()).rejects.toMatchObject({
		name: "ChordError",
		code: "ADDRESS_IN_USE",
	});
	await first.close();
	await expect(second.listen()).resolves.toBe(second);
});

test.each([
	["192.0.2.1", "ADDRESS_NOT_AVAILABLE"],
	["2001:db8::1", "ADDRESS_NOT_AVAILABLE"],
	["nobody.invalid", "UNRESOLVED"],
	["no name at all", "UNRESOLVED"],
	["127.0.0.256", "UNRESOLVED"],
])("listening at %s is %s", async (host, code) => {
	await expect(open("node", { host, port: 0 })).rejects.toMatchObject({ name: "ChordError", code });
});

test("joining through a name that does not exist is UNRESOLVED", async () => {
	const node = await open();
	await expect(node.joinRing({ host: "nobody.invalid", port: 7000 })).rejects.toMatchObject({
		code: "UNRESOLVED",
	});
});

test("joining through nobody, or oneself, is UNREACHABLE", async () => {
	const node = await open();
	const gone = await open("gone");
	const { address } = gone;
	await gone.close();
	await expect(node.joinRing(address)).rejects.toMatchObject({ code: "UNREACHABLE" });
	await expect(node.joinRing(node.address)).rejects.toMatchObject({ code: "UNREACHABLE" });
	const everywhere = await open("everywhere", { host: "", port: 0 });
	const self = { host: "127.0.0.1", port: everywhere.address.port };
	await expect(everywhere.joinRing(self)).rejects.toMatchObject({ code: "UNREACHABLE" });
});

test("joining through a web server is INCOMPATIBLE", async () => {
	const node = await open();
	const address = await serve("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
	await expect(node.joinRing(address)).rejects.toMatchObject({ code: "INCOMPATIBLE" });
});

test("joining through a server that hangs up is UNREACHABLE, through one of another network INCOMPATIBLE", async () => {
	const node = await open();
	await expect(node.joinRing(await serve(""))).rejects.toMatchObject({ code: "UNREACHABLE" });
	const other = await open("other", ANY, { network: "other" });
	await expect(node.joinRing(other.address)).rejects.toMatchObject({
		code: "INCOMPATIBLE",
		message: expect.stringContaining("network") as string,
	});
});

test("of several addresses the first that answers is joined; when none does, all are named", async () => {
	const [node, member] = [await open("node"), await open("member")];
	const web = await serve("HTTP/1.1 400 Bad Request\r\n\r\n");
	const none = { host: "nobody.invalid", port: 7000 };
	const failed = node.joinRing([web, none]);
	await expect(failed).rejects.toMatchObject({ code: "UNREACHABLE" });
	await expect(failed).rejects.toThrow(/nobody\.invalid/);
	await expect(failed).rejects.toThrow(/does not speak/);
	await node.joinRing([web, none, member.address]);
	expect(node.successor?.hash.equals(member.hash)).toBe(true);
});

test("who connects while a node is about to listen, or to close, is turned away, and nothing fails", async () => {
	const [peer, port] = [await open("peer"), (await open("port")).address.port];
	await nodes[1]?.close();
	const bind = { host: "127.0.0.1", port };
	for (let i = 0; i < 10; i++) {
		const node = new LocalNode("node", bind);
		const dials = [1, 2, 3].map(() =>
			peer.request({ hash: new Hash({ value: "node" }), address: bind }, echo, "x"),
		);
		const outcomes = Promise.allSettled(dials);
		await node.listen();
		const [outcome] = await Promise.all([outcomes, node.close()]);
		for (const { status } of outcome) expect(status).toBe("rejected");
	}
});

test("a node that closes before it listens does not listen", async () => {
	const node = new LocalNode("node", { host: "localhost", port: 0 });
	const listening = node.listen();
	await node.close();
	await expect(listening).rejects.toMatchObject({ code: "CLOSED" });
	await untilReleased();
	expect(sockets()).toEqual([]);
});
