import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

import {
	LocalNode,
	type NoticeType,
	type RequestType,
	defineNotice,
	defineRequest,
	formatAddress,
	rest,
} from "@cicada/chordlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { SwarmPeer } from "../src/index.ts";
import { Victim, expectServed, expectUnharmed } from "./victim.ts";

// What one packet once did to a peer of the original, and more: each is done over real sockets to a peer in another
// process, which must go on serving an honest neighbour on the link that they have.

const MIB = 1_048_576;
const factor = Number(process.env["CICADA_FACTOR"] ?? 1);

let victim: Victim;

beforeAll(async () => {
	victim = await Victim.start();
});

afterAll(() => victim.stop());

/** What a peer of the network without a name says first: `features` 1 has sealed links. */
function hello(features: 0 | 1): Buffer {
	const network = createHash("sha256").update("").digest();
	const head = Buffer.from("43494341444101002800010001", "hex");
	return Buffer.concat([head, network, Buffer.from([0, 0, 0, features])]);
}

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");

test("8 a reset right after connecting, many times", async () => {
	for (let i = 0; i < 50; i++) (await victim.dial()).resetAndDestroy();
	await expectUnharmed(victim);
});

test("9, 10 sockets with numbers beyond 1,024, all of which are closed when the other end has gone", async () => {
	await victim.untilPending(0);
	const sockets = await Promise.all(Array.from({ length: 40 }, () => victim.dial()));
	await victim.untilPending(40);
	await Promise.all(sockets.map((socket) => once(socket.end(), "close")));
	await victim.untilPending(0);
	expect((await victim.health()).links).toBe(1);
	await expectUnharmed(victim);
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
	await victim.attack(bytes);
	await expectUnharmed(victim);
});

test("what a stranger says is altered at random, over and over", async () => {
	const said = Buffer.concat([hello(1), randomBytes(96)]);
	for (let i = 0; i < 200 * factor; i++) {
		const bytes = Buffer.from(said);
		for (let changes = 1 + (i % 4); changes > 0; changes--) {
			const [where = 0, what = 0] = randomBytes(2);
			bytes[where % bytes.length] = what;
		}
		const socket = await victim.dial();
		socket.end(bytes);
		await once(socket, "close");
	}
	await expectUnharmed(victim);
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
	await node.joinRing(victim.at);
	const found = node.peers.find(({ address }) => address.port === victim.at.port);
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
		await expectUnharmed(victim);
	},
);

test("3 a member leaves, comes back and leaves, many times", async () => {
	for (let i = 0; i < 20; i++) {
		const node = await insider();
		await node.joinRing(victim.at);
		await node.close();
	}
	await expectUnharmed(victim);
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
	await expectServed(victim);
	expect(dialled).toBe(0);
	trap.close();
	await expectUnharmed(victim);
});

test("16 data of one byte, and of none, comes back as it is", async () => {
	await expectServed(victim, Uint8Array.of(0));
	await expectServed(victim, "");
	await expectUnharmed(victim);
});

test("a member whose id is the hash of something else is not let in, and nobody takes its word for who is before whom", async () => {
	const liar = new LocalNode("somebody else's name", { host: "127.0.0.1", port: 0 });
	await liar.listen();
	await expect(liar.joinRing(victim.at)).rejects.toMatchObject({ code: "NOT_DIALABLE" });
	const node = await insider();
	const to = await target(node);
	// That the neighbour is not before the victim any more, but this one; or somebody that it names.
	for (let i = 0; i < 20; i++) {
		await node.notify(to, anyNotice("cicada/ring/1/notify"), new Uint8Array());
		const named = Buffer.concat([randomBytes(32), hex("04c0000201 1b58 000000000001")]);
		await node.notify(to, anyNotice("cicada/ring/1/suggest"), named).catch(() => {});
	}
	const members = [victim.honest.hash, node.hash].map((hash) => hash.toString());
	await expectServed(victim);
	expect(members).toContain((await victim.health()).predecessor);
	await Promise.all([liar.close(), node.close()]);
	await expectUnharmed(victim);
});

test("13 a message of 1 MiB goes there and back", async () => {
	await expectServed(victim, randomBytes(MIB));
	await expectUnharmed(victim);
});

/** What a raw socket says as its first frame where links are in clear: that it is a member, at this port. */
function identify(port: number): Buffer {
	const id = createHash("sha256").update(`127.0.0.1:${port}`).digest();
	const at = Buffer.concat([hex("047f000001"), Buffer.from([port >> 8, port & 255])]);
	return frame(0, id, at, hex("000000000007 00"));
}

/** A frame of a kind: the length, the kind, the fields. */
function frame(kind: number, ...fields: readonly Uint8Array[]): Buffer {
	const content = Buffer.concat([Uint8Array.of(kind), ...fields]);
	const length = Buffer.alloc(4);
	length.writeUInt32BE(content.length);
	return Buffer.concat([length, content]);
}

const tagOf = (name: string): Buffer =>
	createHash("sha256").update(`cicada/${name}`).digest().subarray(0, 4);

/** What a member says over a raw socket, and whether the victim ends the link for it. */
const FRAMES: readonly (readonly [name: string, says: readonly Uint8Array[], ends: boolean])[] = [
	["1 a frame of an unknown kind", [frame(0x7f)], true],
	[
		"1 a notice, and a request, of an unknown type",
		[frame(5, hex("deadbeef")), frame(1, hex("00000001 deadbeef 000003e8"))],
		false,
	],
	[
		"2 answers that nobody asked for",
		Array.from({ length: 1_000 }, (_, call) => frame(2, hex(call.toString(16).padStart(8, "0")))),
		false,
	],
	[
		"2 failures that nobody asked for",
		[frame(3, hex("00000001 02 00")), frame(4, hex("00000001"))],
		false,
	],
	["3 a goodbye", [frame(8, hex("00"))], true],
	["3 a goodbye for a reason that there is not", [frame(8, hex("ff"))], true],
	["4 a notify", [frame(5, tagOf("ring/1/notify"))], false],
	["5 a routed payload of 31 bytes", [frame(5, tagOf("ring/1/routed"), Buffer.alloc(31))], true],
	[
		"6 a short join",
		[frame(1, hex("00000001"), tagOf("ring/1/entered"), hex("000003e8 01"))],
		false,
	],
	[
		"7 a join with trailing bytes",
		[frame(1, hex("00000001"), tagOf("ring/1/join"), hex("000003e8 00 ffffffff"))],
		false,
	],
	["who it is, once more", [identify(2_000)], true],
	["a frame of nothing", [hex("00000000")], true],
	["a frame of 4 GiB", [hex("ffffffff")], true],
	[
		"12 a frame that does not fit its length, and what comes after",
		[hex("00000003 06 06 06"), frame(6)],
		true,
	],
];

describe("in clear", () => {
	let clear: Victim;

	beforeAll(async () => {
		clear = await Victim.start({ encryption: "off" });
	});

	afterAll(() => clear.stop());

	test.each(FRAMES)("a member says over a raw socket: %s", async (_name, says, ends) => {
		const socket = await clear.dial();
		const closed = once(socket, "close");
		socket.write(Buffer.concat([hello(0), identify(2_001), ...says]));
		if (ends) {
			await closed;
		} else {
			// What comes after it is understood: the victim has taken it for what it is, and goes on.
			socket.write(frame(6));
			const heard: Buffer[] = [];
			await new Promise<void>((resolve, reject) => {
				socket.on("data", (chunk) => {
					heard.push(chunk);
					if (Buffer.concat(heard).includes(frame(7))) resolve();
				});
				socket.on("close", () => {
					reject(new Error("it was left"));
				});
			});
			socket.destroy();
		}
		await expectUnharmed(clear);
	});
});

test.each(FRAMES)("a peer that has met nobody yet first hears: %s", async (_name, says) => {
	const alone = await Victim.alone({ encryption: "off" });
	const socket = await alone.dial();
	const closed = once(socket, "close");
	socket.end(Buffer.concat([hello(0), identify(2_002), ...says]));
	await closed;
	await alone.honest.connect(alone.at);
	await expectUnharmed(alone);
	await alone.stop();
});

test("1,000 connections that send a byte each second cost less than 64 MiB, and keep nobody out", async () => {
	await expectServed(victim, randomBytes(MIB));
	const before = await victim.health();
	const bytes = hello(1);
	const sockets = await Promise.all(Array.from({ length: 1_000 }, () => victim.dial()));
	let sent = 0;
	const timer = setInterval(() => {
		for (const socket of sockets) if (socket.writable) socket.write(bytes.subarray(sent, sent + 1));
		sent++;
	}, 1_000);
	let most = 0;
	let served = 0;
	while (sockets.some(({ closed }) => !closed)) {
		await expectServed(victim);
		served++;
		most = Math.max(most, (await victim.health()).rss);
	}
	clearInterval(timer);
	expect(served).toBeGreaterThan(10);
	expect(most - before.rss).toBeLessThan(64 * MIB);
	const newcomer = await new SwarmPeer().bind("127.0.0.1", 0);
	await newcomer.connect(victim.at);
	await newcomer.close();
	await expectUnharmed(victim);
});
