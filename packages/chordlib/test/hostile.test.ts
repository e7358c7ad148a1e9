import { type Socket, connect } from "node:net";

import { afterEach, beforeEach, expect, test } from "vitest";

import { LocalNode, defineRequest, text } from "../src/index.ts";
import { fromHex, toHex } from "./bytes.ts";
import { GOODBYE, HELLO, IDENTIFY } from "./stranger.ts";

// What one packet once did to a node of the original: each of these is done to a node on a real
// socket, which must go on serving an honest neighbour on the link that they have.

const echo = defineRequest("test/echo", { request: text(10), response: text(10) });
const PEER = HELLO + IDENTIFY;

let node: LocalNode;
let neighbour: LocalNode;
const troubles: unknown[] = [];
const trouble = (error: unknown): void => void troubles.push(error);

beforeEach(async () => {
	process.on("unhandledRejection", trouble).on("uncaughtException", trouble);
	node = await new LocalNode(
		"node",
		{ host: "127.0.0.1", port: 0 },
		{ encryption: "off" },
	).listen();
	neighbour = await new LocalNode(
		"neighbour",
		{ host: "127.0.0.1", port: 0 },
		{ encryption: "off" },
	).listen();
	node.on("error", trouble);
	node.handle(echo, (value) => value);
	await neighbour.request(node, echo, "before");
});

afterEach(async () => {
	await Promise.all([node.close(), neighbour.close()]);
	process.off("unhandledRejection", trouble).off("uncaughtException", trouble);
	if (troubles.length > 0)
		throw new AggregateError(troubles.splice(0), "trouble reached the program");
});

/** Connects, says something, and waits for the end of the link, or for `until` in what is answered. */
async function attack(hex: string, until?: string): Promise<{ heard: string; socket: Socket }> {
	const { host, port } = node.address;
	const socket = connect(port, host);
	let heard = "";
	socket.on("error", () => {});
	socket.write(fromHex(hex));
	await new Promise<void>((resolve) => {
		socket.on("data", (chunk) => {
			heard += toHex(chunk);
			if (until !== undefined && heard.endsWith(until)) resolve();
		});
		socket.on("close", () => {
			resolve();
		});
	});
	return { heard, socket };
}

async function expectServing(): Promise<void> {
	const links: string[] = [];
	neighbour.on("link", () => links.push("link"));
	expect(await neighbour.request(node, echo, "after")).toBe("after");
	expect(links).toEqual([]);
	const honest = await new LocalNode(
		"honest",
		{ host: "127.0.0.1", port: 0 },
		{ encryption: "off" },
	).listen();
	try {
		expect(await honest.request(node, echo, "new")).toBe("new");
		await honest.joinRing(node.address);
		expect(honest.successor?.hash.equals(node.hash)).toBe(true);
	} finally {
		await honest.close();
	}
}

const tag = (name: string): string =>
	defineRequest(name, { request: text(1), response: text(1) })
		.tag.toString(16)
		.padStart(8, "0");

/** A frame around a kind byte and fields. */
function frame(...fields: readonly string[]): string {
	const content = fields.join("").replaceAll(" ", "");
	return (content.length / 2).toString(16).padStart(8, "0") + content;
}

const LETHAL: readonly (readonly [string, string])[] = [
	["1 a message of an unknown kind", frame("7f00")],
	["3 a goodbye", frame("0801")],
	[
		"5 a body cut short, of the ring's own request",
		frame("01 00000001", tag("cicada/ring/1/owner"), "00002710 aa"),
	],
	[
		"5 a routed message under its header's length",
		frame("05", tag("cicada/ring/1/routed"), "11".repeat(20)),
	],
	["6 a join that is cut short", frame("01 00000001", tag("cicada/ring/1/join"))],
	["7 a join with trailing bytes", frame("01 00000001", tag("cicada/ring/1/join"), "00002710 ff")],
	["7 a notify with trailing bytes", frame("05", tag("cicada/ring/1/notify"), "ff")],
	["a length of 4 GiB", "ffffffff"],
	["a length of nothing", "00000000"],
	["12 one garbled frame", frame("05aa")],
];

test.each(LETHAL)("%s ends no link but its own", async (_name, hex) => {
	const pinging = frame("06");
	const { socket } = await attack(PEER + hex + pinging, frame("07"));
	await expectServing();
	socket.destroy();
});

const HARMLESS: readonly (readonly [string, string])[] = [
	["2 a response nobody asked for", frame("02 00000001 cafe")],
	["2 a failure nobody asked for", frame("03 00000001 00 00")],
	["a cancel of nothing", frame("04 00000001")],
	["a pong nobody asked for", frame("07")],
	["a notice that nobody hears", frame("05 aabbccdd cafe")],
	["a request that nobody handles", frame("01 00000001 aabbccdd 00002710")],
];

test.each(HARMLESS)("%s is passed over, and the link lives", async (_name, hex) => {
	const { heard, socket } = await attack(PEER + hex + frame("06"), frame("07"));
	expect(heard.endsWith(frame("07"))).toBe(true);
	expect(node.peers).toHaveLength(2);
	await expectServing();
	socket.destroy();
});

test("4 a first notify to a node without peers is taken by a node that is in no ring for nothing", async () => {
	const { socket } = await attack(
		PEER + frame("05", tag("cicada/ring/1/notify")) + frame("06"),
		frame("07"),
	);
	expect([node.standing, node.predecessor]).toEqual(["outside", undefined]);
	await expectServing();
	socket.destroy();
});

test("8 a reset right after connecting, many times, does not end the listener", async () => {
	const { host, port } = node.address;
	for (let i = 0; i < 50; i++) {
		await new Promise<void>((resolve) => {
			const socket = connect(port, host, () => socket.resetAndDestroy());
			socket.on("error", () => {});
			socket.on("close", () => {
				resolve();
			});
		});
	}
	await expectServing();
});

test("10 a peer that resets its link is noticed", async () => {
	const { socket } = await attack(PEER + frame("06"), frame("07"));
	expect(node.peers).toHaveLength(2);
	const unlinked = new Promise((resolve) => node.on("unlink", resolve));
	socket.resetAndDestroy();
	await unlinked;
	expect(node.peers).toHaveLength(1);
	await expectServing();
});

test.each([
	["text", "474554202f20485454502f312e310d0a0d0a"],
	["zeros", "00".repeat(1_000)],
	["ones", "ff".repeat(100_000)],
	["an endless hello", `43494341444101ffff${"00".repeat(100_000)}`],
])("11 garbage is disconnected: %s", async (_name, hex) => {
	const { heard } = await attack(hex);
	expect(heard.startsWith("43494341444102")).toBe(true);
	await expectServing();
});

test("garbage from one who has said who he is, is disconnected with a goodbye", async () => {
	const { heard } = await attack(PEER + frame("7f"));
	expect(heard.endsWith(GOODBYE.malformed)).toBe(true);
	await expectServing();
});

test("15 what a peer says about others makes the node dial nobody", async () => {
	const victim = `${"33".repeat(32)} 04 cb007101 1b58 000000000009`;
	const entered = frame("01 00000001", tag("cicada/ring/1/entered"), "00002710 01", victim);
	const { socket } = await attack(PEER + entered + frame("06"), frame("07"));
	expect(node.peers.map((peer) => peer.address.host)).not.toContain("203.0.113.1");
	await expectServing();
	socket.destroy();
});
