import { expect, test } from "vitest";

import type { LocalNode, LocalNodeOptions } from "../src/index.ts";
import { toHex, utf8 } from "./bytes.ts";
import { Ring } from "./ring.ts";
import { GOODBYE, HELLO, IDENTIFY, Stranger, refusal } from "./stranger.ts";

const SECOND = 1_000;
const WRONG_PROTOCOL = refusal(0, "this port speaks the Cicada peer protocol");
const WRONG_NETWORK = refusal(2, "this node belongs to another network");

interface Scene {
	readonly ring: Ring;
	readonly node: LocalNode;
	/** Has a stranger dial the node and say something. */
	readonly greet: (hex: string) => Stranger;
}

async function scene(options: LocalNodeOptions = {}): Promise<Scene> {
	const ring = new Ring(1);
	const node = await ring.add("node", options);
	const host = ring.host("stranger");
	return { ring, node, greet: (hex) => Stranger.dial(host, node.address, hex) };
}

/** The node's frame that says who it is: 47 bytes, and their length. */
const ITS_IDENTIFY = /^0000002f00[0-9a-f]{92}$/;

test("the acceptor answers a hello with its own, and an identify with its own", async () => {
	const { ring, node, greet } = await scene();
	const stranger = greet(HELLO);
	await ring.simulation.run(100);
	expect(stranger.heard).toBe(HELLO);
	stranger.say(IDENTIFY);
	await ring.simulation.run(100);
	expect(stranger.heard.slice(HELLO.length)).toMatch(ITS_IDENTIFY);
	expect(stranger.heard).toContain(node.hash.toString());
	expect(node.peers.map(({ hash }) => hash.toString())).toEqual(["11".repeat(32)]);
	expect(node.peers.map((peer) => peer.address)).toEqual([{ host: "192.0.2.1", port: 7000 }]);
});

test("it is all the same when the bytes come one by one", async () => {
	const { ring, node, greet } = await scene();
	const stranger = greet("");
	await ring.simulation.run(100);
	for (const byte of (HELLO + IDENTIFY).match(/../g) ?? []) {
		stranger.say(byte);
		await ring.simulation.run(1);
	}
	await ring.simulation.run(100);
	expect(stranger.heard.slice(HELLO.length)).toMatch(ITS_IDENTIFY);
	expect(node.peers).toHaveLength(1);
});

test.each([
	["a web browser", toHex(utf8("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")), WRONG_PROTOCOL],
	["a TLS client", "160301020001000", WRONG_PROTOCOL],
	["one wrong byte", "00", WRONG_PROTOCOL],
	["a wrong byte after the right ones", "4349434144aa", WRONG_PROTOCOL],
	["an opening of 1025 bytes", "434943414441 01 03f8", WRONG_PROTOCOL],
	["an opening of an unknown kind", "434943414441 07 0000", WRONG_PROTOCOL],
	["a hello of too few fields", "434943414441 01 0002 0001", WRONG_PROTOCOL],
	[
		"only later versions",
		`434943414441 01 0028 0002 0009 ${HELLO.slice(26)}`,
		refusal(1, "this node speaks versions 1 to 1"),
	],
	[
		"only earlier versions",
		`434943414441 01 0028 0000 0000 ${HELLO.slice(26)}`,
		refusal(1, "this node speaks versions 1 to 1"),
	],
	["another network", HELLO.replace("e3b0", "e3b1"), WRONG_NETWORK],
	[
		"another network in its last byte",
		HELLO.replace("b85500000000", "b85600000000"),
		WRONG_NETWORK,
	],
	["a refusal", refusal(3, "I am full"), ""],
])("%s is refused in words, and left", async (_name, opening, answer) => {
	const { ring, node, greet } = await scene();
	const stranger = greet(opening);
	await ring.simulation.run(100);
	expect([stranger.heard, stranger.end]).toEqual([answer, "in good order"]);
	expect(node.peers).toEqual([]);
	expect(ring.hostOf(node).links).toBe(0);
});

test.each([
	["a request", "0000000f 01 00000001 aabbccdd 00002710 cafe"],
	["a response", "00000007 02 00000001 cafe"],
	["a notice", "00000007 05 aabbccdd cafe"],
	["a ping", "00000001 06"],
	["an unknown kind of frame", "00000001 7f"],
	["a frame of no bytes", "00000000"],
	["a frame of 1025 bytes", "00000401"],
	["a frame of 4 GiB", "ffffffff"],
])("%s before identify ends the link", async (_name, frame) => {
	const { ring, node, greet } = await scene();
	const stranger = greet(HELLO + frame);
	await ring.simulation.run(100);
	expect([stranger.heard, stranger.end]).toEqual([HELLO, "in good order"]);
	expect(ring.hostOf(node).links).toBe(0);
});

test.each([
	["a second identify", IDENTIFY],
	["an unknown kind of frame", "00000001 7f"],
	["a frame of no bytes", "00000000"],
	["a frame of one byte more than the limit", "00010001"],
	["a ping with something in it", "0000000206 00"],
])("%s ends the link, with a goodbye that says so", async (_name, frame) => {
	const { ring, node, greet } = await scene();
	const stranger = greet(HELLO + IDENTIFY + frame);
	await ring.simulation.run(100);
	expect(stranger.heard.endsWith(GOODBYE.malformed)).toBe(true);
	expect(stranger.end).toBe("in good order");
	expect(node.peers).toEqual([]);
});

test("one who says that he is the node itself is told so", async () => {
	const { ring, node, greet } = await scene();
	const stranger = greet(HELLO + IDENTIFY.replace("11".repeat(32), node.hash.toString()));
	await ring.simulation.run(100);
	expect(stranger.heard).toBe(HELLO + GOODBYE.self);
	expect(node.peers).toEqual([]);
});

test("a goodbye ends the link in good order", async () => {
	const { ring, node, greet } = await scene();
	const stranger = greet(HELLO + IDENTIFY + GOODBYE.duplicate);
	await ring.simulation.run(100);
	expect(stranger.end).toBe("in good order");
	expect(node.peers).toEqual([]);
});

test.each([
	["nothing", ""],
	["half a hello", HELLO.slice(0, 40)],
	["a hello and then nothing", HELLO],
	["half an identify", HELLO + IDENTIFY.slice(0, 40)],
])(
	"who connects and says %s is left after the time that an opening may take",
	async (_name, said) => {
		const { ring, node, greet } = await scene({ limits: { handshakeTimeout: 3_000 } });
		const stranger = greet(said);
		await ring.simulation.run(2_900);
		expect(ring.hostOf(node).links).toBe(1);
		await ring.simulation.run(200);
		expect(ring.hostOf(node).links).toBe(0);
		expect(stranger.end).not.toBe("");
	},
);

test("of links that have not said who they are, no more than the limit are kept", async () => {
	const { ring, node, greet } = await scene({ limits: { pendingLinks: 3 } });
	const strangers = [1, 2, 3, 4].map(() => greet(""));
	await ring.simulation.run(100);
	expect(strangers.map(({ end }) => end)).toEqual(["", "", "", "in good order"]);
	expect(strangers[3]?.heard.startsWith(refusal(3, "this node has too many links"))).toBe(true);
	expect(ring.hostOf(node).links).toBe(3);
	// One that says who it is makes room for another.
	strangers[0]?.say(HELLO + IDENTIFY);
	await ring.simulation.run(100);
	const late = greet("");
	await ring.simulation.run(100);
	expect(late.end).toBe("");
});

test("no more links than the limit are held: the one that was of no use for longest makes room", async () => {
	const { ring, node, greet } = await scene({ limits: { links: 2 } });
	const as = (digit: string): string => HELLO + IDENTIFY.replace("11".repeat(32), digit.repeat(64));
	const strangers = ["1", "2", "3"].map((digit) => greet(as(digit)));
	await ring.simulation.run(100);
	expect(strangers.map(({ end }) => end)).toEqual(["in good order", "", ""]);
	expect(node.peers).toHaveLength(2);
	const other = await ring.add("other");
	await ring.until(other.joinRing(node.address));
	expect(other.successor?.hash.equals(node.hash)).toBe(true);
});

test("links that the ring needs are not given up for strangers", async () => {
	const { ring, node, greet } = await scene({ limits: { links: 2 } });
	const other = await ring.add("other");
	await ring.until(other.joinRing(node.address));
	await ring.settle();
	const as = (digit: string): string => HELLO + IDENTIFY.replace("11".repeat(32), digit.repeat(64));
	for (const digit of ["1", "2", "3"]) {
		greet(as(digit));
		await ring.simulation.run(100);
	}
	expect(node.peers.some(({ hash }) => hash.equals(other.hash))).toBe(true);
	await ring.settle(0);
});

const joinErrors: readonly (readonly [string, string, string, RegExp])[] = [
	[
		"a web server",
		toHex(utf8("HTTP/1.1 400 Bad Request\r\n\r\n")),
		"INCOMPATIBLE",
		/does not speak/,
	],
	[
		"a mail server",
		toHex(utf8("220 mail.example.org ESMTP\r\n")),
		"INCOMPATIBLE",
		/does not speak/,
	],
	["another network", refusal(2, "not yours"), "INCOMPATIBLE", /refuses: not yours/],
	["later versions", refusal(1, "7 to 9"), "INCOMPATIBLE", /refuses: 7 to 9/],
	["a node without room", refusal(3, "full up"), "UNREACHABLE", /refuses: full up/],
	["a hello of another network", HELLO.replace("e3b0", "e3b1"), "INCOMPATIBLE", /another network/],
	[
		"a hello of version 2",
		`434943414441 01 0028 0002 0002 ${HELLO.slice(26)}`,
		"INCOMPATIBLE",
		/2 to 2/,
	],
	["nonsense after the hello", `${HELLO}00000001ff`, "INCOMPATIBLE", /makes no sense/],
	["a goodbye", HELLO + GOODBYE.self, "UNREACHABLE", /closed the link: self/],
];

test.each(joinErrors)("joining through %s", async (_name, greeting, code, message) => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	const { address, met } = await Stranger.listen(ring.host("server"), greeting);
	const joined = ring.until(node.joinRing(address));
	await expect(joined).rejects.toMatchObject({ name: "ChordError", code });
	await expect(joined).rejects.toThrow(message);
	await ring.simulation.run(5 * SECOND);
	expect(met).toHaveLength(1);
	expect(met[0]?.end).toBe("in good order");
	expect(ring.hostOf(node).links).toBe(0);
	expect(node.standing).toBe("outside");
});

test("a server that never answers is unreachable after the time that an opening may take", async () => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	const { address } = await Stranger.listen(ring.host("server"));
	const start = ring.simulation.now;
	await expect(ring.until(node.joinRing(address))).rejects.toMatchObject({ code: "UNREACHABLE" });
	expect(ring.simulation.now - start).toBe(5_000 + 20);
	expect(ring.hostOf(node).links).toBe(0);
});

test("a machine that is not there is unreachable after the time that dialling may take", async () => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	const start = ring.simulation.now;
	const nobody = { host: "203.0.113.9", port: 7000 };
	await expect(ring.until(node.joinRing(nobody))).rejects.toMatchObject({ code: "UNREACHABLE" });
	expect(ring.simulation.now - start).toBe(5_000);
});
