import {
	type Codec,
	Hash,
	Identity,
	LocalNode,
	decode,
	defineNotice,
	defineRequest,
	formatAddress,
	rest,
} from "@cicada/chordlib";
import { expect, test } from "vitest";

import {
	type Header,
	type Offer,
	digestType,
	offerType,
	pullType,
} from "../src/broadcast/messages.ts";
import { digestOf, sign } from "../src/broadcast/signature.ts";
import type { SwarmPeer } from "../src/index.ts";
import { helloType, hereType, sealedType, welcomeType } from "../src/session/messages.ts";
import { assertForSeeds } from "./seeds.ts";
import { type PeerOptions, Swarm, codeOf, drain, sparse, text } from "./swarm.ts";

const FILE = "hostile.test.ts";

// The swarm's own messages, with any bytes in them.
const kinds = ["who", "here", "hello", "welcome", "refusal", "sealed"].map((kind) =>
	defineNotice(`cicada/swarm/2/${kind}`, rest),
);
const offer = defineRequest(offerType.name, { request: rest, response: rest });
const pull = defineRequest("cicada/swarm/1/broadcast/pull", { request: rest, response: rest });
const digest = defineRequest("cicada/swarm/1/broadcast/digest", { request: rest, response: rest });
const report = defineNotice("cicada/swarm/1/broadcast/report", rest);
const withdraw = defineNotice("cicada/swarm/1/broadcast/withdraw", rest);

/** Whether any bytes happen to be a request: of some types, bytes of one length are, whatever they are. */
function isRequest({ request }: { readonly request: Codec<unknown> }, body: Uint8Array): boolean {
	try {
		decode(request, body);
		return true;
	} catch {
		return false;
	}
}

/** Big-endian numbers, one after the other: pairs of a size in bytes and a value. */
function fields(...pairs: readonly (readonly [size: number, value: number])[]): Uint8Array {
	return Buffer.concat(
		pairs.map(([size, value]) => {
			const bytes = Buffer.alloc(size);
			bytes.writeUIntBE(value, 0, size);
			return bytes;
		}),
	);
}

interface ChunkFields {
	readonly lane?: number;
	readonly number?: number;
	readonly base?: number;
	readonly start?: number;
	readonly end?: number;
	readonly data?: Uint8Array | string;
}

/** A packet with one chunk. */
function packet(given: ChunkFields): Uint8Array {
	const { lane = 0, number = 0, base = 0, start = 1, end = 1, data = "" } = given;
	const bytes = Buffer.from(data);
	const head = fields([1, 0], [1, lane], [6, number], [6, base], [2, 1]);
	return Buffer.concat([head, fields([1, start], [1, end], [2, bytes.length]), bytes]);
}

/** What is answered in a session; or that there is none. */
interface Answer {
	/** As the villain numbers it; of one that is gone, as the victim did. */
	readonly session: number;
	readonly state: string;
	readonly next: number;
}

/** The content of a reply: `1 lane state next hops`; the states are open, full and tooLarge. */
function readReply(session: number, content: Uint8Array): Answer {
	const bytes = Buffer.from(content);
	const state = ["open", "full", "tooLarge"][bytes.readUInt8(2)] ?? "?";
	return { session, state, next: bytes.readUIntBE(3, 6) };
}

/** A member of the ring that says whatever it likes, in sessions that are in clear, and hears what it is answered. */
class Villain {
	readonly node: LocalNode;
	readonly replies: Answer[] = [];
	/** The victims' numbers of its sessions, by its own. */
	readonly sessions = new Map<number, number>();
	readonly #swarm: Swarm;
	#said = 0;

	private constructor(swarm: Swarm, node: LocalNode) {
		this.#swarm = swarm;
		this.node = node;
		node.handleRouted(sealedType, ({ session, content }) => {
			this.replies.push(readReply(session, content));
		});
		node.handleRouted(hereType, ({ number }) => {
			this.replies.push({ session: number, state: "gone", next: 0 });
		});
		node.handleRouted(welcomeType, ({ number, message }) => {
			this.sessions.set(number, Buffer.from(message).readUIntBE(0, 6));
		});
	}

	static async join(swarm: Swarm): Promise<Villain> {
		const host = swarm.simulation.host("villain");
		const ports = { clock: host.clock, random: host.random, transport: host.transport };
		const bind = { host: host.ip, port: 7000 };
		const node = new LocalNode(formatAddress, bind, { ports, encryption: "off", successors: 2 });
		await node.listen();
		await swarm.until(node.joinRing(swarm.first.listener));
		await swarm.simulation.run(5_000);
		return new Villain(swarm, node);
	}

	/** Says something to a peer in a session, and gives the last answer within half a second. */
	async say(
		to: SwarmPeer,
		session: number,
		...contents: readonly Uint8Array[]
	): Promise<Answer | undefined> {
		this.replies.length = 0;
		for (const content of contents) this.put(to, session, content);
		await this.#swarm.simulation.run(500);
		return this.replies.at(-1);
	}

	/** Says something, under a number that was not used yet. */
	put(to: SwarmPeer, session: number, content: Uint8Array, number: number = this.#said++): void {
		const theirs = this.sessions.get(session) ?? session;
		this.node.route(to.hash, sealedType, { session: theirs, number, content });
	}

	/** Asks for a session. */
	greet(to: SwarmPeer, session: number): void {
		const message = fields([1, 0], [6, 0]);
		this.node.route(to.hash, helloType, { number: session, trusted: false, message });
	}

	/** Opens a session. */
	async open(to: SwarmPeer, session = 1): Promise<void> {
		this.greet(to, session);
		await this.#swarm.simulation.run(500);
		if (!this.sessions.has(session)) throw new Error("no answer");
	}
}

async function withVillain(
	seed: number,
	options: PeerOptions = {},
): Promise<{ swarm: Swarm; villain: Villain; victim: SwarmPeer; errors: unknown[] }> {
	const swarm = new Swarm(seed, { ...sparse, ...options });
	await swarm.grow(8);
	const errors: unknown[] = [];
	for (const peer of swarm.peers) peer.on("error", (error) => errors.push(error));
	const villain = await Villain.join(swarm);
	const victim = swarm.peers[3];
	if (victim === undefined) throw new Error("nobody");
	return { swarm, villain, victim, errors };
}

/** That all peers can still send to each other. */
async function expectService(swarm: Swarm): Promise<void> {
	const pairs = swarm.peers.flatMap((from) => swarm.peers.map((to) => [from, to] as const));
	for (const peer of swarm.peers) await drain(peer);
	await swarm.until(Promise.all(pairs.map(([from, to]) => from.send(to, "service"))));
	for (const peer of swarm.peers) {
		expect(await drain(peer)).toEqual(swarm.peers.map(() => "service"));
	}
}

test("bodies that are no messages are ignored, and the peer goes on serving", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const { swarm, villain, victim, errors } = await withVillain(seed);
		const { random } = swarm.simulation;
		await villain.open(victim);
		for (let i = 0; i < 400; i++) {
			const body = random.bytes(Math.floor(random.next() * 90));
			const kind = kinds[i % kinds.length];
			if (kind !== undefined) villain.node.route(victim.hash, kind, body);
			villain.put(victim, 1, body);
		}
		const whole = packet({ data: "" });
		for (let length = 0; length < whole.length; length++) {
			villain.put(victim, 1, whole.subarray(0, length));
		}
		const remote = { hash: victim.hash, address: victim.listener };
		for (let i = 0; i < 50; i++) {
			const body = random.bytes(Math.floor(random.next() * 300));
			const type = [offer, pull, digest][i % 3] ?? offer;
			if (isRequest([offerType, pullType, digestType][i % 3] ?? offerType, body)) continue;
			await expect(swarm.until(villain.node.request(remote, type, body))).rejects.toMatchObject({
				code: "REMOTE",
			});
		}
		expect(victim.pending).toBe(0);
		expect(errors).toEqual([]);
		await expectService(swarm);
	});
});

test("what is for no session, or one of another life, is answered so, and not taken", async () => {
	const { swarm, villain, victim } = await withVillain(1);
	await villain.open(victim);
	const lost = packet({ data: "x" });
	expect(await villain.say(victim, 12_345, lost)).toMatchObject({ state: "gone", session: 12_345 });
	expect(victim.pending).toBe(0);
	expect(await villain.say(victim, 1, lost)).toMatchObject({ state: "open", session: 1, next: 1 });
	expect(await drain(victim)).toEqual(["x"]);
	await swarm.until(victim.disconnect());
	await swarm.until(victim.connect(swarm.first.listener));
	await swarm.simulation.run(10_000);
	const before = villain.sessions.get(1);
	expect(await villain.say(victim, 1, packet({ number: 1, data: "y" }))).toMatchObject({
		state: "gone",
		session: before,
	});
	expect(victim.pending).toBe(0);
});

test("a message without its beginning, or within another, is never taken, and ends the session", async () => {
	const { villain, victim } = await withVillain(2);
	const data = "x".repeat(1_024);
	await villain.open(victim, 1);
	const middle = packet({ number: 7, base: 7, start: 0, data });
	expect(await villain.say(victim, 1, middle)).toMatchObject({ state: "gone" });
	await villain.open(victim, 2);
	const first = packet({ number: 0, end: 0, data });
	expect(await villain.say(victim, 2, first)).toMatchObject({ state: "open", next: 1 });
	const again = packet({ number: 1, data });
	expect(await villain.say(victim, 2, again)).toMatchObject({ state: "gone" });
	expect(victim.pending).toBe(0);
});

test("what is said twice, in any order, or again later is taken once, in order", async () => {
	const { villain, victim } = await withVillain(3);
	await villain.open(victim);
	const chunks = ["a", "b", "c", "d"].map((data, number) => packet({ number, data }));
	const [a, b, c, d] = chunks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
	const answer = await villain.say(victim, 1, d, c, d, a, a, b, c, b);
	expect(answer).toMatchObject({ state: "open", next: 4 });
	await villain.say(victim, 1, ...chunks);
	expect(await drain(victim)).toEqual(["a", "b", "c", "d"]);
});

test("what is said under a number that was used is not heard", async () => {
	const { swarm, villain, victim } = await withVillain(12);
	await villain.open(victim);
	for (const [number, data] of ["a", "b"].entries()) {
		villain.put(victim, 1, packet({ number, data }), 5);
		await swarm.simulation.run(500);
	}
	expect(await drain(victim)).toEqual(["a"]);
});

test("numbers of any size do no harm", async () => {
	const { swarm, villain, victim } = await withVillain(4);
	await villain.open(victim);
	const huge = 2 ** 48 - 1;
	const bodies = [
		{ number: huge, base: 0 },
		{ number: 3, base: huge },
		{ number: huge, base: huge },
		{ number: 0, base: 0 },
	].map((body) => packet({ ...body, data: "x" }));
	await villain.say(victim, 1, ...bodies);
	expect(await drain(victim)).toEqual(["x"]);
	for (const number of [huge, 2 ** 32, 4_096 * 3]) {
		villain.put(victim, 1, packet({ number: 1, data: "y" }), number);
	}
	await swarm.simulation.run(500);
	await expectService(swarm);
});

test("a message larger than allowed is refused however it is cut, and crumbs are ignored", async () => {
	const { villain, victim } = await withVillain(5);
	await villain.open(victim);
	const data = Buffer.alloc(49_152);
	const parts = Array.from({ length: 23 }, (_, number) =>
		packet({ number, start: number === 0 ? 1 : 0, end: 0, data }),
	);
	const answer = await villain.say(victim, 1, ...parts);
	expect(answer).toMatchObject({ state: "tooLarge", next: 21 });
	const crumb = packet({ number: 23, base: 23, end: 0, data: "x" });
	expect(await villain.say(victim, 1, crumb)).toBeUndefined();
	const next = packet({ number: 23, base: 23, data: "after it" });
	expect(await villain.say(victim, 1, next)).toMatchObject({ state: "open", next: 24 });
	expect(await drain(victim)).toEqual(["after it"]);
});

test("unfinished messages take 4 MiB in all, and make room for others when they do not go on", async () => {
	const { swarm, villain, victim } = await withVillain(6, { reassembly: { perPeer: 1_000 } });
	const sessions = Array.from({ length: 200 }, (_, i) => i + 1);
	const data = Buffer.alloc(49_152);
	let taken = 0;
	for (const session of sessions) {
		await villain.open(victim, session);
		const answer = await villain.say(victim, session, packet({ end: 0, data }));
		taken += answer?.next ?? 0;
		// All within the time after which it counts as stalled.
		if (session === 19) break;
	}
	expect(taken).toBe(19);
	await swarm.simulation.run(11_000);
	const flood = sessions.map((session) => session + 1_000);
	for (const session of flood) villain.greet(victim, session);
	await swarm.simulation.run(5_000);
	villain.replies.length = 0;
	for (const session of flood) {
		villain.put(victim, session, packet({ end: 0, data }));
		// All in one turn would be more than a link has room for.
		await swarm.simulation.run(1);
	}
	await swarm.simulation.run(5_000);
	const kept = villain.replies.filter(({ next }) => next === 1).length;
	expect(kept).toBe(Math.floor((4 * 1_048_576) / (49_152 + 128)));
	expect(villain.replies.filter(({ state }) => state === "full")).toHaveLength(200 - kept);
	// Only the one that was begun first may go on, so that one always can end.
	const [begun = 0, second = 0] = flood;
	for (const [session, state, next] of [
		[begun, "open", 2],
		[second, "full", 1],
	] as const) {
		const body = packet({ number: 1, start: 0, end: 0, data });
		expect(await villain.say(victim, session, body)).toMatchObject({ session, state, next });
	}
	await expectService(swarm);
	const large = new Uint8Array(1_048_576);
	await swarm.until(swarm.first.send(victim, large));
	expect((await victim.recv()).data).toHaveLength(1_048_576);
});

test("requests and answers that are none, or that nobody asked for, are ignored; those that a peer repeats are served once", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const { swarm, villain, victim, errors } = await withVillain(seed);
		const { random } = swarm.simulation;
		let served = 0;
		victim.onRequest(() => `${++served}`);
		for (const lane of [1, 2]) {
			const session = 10 + lane;
			await villain.open(victim, session);
			const garbage = Array.from({ length: 100 }, (_, number) => {
				const data = random.bytes(Math.floor(random.next() * 30));
				if (data.length > 0 && data[0] === 0) data[0] = 1;
				return packet({ lane, number, data });
			});
			const answer = await villain.say(victim, session, ...garbage);
			expect(answer).toMatchObject({ state: "open", next: 100 });
		}
		await villain.open(victim, 13);
		const request = Buffer.concat([fields([1, 0], [6, 77], [4, 60_000]), Buffer.from("?")]);
		const again = [0, 1, 2].map((number) => packet({ lane: 1, number, data: request }));
		await villain.say(victim, 13, ...again);
		expect(served).toBe(1);
		expect(errors).toEqual([]);
		await expectService(swarm);
	});
});

test("ten thousand sessions of a villain cost others at most a send under way", async () => {
	const { swarm, villain, victim } = await withVillain(7);
	for (let session = 1; session <= 10_000; session++) villain.greet(victim, session);
	await swarm.simulation.run(2_000);
	for (const session of villain.sessions.keys())
		villain.put(victim, session, packet({ data: "x" }));
	await swarm.simulation.run(2_000);
	const code = await swarm.until(codeOf(swarm.first.send(victim, "1")));
	expect(["nothing", "UNREACHABLE"]).toContain(code);
	await expectService(swarm);
});

test("replies to sessions that nobody has, or that promise too much, change nothing", async () => {
	const { swarm, villain, victim } = await withVillain(8);
	await villain.open(victim);
	for (let session = 0; session < 50; session++) {
		const lane = session % 3;
		const content = fields([1, 1], [1, lane], [1, lane], [6, 2 ** 48 - 1], [1, 255]);
		villain.put(victim, session, content);
	}
	await swarm.simulation.run(1_000);
	await expectService(swarm);
});

interface OfferFields {
	readonly number: number;
	readonly limit: Hash;
	readonly identity?: Identity;
	readonly origin?: Hash;
	readonly excluded?: readonly Hash[];
	readonly budget?: number;
	readonly size?: number;
	readonly data?: string;
	/** What is said otherwise than it was signed. */
	readonly forged?: Partial<Header>;
	/** A payload that is not the one that was signed. */
	readonly instead?: string;
}

const villainy = Identity.create();

/** A broadcast that this test makes up. */
function offerOf(given: OfferFields): Offer {
	const { number, limit, excluded = [], budget = 4_000, identity = villainy } = given;
	const { origin = new Hash({ value: "made up" }), forged = {} } = given;
	const data = given.data === undefined ? undefined : Buffer.from(given.data);
	const digest = digestOf(data ?? new Uint8Array(0));
	const { size = data?.length ?? 0 } = given;
	const header = sign(identity, {
		number,
		origin,
		originAddress: undefined,
		excluded,
		size,
		digest,
	});
	const times = { age: 0, budget, patience: 0 };
	const payload = given.instead === undefined ? data : Buffer.from(given.instead);
	const rest = { limit, ask: number, piece: 1_024, data: payload };
	return { header: { ...header, ...forged }, ...times, ...rest };
}

/** Offers something to a peer; the answer's state. */
async function make(
	{ swarm, villain, victim }: Awaited<ReturnType<typeof withVillain>>,
	given: OfferFields,
): Promise<string> {
	const remote = { hash: victim.hash, address: victim.listener };
	const answer = villain.node.request(remote, offerType, offerOf(given));
	return (await swarm.until(answer)).state;
}

test("broadcasts with any limit, exclusions and time come to an end, and reach nobody twice", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const scene = await withVillain(seed);
		const { swarm, villain, victim, errors } = scene;
		const everyone = swarm.peers.map(({ hash }) => hash);
		const nobody = Array.from({ length: 256 }, (_, i) => new Hash({ value: `${seed} ${i}` }));
		const limits = [victim.hash, ...everyone, new Hash({ hashed: 0n }), ...nobody.slice(0, 70)];
		for (const [index, limit] of limits.entries()) {
			const excluded = [[], everyone, nobody, everyone.slice(2, 5)][index % 4] ?? [];
			const budget = [0, 1, 4_000, 2 ** 32 - 1][index % 3] ?? 0;
			await make(scene, { number: index % 5, limit, excluded, budget, data: "spam" });
		}
		await swarm.simulation.run(60_000);
		for (const peer of swarm.peers) {
			expect(peer.pending).toBeLessThanOrEqual(5);
			for (let i = peer.pending; i > 0; i--) expect(text(await peer.recv())).toBe("spam");
		}
		expect(villain.node.peers.length).toBeGreaterThan(0);
		expect(errors).toEqual([]);
		await expectService(swarm);
		expect(await swarm.until(swarm.first.broadcast("real"))).toEqual({ reached: 7 });
	});
});

test("a broadcast that leaves this peer out, is its own, too large, or over is refused", async () => {
	const scene = await withVillain(9);
	const { swarm, victim, villain } = scene;
	const limit = villain.node.hash;
	const said = (given: Partial<OfferFields>): Promise<string> =>
		make(scene, { number: 1, limit, data: "spam", ...given });
	expect(await said({ excluded: [victim.hash] })).toBe("over");
	expect(await said({ origin: victim.hash })).toBe("over");
	expect(await make(scene, { number: 2, limit, size: 1_048_577 })).toBe("tooLarge");
	expect(victim.pending).toBe(0);
	expect(await said({ budget: 1_000 })).toBe("accepted");
	await swarm.simulation.run(2_000);
	expect(await said({})).toBe("over");
	// Far below what has been: no window reaches there.
	await said({ number: 100_000, budget: 1 });
	await swarm.simulation.run(1_000);
	expect(await said({ number: 9 })).toBe("over");
	expect(await drain(victim)).toEqual(["spam", "spam"]);
});

test("what was not signed is not taken: no field of it can be changed, nor its payload", async () => {
	const scene = await withVillain(11);
	const { swarm, victim, villain } = scene;
	const limit = villain.node.hash;
	const { key } = offerOf({ number: 1, limit, identity: Identity.create() }).header;
	const forgeries: Partial<Header>[] = [
		{ key },
		{ epoch: 2 },
		{ number: 7 },
		{ origin: villain.node.hash },
		{ originAddress: { host: "192.0.2.1", port: 7_000 } },
		{ excluded: [new Hash({ value: "one more" })] },
		{ size: 5 },
		{ digest: digestOf(Buffer.from("Spam")) },
		{ signature: new Uint8Array(64) },
	];
	for (const [number, forged] of forgeries.entries()) {
		expect(await make(scene, { number, limit, data: "spam", forged })).toBe("over");
	}
	// A payload that is not the one that was signed is asked for, from others too.
	expect(await make(scene, { number: 99, limit, data: "spam", instead: "Spam" })).toBe("accepted");
	await swarm.simulation.run(1_000);
	expect(victim.pending).toBe(0);
	expect(await make(scene, { number: 99, limit, data: "spam" })).toBe("accepted");
	expect(await drain(victim)).toEqual(["spam"]);
});

test("payloads that are promised and never come hold up no others", async () => {
	const scene = await withVillain(10);
	const { swarm, victim, villain } = scene;
	const limit = villain.node.hash;
	const size = 1_048_576;
	const forever = 2 ** 32 - 1;
	const states: string[] = [];
	for (let number = 0; number < 20; number++) {
		const identity = Identity.create();
		states.push(await make(scene, { number, limit, identity, size, budget: forever }));
	}
	expect(states).toContain("busy");
	await swarm.simulation.run(11_000);
	const large = new Uint8Array(size);
	expect(await swarm.until(swarm.first.broadcast(large))).toEqual({ reached: 7 });
	const remote = { hash: victim.hash, address: victim.listener };
	const told = Array.from({ length: 10_000 }, (_, number) => {
		const claims = fields([4, number], [4, number], [4, 7], [1, 1], [1, number % 2], [1, 1]);
		const id = Buffer.concat([villainy.publicKey, fields([4, 1], [4, number])]);
		return [villain.node.notify(remote, report, claims), villain.node.notify(remote, withdraw, id)];
	});
	await swarm.until(Promise.all(told.flat()));
	await swarm.simulation.run(1_000);
	for (const peer of swarm.peers) await drain(peer);
	await expectService(swarm);
});
