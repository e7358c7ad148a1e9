import { expect, test } from "vitest";

import {
	Hash,
	type Limits,
	LocalNode,
	defaultLimits,
	defineNotice,
	defineRequest,
	nothing,
	rest,
} from "../src/index.ts";
import { routed } from "../src/ring/messages.ts";
import { Desk, type TestLink } from "./desk.ts";
import { Ring } from "./ring.ts";
import { GOODBYE, HELLO, IDENTIFY, Stranger, refusal } from "./stranger.ts";

// Every limit: at its value nothing is refused, dropped or ended for it; with one more, it is, and is counted.

const slow = defineRequest("test/slow", { request: nothing, response: nothing });
const blob = defineNotice("test/blob", rest);
const PING = "0000000106";
const TOO_MANY = refusal(3, "this node has too many links");

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** The digits of the id of peer `n`. */
const idOf = (n: number): string => hex(n, 2).padEnd(64, "0");

/** What peer `n` says first: that it is a member, and where. */
const peer = (n: number): string =>
	`${HELLO}0000002f00${idOf(n)}0414000001${hex(6_000 + n, 4)}00000000000700`;

const FIRST = { hash: new Hash({ hashed: idOf(1) }), address: { host: "20.0.0.1", port: 6_001 } };

/** Peers come, each from a subnet of its own. */
function come(desk: Desk, count: number, says: (n: number) => string = () => ""): TestLink[] {
	return Array.from({ length: count }, (_, n) => desk.come(`20.0.${n}.1`, says(n + 1)));
}

/** A request that is not answered. */
const ask = (call: number): string => `0000000d01${hex(call, 8)}${hex(slow.tag, 8)}00002710`;

function serveSlowly(node: LocalNode): void {
	node.handle(slow, () => new Promise(() => {}));
}

/** Bytes of such a message, routed, as a frame. */
const FRAME = 93;

/** A message is sent over each link, on which so many bytes are waiting. */
function sendOver(desk: Desk, buffered: readonly number[]): TestLink[] {
	const links = come(desk, buffered.length, peer);
	for (const [n, link] of links.entries()) link.buffered = buffered[n] ?? 0;
	for (const { hash } of desk.node.peers) desk.node.route(hash, blob, new Uint8Array(1));
	return links;
}

interface Scene {
	readonly limits: Partial<Limits>;
	/** Goes to the limit, or one beyond it. */
	readonly play: (desk: Desk, more: 0 | 1) => void | Promise<void>;
}

/** Limits that are about rings, and about where nodes are: they are tried below, and in proof.test.ts. */
const ELSEWHERE = [
	"hops",
	"proofs",
	"early",
	"remembered",
	"rememberedPerIp",
	"rememberedPerSubnet",
] as const;

const SCENES: Readonly<Record<Exclude<keyof Limits, (typeof ELSEWHERE)[number]>, Scene>> = {
	opening: {
		limits: { opening: 2_000 },
		play: (desk, more) => {
			const link = desk.come("20.0.0.1", `${HELLO}${hex(2_000 + more, 8)}`);
			expect(link.ended).toBe(more === 1 ? "closed" : "");
		},
	},
	frame: {
		limits: {},
		play: (desk, more) => {
			const link = desk.come("20.0.0.1", `${peer(1)}${hex(65_536 + more, 8)}`);
			expect(link.heard.endsWith(GOODBYE.malformed)).toBe(more === 1);
		},
	},
	links: {
		limits: { links: 4 },
		play: (desk, more) => {
			const links = come(desk, 4 + more);
			expect(links.map(({ heard }) => heard.startsWith(TOO_MANY))).toEqual(
				links.map((_link, n) => n === 4),
			);
		},
	},
	pendingLinks: {
		limits: { pendingLinks: 3 },
		play: (desk, more) => {
			const [, , , fourth] = come(desk, 3 + more);
			expect(fourth?.heard.startsWith(TOO_MANY)).toBe(more === 1 ? true : undefined);
		},
	},
	outboundLinks: {
		limits: { links: 16, outboundLinks: 2 },
		play: (desk, more) => {
			const last = come(desk, 14 + more).at(-1);
			expect(last?.heard.startsWith(TOO_MANY)).toBe(more === 1);
		},
	},
	linksPerIp: {
		limits: { linksPerIp: 3 },
		play: (desk, more) => {
			const links = Array.from({ length: 3 + more }, () => desk.come("20.0.0.1"));
			expect(links.at(-1)?.heard.startsWith(TOO_MANY)).toBe(more === 1);
		},
	},
	linksPerSubnet: {
		limits: { linksPerSubnet: 5 },
		play: (desk, more) => {
			const links = Array.from({ length: 5 + more }, (_, n) => desk.come(`20.0.0.${n + 1}`));
			expect(links.at(-1)?.heard.startsWith(TOO_MANY)).toBe(more === 1);
		},
	},
	inboundPerIp: {
		limits: { inboundPerIp: 1 },
		play: (desk, more) => {
			const links = Array.from({ length: 4 + more }, () => desk.come("20.0.0.1"));
			expect([links.at(-1)?.heard, links.at(-1)?.ended]).toEqual(["", more ? "destroyed" : ""]);
		},
	},
	inboundPerSubnet: {
		limits: { inboundPerSubnet: 2 },
		play: (desk, more) => {
			const links = Array.from({ length: 8 + more }, (_, n) => desk.come(`20.0.0.${n + 1}`));
			expect([links.at(-1)?.heard, links.at(-1)?.ended]).toEqual(["", more ? "destroyed" : ""]);
		},
	},
	controlMessages: {
		limits: { controlMessages: 10 },
		play: (desk, more) => {
			const link = desk.come("20.0.0.1", peer(1) + PING.repeat(10 + more));
			expect(link.heard.split("0000000107")).toHaveLength(11);
			expect(link.ended).toBe("");
		},
	},
	offences: {
		limits: { offences: 2 },
		play: (desk, more) => {
			for (let n = 0; n < 2 + more; n++) desk.come("20.0.0.1", `${peer(1)}00000000`);
			expect(desk.come("20.0.0.1").ended).toBe(more === 1 ? "destroyed" : "");
		},
	},
	barTime: {
		limits: { offences: 1, barTime: 10_000 },
		play: async (desk, more) => {
			for (let n = 0; n < 2; n++) desk.come("20.0.0.1", `${peer(1)}00000000`);
			await desk.pass(10_000 - more);
			expect(desk.come("20.0.0.1").ended).toBe(more === 1 ? "destroyed" : "");
		},
	},
	knownHosts: {
		limits: { knownHosts: 4 },
		play: (desk, more) => {
			come(desk, 2 + more);
		},
	},
	dialTimeout: {
		limits: { dialTimeout: 3_000 },
		play: async (desk, more) => {
			const asked = desk.node.request(FIRST, slow, undefined).catch(() => {});
			await desk.pass(2_999 + more);
			expect(desk.dialled.map(({ ended }) => ended)).toEqual([more === 1 ? "destroyed" : ""]);
			await desk.node.close();
			await asked;
		},
	},
	handshakeTimeout: {
		limits: { handshakeTimeout: 3_000 },
		play: async (desk, more) => {
			const link = desk.come("20.0.0.1", HELLO);
			await desk.pass(2_999 + more);
			expect(link.ended).toBe(more === 1 ? "destroyed" : "");
		},
	},
	requestTimeout: {
		limits: { requestTimeout: 3_000 },
		play: async (desk, more) => {
			desk.come("20.0.0.1", peer(1));
			const failed: string[] = [];
			const asked = desk.node
				.request(FIRST, slow, undefined)
				.catch(({ code }: { code: string }) => failed.push(code));
			await desk.pass(2_999 + more);
			expect(failed).toEqual(more === 1 ? ["TIMEOUT"] : []);
			await desk.node.close();
			await asked;
		},
	},
	requestsPerPeer: {
		limits: { requestsPerPeer: 3 },
		play: (desk, more) => {
			serveSlowly(desk.node);
			const link = desk.come("20.0.0.1", peer(1));
			for (let call = 1; call <= 3 + more; call++) link.say(ask(call));
			expect(/03000000040[0-9a-f]/.test(link.heard)).toBe(more === 1);
		},
	},
	requests: {
		limits: { requests: 3 },
		play: (desk, more) => {
			serveSlowly(desk.node);
			const links = come(desk, 3 + more, (n) => peer(n) + ask(1));
			expect(/0300000001/.test(links.at(-1)?.heard ?? "")).toBe(more === 1);
		},
	},
	writeBufferSoft: {
		limits: { writeBufferSoft: 1_000 },
		play: async (desk, more) => {
			const [link] = sendOver(desk, [1_000 + more]);
			await desk.pass(1);
			expect(link?.heard.includes(hex(blob.tag, 8))).toBe(more === 0);
		},
	},
	writeBufferHard: {
		limits: { writeBufferHard: 1_000 },
		play: async (desk, more) => {
			const [link] = sendOver(desk, [1_000 - FRAME + more]);
			await desk.pass(1);
			expect(link?.ended).toBe(more === 1 ? "destroyed" : "");
		},
	},
	writeBuffers: {
		limits: { writeBuffers: 3_000, links: 4 },
		play: async (desk, more) => {
			// What is sent over the last one is too little to be looked at.
			const links = sendOver(desk, [1_000 - FRAME, 1_500 - FRAME + more, 500]);
			await desk.pass(1);
			expect(links.map(({ ended }) => ended)).toEqual(["", more === 1 ? "destroyed" : "", ""]);
		},
	},
	ping: {
		limits: { ping: 1_000 },
		play: async (desk, more) => {
			const link = desk.come("20.0.0.1", peer(1));
			// Half of it is how often links are looked at; an accepted one has twice the time.
			await desk.pass(1_999 + more);
			expect(link.heard.endsWith(PING)).toBe(more === 1);
		},
	},
	dead: {
		limits: { ping: 1_000, dead: 3_000 },
		play: async (desk, more) => {
			const link = desk.come("20.0.0.1", peer(1));
			await desk.pass(2_999 + more);
			expect(link.ended).toBe(more === 1 ? "destroyed" : "");
		},
	},
	idle: {
		limits: { idle: 3_000, dead: 60_000 },
		play: async (desk, more) => {
			const asked = desk.node.request(FIRST, slow, undefined);
			const [link] = desk.dialled;
			link?.handler?.open();
			link?.say(`${peer(1)}000000050200000001`);
			await asked;
			await desk.pass(2_999 + more);
			expect(link?.ended).toBe(more === 1 ? "closed" : "");
		},
	},
};

test.each(Object.entries(SCENES))(
	"%s: at the limit all is well",
	async (name, { limits, play }) => {
		const desk = await Desk.open({ limits });
		await play(desk, 0);
		expect(desk.node.stats.reached[name as keyof Limits]).toBe(0);
	},
);

test.each(Object.entries(SCENES))(
	"%s: one beyond is too many, and counted",
	async (name, { limits, play }) => {
		const desk = await Desk.open({ limits });
		await play(desk, 1);
		expect(desk.node.stats.reached[name as keyof Limits]).toBeGreaterThan(0);
	},
);

/** A message for `b` comes to `a` over a link, as if it had crossed so many before. */
async function relay(hops: number): Promise<{ heard: number; reached: number }> {
	const ring = new Ring(1, { limits: { hops: 3 } });
	const [a, b] = await ring.grow(2);
	if (a === undefined || b === undefined) throw new Error("no ring");
	let heard = 0;
	b.handleRouted(blob, () => heard++);
	const stranger = Stranger.dial(ring.host("stranger"), a.address, HELLO + IDENTIFY);
	await ring.simulation.run(100);
	const origin = IDENTIFY.slice(10, -2);
	const envelope = `${b.hash.toString()}${origin}${hex(blob.tag, 8)}${hex(hops, 2)}00`;
	const body = `05${hex(routed.tag, 8)}${envelope}`;
	stranger.say(hex(body.length / 2, 8) + body);
	await ring.simulation.run(100);
	return { heard, reached: a.stats.reached.hops };
}

test("hops: a message that has crossed all but one goes on, one that has crossed all goes no further", async () => {
	expect(await relay(2)).toEqual({ heard: 1, reached: 0 });
	expect(await relay(3)).toEqual({ heard: 0, reached: 1 });
});

/** What the first of so many nodes remembers: each at its own address, at one IP address, or in one subnet. */
async function remembering(
	limits: Partial<Limits>,
	count: number,
	placed: "apart" | "at one address" | "in one subnet",
): Promise<{ remembered: number; reached: Readonly<Record<keyof Limits, number>> }> {
	const ring = new Ring(2, { limits });
	const first = await ring.add("first");
	const shared = ring.host("shared");
	for (let n = 1; n <= count; n++) {
		const apart = placed === "apart" || (placed === "in one subnet" && n > 1);
		const ip = placed === "in one subnet" && n > 1 ? shared.ip.replace(/\d+$/, `${n}`) : undefined;
		const host = apart ? ring.host(`host ${n}`, ip) : shared;
		const ports = { clock: host.clock, random: host.random, transport: host.transport };
		const bind = { host: host.ip, port: 7_000 + n };
		const node = new LocalNode(`${placed} ${n}`, bind, { ports, encryption: "off", limits });
		await node.listen();
		await ring.until(node.joinRing(first.address));
		await ring.simulation.run(10_000);
	}
	return { remembered: first.remembered.length, reached: first.stats.reached };
}

test.each([
	["remembered", "apart", { remembered: 4 }],
	["rememberedPerIp", "at one address", { rememberedPerIp: 4 }],
	["rememberedPerSubnet", "in one subnet", { rememberedPerSubnet: 4 }],
] as const)("%s: as many as that are remembered, and no more", async (name, placed, limits) => {
	const full = await remembering(limits, 4, placed);
	expect([full.remembered, full.reached[name]]).toEqual([4, 0]);
	const over = await remembering(limits, 5, placed);
	expect(over.remembered).toBe(4);
	expect(over.reached[name]).toBeGreaterThan(0);
});

test("opening: a handshake message that is too long is one, too", async () => {
	const desk = await Desk.open({ encryption: "required" });
	const sealed = `${HELLO.slice(0, -2)}01`;
	const room = 1_024 - HELLO.length / 2 - 2;
	const link = desk.come("20.0.0.1", `${sealed}${hex(room, 4)}`);
	expect([link.ended, desk.node.stats.reached.opening]).toEqual(["", 0]);
	const longer = desk.come("20.0.0.1", `${sealed}${hex(room + 1, 4)}`);
	expect([longer.ended, desk.node.stats.reached.opening]).toEqual(["closed", 1]);
});

test("every limit of a node is tried", () => {
	expect([...Object.keys(SCENES), ...ELSEWHERE].toSorted()).toEqual(
		Object.keys(defaultLimits).toSorted(),
	);
});

test("too many messages are passed over, far too many end the link, and that is an offence", () => {
	return Desk.open({ limits: { controlMessages: 10, offences: 1 } }).then((desk) => {
		const flood = (count: number): TestLink => desk.come("20.0.0.1", peer(1) + PING.repeat(count));
		expect(flood(30).ended).toBe("");
		const link = flood(31);
		expect([link.ended, link.heard.endsWith(GOODBYE.flood)]).toEqual(["closed", true]);
		expect(desk.node.stats.hosts.barred).toBe(0);
		flood(31);
		expect(desk.node.stats.hosts.barred).toBe(1);
	});
});

test("nobody is punished for what he relays, nor for where he is not", async () => {
	const desk = await Desk.open({ limits: { offences: 1 } });
	const { node } = desk;
	node.handleRouted(blob, () => {});
	const envelope = `${node.hash.toString()}${IDENTIFY.slice(10, -2)}${hex(blob.tag, 8)}0000`;
	const body = `05${hex(routed.tag, 8)}${envelope}`;
	const link = desk.come("20.0.0.1", peer(1));
	for (let i = 0; i < 10; i++) link.say(hex(body.length / 2, 8) + body);
	for (let i = 0; i < 3; i++) desk.come("127.0.0.1", `${peer(2)}00000000`);
	expect([link.ended, node.stats.hosts.barred]).toEqual(["", 0]);
	expect(desk.come("127.0.0.1").ended).toBe("");
});

test("stats are those of the moment: links of each kind, requests, unsent bytes", async () => {
	const desk = await Desk.open();
	const { node } = desk;
	serveSlowly(node);
	const [link] = come(desk, 2, (n) => (n === 1 ? peer(1) + ask(1) : ""));
	if (link === undefined) throw new Error("no link");
	link.buffered = 123;
	const asked = node.request(FIRST, slow, undefined).catch(() => {});
	const elsewhere = { hash: new Hash({ value: "x" }), address: { host: "20.0.9.1", port: 7000 } };
	node.notify(elsewhere, blob, new Uint8Array()).catch(() => {});
	const { reached, ...now } = node.stats;
	expect(now).toEqual({
		links: 1,
		pendingLinks: 1,
		dials: 1,
		// The request's frame goes out at the end of the turn.
		buffered: 123 + 17,
		requests: { asked: 1, serving: 1 },
		hosts: { known: 4, barred: 0 },
	});
	expect(Object.values(reached).every((count) => count === 0)).toBe(true);
	await node.close();
	await asked;
	expect(now.links).toBe(1);
});

test.each([
	["by the other end", (link: TestLink) => link.handler?.close()],
	["by the other end, before it has said anything", (link: TestLink) => link.handler?.close(), ""],
	["by a goodbye", (link: TestLink) => link.say(GOODBYE.duplicate)],
	["for what came over it", (link: TestLink) => link.say("00000000")],
	["for its silence", (_link: TestLink, desk: Desk) => desk.pass(12_000)],
])(
	"a link that ends %s makes room for another from its address",
	async (_name, end, says = peer(1)) => {
		const desk = await Desk.open({ limits: { linksPerIp: 1, ping: 5_000, dead: 10_000 } });
		const link = desk.come("20.0.0.1", says);
		expect(desk.come("20.0.0.1").heard.startsWith(TOO_MANY)).toBe(true);
		await end(link, desk);
		expect(desk.come("20.0.0.1").heard).toBe("");
	},
);
