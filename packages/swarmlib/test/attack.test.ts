import { type ChildProcess, fork } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";

import {
	type Address,
	LocalNode,
	type NoticeType,
	type RequestType,
	defineNotice,
	defineRequest,
	formatAddress,
	rest,
} from "@cicada/chordlib";
import { afterAll, beforeAll, expect, test } from "vitest";

import { SwarmPeer } from "../src/index.ts";

// What one packet once did to a peer of the original, and more: each is done over real sockets to a peer in another
// process, which must go on serving an honest neighbour on the link that they have.

const MIB = 1_048_576;
const factor = Number(process.env["CICADA_FACTOR"] ?? 1);

interface Health {
	readonly rss: number;
	readonly links: number;
	readonly pendingLinks: number;
	readonly troubles: readonly string[];
}

let victim: ChildProcess;
let at: Address;
let honest: SwarmPeer;
let lost = 0;

beforeAll(async () => {
	victim = fork(fileURLToPath(new URL("victim.mjs", import.meta.url)));
	[at] = (await once(victim, "message")) as [Address];
	honest = await new SwarmPeer().bind("127.0.0.1", 0);
	await honest.connect(at);
	honest.on("peerGone", ({ address }) => {
		if (address?.port === at.port) lost++;
	});
});

afterAll(async () => {
	await honest.close();
	victim.disconnect();
	await once(victim, "exit");
});

async function health(): Promise<Health> {
	const told = once(victim, "message");
	victim.send("how are you?");
	const [answer] = (await told) as [Health];
	return answer;
}

/** Asks the victim until so many links that it accepted have not said who they are. */
async function untilPending(count: number): Promise<void> {
	while ((await health()).pendingLinks !== count);
}

async function expectServed(message: string | Uint8Array = "are you there?"): Promise<void> {
	await honest.send(at, message);
	const { source, data } = await honest.recv();
	expect(formatAddress(source.address ?? { host: "", port: 0 })).toBe(formatAddress(at));
	expect(Buffer.compare(data, Buffer.from(message))).toBe(0);
}

/** All the while the neighbour was served over one link, and nothing reached the victim's program. */
async function expectUnharmed(): Promise<void> {
	await expectServed();
	expect((await health()).troubles).toEqual([]);
	expect(lost).toBe(0);
}

/** A socket that is connected, and that takes whatever end it comes to. */
async function dial(): Promise<Socket> {
	const socket = connect(at.port, at.host);
	socket.on("error", () => {});
	socket.resume();
	await once(socket, "connect");
	return socket;
}

/** Says something, and waits until the victim has ended the link. */
async function attack(bytes: Uint8Array): Promise<void> {
	const socket = await dial();
	const closed = once(socket, "close");
	socket.write(bytes);
	await closed;
}

/** What a peer of the network without a name says first: `features` 1 has sealed links. */
function hello(features: 0 | 1): Buffer {
	const network = createHash("sha256").update("").digest();
	const head = Buffer.from("43494341444101002800010001", "hex");
	return Buffer.concat([head, network, Buffer.from([0, 0, 0, features])]);
}

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");

test("8 a reset right after connecting, many times", async () => {
	for (let i = 0; i < 50; i++) (await dial()).resetAndDestroy();
	await expectUnharmed();
});

test("9, 10 sockets with numbers beyond 1,024, all of which are closed when the other end has gone", async () => {
	await untilPending(0);
	const sockets = await Promise.all(Array.from({ length: 40 }, dial));
	await untilPending(40);
	await Promise.all(sockets.map((socket) => once(socket.end(), "close")));
	await untilPending(0);
	expect((await health()).links).toBe(1);
	await expectUnharmed();
});

test.each([
	["text", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
	["zeros", Buffer.alloc(1_000)],
	["ones", Buffer.alloc(100_000, 0xff)],
	["a hello without end", Buffer.concat([hex("43494341444101ffff"), Buffer.alloc(100_000)])],
	["another network", Buffer.concat([hex("4349434144410100280001 0001"), Buffer.alloc(36)])],
	["a length of 4 GiB", Buffer.concat([hello(1), hex("ffffffff")])],
	["a length of 4 GiB, in clear", Buffer.concat([hello(0), hex("ffffffff")])],
	["12 a handshake that does not fit", Buffer.concat([hello(1), randomBytes(400)])],
	["1 an unknown message in clear", Buffer.concat([hello(0), hex("000000027f00")])],
	[
		"2 an answer that nobody asked for, in clear",
		Buffer.concat([hello(0), hex("000000070200000001cafe")]),
	],
	["3 a goodbye in clear", Buffer.concat([hello(0), hex("000000020801")])],
])("11 a stranger is left who says: %s", async (_name, bytes) => {
	await attack(bytes);
	await expectUnharmed();
});

test("what a stranger says is altered at random, over and over", async () => {
	const said = Buffer.concat([hello(1), randomBytes(96)]);
	for (let i = 0; i < 200 * factor; i++) {
		const bytes = Buffer.from(said);
		for (let changes = 1 + (i % 4); changes > 0; changes--) {
			const [where = 0, what = 0] = randomBytes(2);
			bytes[where % bytes.length] = what;
		}
		const socket = await dial();
		socket.end(bytes);
		await once(socket, "close");
	}
	await expectUnharmed();
});

/** One who does belong to the network, and says what he likes where a member has his own words. */
function insider(): Promise<LocalNode> {
	const node = new LocalNode(formatAddress, { host: "127.0.0.1", port: 0 });
	return node.listen();
}

const anyRequest = (name: string): RequestType<Uint8Array, Uint8Array> =>
	defineRequest(name, { request: rest, response: rest });
const anyNotice = (name: string): NoticeType<Uint8Array> => defineNotice(name, rest);

const NOTICES = [
	"ring/1/notify",
	"ring/1/list",
	"ring/1/standing",
	"ring/1/suggest",
	"ring/1/routed",
];
const REQUESTS = ["view", "witness", "join", "entered", "owner", "direction"];
const SWARM = ["knock", "packet", "reply", "broadcast/report", "broadcast/withdraw"];
const BODIES = [
	["nothing", Buffer.alloc(0)],
	["5 a byte", Buffer.alloc(1)],
	["5, 6 twenty bytes", Buffer.alloc(20, 0x11)],
	["7 too many", Buffer.alloc(300, 0xff)],
	["the most that a frame holds", Buffer.alloc(65_000, 0x01)],
] as const;

/** The victim as one to talk to. */
async function target(node: LocalNode): Promise<LocalNode["peers"][number]> {
	await node.joinRing(at);
	const found = node.peers.find(({ address }) => address.port === at.port);
	if (found === undefined) throw new Error("no link to the victim");
	return found;
}

test.each(BODIES)(
	"1, 4 to 7, 16 a member says in every kind of message: %s",
	async (_name, body) => {
		const names = [...NOTICES, ...SWARM.map((name) => `swarm/1/${name}`), "nobody's/1/word"];
		for (const name of names) {
			const node = await insider();
			const to = await target(node);
			await node.notify(to, anyNotice(`cicada/${name}`), body).catch(() => {});
			if (name.startsWith("swarm")) node.route(to.hash, anyNotice(`cicada/${name}`), body);
			await node.request(to, anyRequest("nobody's/1/question"), body).catch(() => {});
			await node.close();
		}
		for (const name of [...REQUESTS.map((end) => `ring/1/${end}`), "swarm/1/broadcast/offer"]) {
			const node = await insider();
			const to = await target(node);
			await node
				.request(to, anyRequest(`cicada/${name}`), body, { timeout: 2_000 })
				.catch(() => {});
			await node.close();
		}
		await expectUnharmed();
	},
);

test("3 a member leaves, comes back and leaves, many times", async () => {
	for (let i = 0; i < 20; i++) {
		const node = await insider();
		await node.joinRing(at);
		await node.close();
	}
	await expectUnharmed();
});

test("15 nobody is dialled for what a member says about him", async () => {
	const trap = createServer();
	let dialled = 0;
	trap.on("connection", (socket) => {
		dialled++;
		socket.destroy();
	});
	trap.listen(0, "127.0.0.1");
	await once(trap, "listening");
	const { port } = trap.address() as { port: number };
	const somebody = Buffer.concat([
		createHash("sha256").update(`127.0.0.1:${port}`).digest(),
		hex("047f000001"),
		Buffer.from([port >> 8, port & 255]),
		hex("000000000009"),
	]);
	const node = await insider();
	const to = await target(node);
	const said = Buffer.concat([hex("01"), somebody]);
	await node.request(to, anyRequest("cicada/ring/1/entered"), said).catch(() => {});
	await node.close();
	await expectServed();
	expect(dialled).toBe(0);
	trap.close();
	await expectUnharmed();
});

test("13 a message of 1 MiB goes there and back", async () => {
	await expectServed(randomBytes(MIB));
	await expectUnharmed();
});

test("1,000 connections that send a byte each second cost less than 64 MiB, and keep nobody out", async () => {
	await expectServed(randomBytes(MIB));
	const before = await health();
	const bytes = hello(1);
	const sockets = await Promise.all(Array.from({ length: 1_000 }, dial));
	let sent = 0;
	const timer = setInterval(() => {
		for (const socket of sockets) if (socket.writable) socket.write(bytes.subarray(sent, sent + 1));
		sent++;
	}, 1_000);
	let most = 0;
	let served = 0;
	while (sockets.some(({ closed }) => !closed)) {
		await expectServed();
		served++;
		most = Math.max(most, (await health()).rss);
	}
	clearInterval(timer);
	expect(served).toBeGreaterThan(10);
	expect(most - before.rss).toBeLessThan(64 * MIB);
	const newcomer = await new SwarmPeer().bind("127.0.0.1", 0);
	await newcomer.connect(at);
	await newcomer.close();
	await expectUnharmed();
});
