import { Hash, LocalNode, type NoticeType, decode, formatAddress } from "@cicada/chordlib";
import { expect, test } from "vitest";

import type { SwarmPeer, Tampering } from "../src/index.ts";
import {
	helloType,
	hereType,
	refusalType,
	sealedType,
	welcomeType,
	whoType,
} from "../src/session/messages.ts";
import { Forger, type Passing, tapping } from "./forger.ts";
import { assertForSeeds } from "./seeds.ts";
import { Swarm, areStrangers, codeOf, drain, sparse, text } from "./swarm.ts";

const FILE = "sessions.test.ts";
const sealed = { ...sparse, encryption: "required" } as const;

/** What a peer was told of what was altered on the way. */
function tamperingAt(peer: SwarmPeer): Tampering[] {
	const events: Tampering[] = [];
	peer.on("tamper", (event) => events.push(event));
	return events;
}

test("a message that is relayed is sealed: relays see its target, numbers, and how long it is", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const swarm = new Swarm(seed, sealed);
		await swarm.grow(4);
		const passed: Passing[] = [];
		const hooks = tapping((passing) => passed.push({ ...passing, body: passing.body.slice() }));
		for (let i = 0; i < 8; i++) await Forger.join(swarm, { hooks });
		await swarm.grow(4);
		const secret = "nobody but the two of us";
		const answer = "nor anybody but you";
		for (const peer of swarm.peers) peer.onRequest(() => answer);
		passed.length = 0;
		const pairs = swarm.peers.flatMap((from) => swarm.peers.map((to) => [from, to] as const));
		for (const [from, to] of pairs) {
			await swarm.until(from.send(to, secret));
			const { data } = await swarm.until(from.request(to, secret));
			expect(new TextDecoder().decode(data)).toBe(answer);
		}
		const kinds = new Set(passed.map(({ type }) => type.name.split("/").at(-1)));
		expect(kinds).toEqual(new Set(["hello", "here", "sealed", "welcome", "who"]));
		for (const { body } of passed) {
			expect(Buffer.from(body).includes(secret.slice(0, 6))).toBe(false);
			expect(Buffer.from(body).includes(answer.slice(0, 6))).toBe(false);
		}
		for (const peer of swarm.peers)
			expect(await drain(peer)).toEqual(swarm.peers.map(() => secret));
	});
});

test("what is said first while the link to the target breaks arrives by way of others", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, sealed);
		await swarm.grow(16);
		const near = ({ ring }: SwarmPeer, other: SwarmPeer): boolean =>
			[...ring.successors, ring.predecessor].some((peer) => peer?.hash.equals(other.hash) === true);
		const [from, to] = swarm.pair((a, b) => !areStrangers(a, b) && !near(a, b) && !near(b, a));
		const sending = from.send(to, "first");
		const [here, there] = [swarm.hostOf(from), swarm.hostOf(to)];
		swarm.simulation.breakLinks(here, there);
		swarm.simulation.partition([here], [there]);
		const { hops } = await swarm.until(sending);
		expect([hops > 1, await drain(to)]).toEqual([true, ["first"]]);
	});
});

test("a source is verified when its id is that of its key; of an address when it was dialled and met there", async () => {
	const swarm = new Swarm(2, sealed);
	const peers = await swarm.grow(12);
	const keyed = await swarm.grow(6, { identity: "key" });
	for (const to of [...peers, ...keyed]) {
		const from = keyed.find((peer) => peer !== to) ?? to;
		const receipt = await swarm.until(from.send(to, "by key"));
		const { source } = await to.recv();
		expect([source.hash.toString(), source.verified]).toEqual([from.hash.toString(), true]);
		expect(receipt.target.verified || !keyed.includes(to)).toBe(true);
	}
	// Whom nobody has had a link to: it came last, and knows two members or so.
	const host = swarm.simulation.host("late");
	const late = await swarm.add({}, host);
	const [through] = peers;
	await swarm.until(late.connect(through?.listener ?? late.listener));
	const stranger = peers.find((peer) => peer.peers.every(({ hash }) => !hash.equals(late.hash)));
	if (stranger === undefined) throw new Error("everyone knows it");
	await swarm.until(late.send(stranger, "who am I?"));
	expect((await stranger.recv()).source.verified).toBe(false);
	await swarm.until(stranger.send(late, "let us see", { route: "auto" }));
	await swarm.until(late.send(stranger, "and now?"));
	expect((await stranger.recv()).source.verified).toBe(true);
});

test("nobody is credited with what he did not send: records that are not their sender's own are refused", async () => {
	const swarm = new Swarm(3, { ...sealed, identity: "key" });
	await swarm.grow(8);
	const forger = await Forger.join(swarm, { keyed: true });
	const [victim, other] = swarm.peers;
	if (victim === undefined || other === undefined) throw new Error("nobody");
	const to = await forger.recordOf(victim);
	const theirs = await forger.recordOf(other);
	const tampered = tamperingAt(victim);
	const own = forger.node.record.bytes;

	expect(await forger.say(to, own, "as myself")).toBe(true);
	const { source } = await victim.recv();
	expect([source.hash.equals(forger.node.hash), source.verified]).toEqual([true, true]);

	/** Says hello with a record that is none of its own: there is no answer, and the victim is told. */
	const refused = async (record: Uint8Array): Promise<void> => {
		const before = tampered.length;
		expect(await forger.say(to, record, "as somebody else")).toBe(false);
		expect(tampered.slice(before)).toEqual([
			{ what: "record", peer: undefined, via: expect.anything() as unknown },
		]);
	};
	// Another's, with another's key in it.
	await refused(theirs.bytes);
	// One with any byte altered, none, and too little.
	for (let place = 0; place < own.length; place += 7) {
		await refused(own.with(place, own[place]! ^ 1));
	}
	await refused(own.subarray(1));
	await refused(new Uint8Array(0));
	// Signed by its key: of an id that is neither that key's nor that of the address, expired, of a later time.
	await refused(await recordOf(forger, "any id", 0));
	await refused(await recordOf(forger, forger.identity.publicKey, -30));
	await refused(await recordOf(forger, forger.identity.publicKey, 30));

	// The one before.
	await swarm.until(forger.node.leaveRing());
	await swarm.until(forger.node.joinRing(swarm.first.listener));
	await swarm.simulation.run(10_000);
	expect(await forger.say(to, forger.node.record.bytes, "in another life")).toBe(true);
	await refused(own);
	expect(await drain(victim)).toEqual(["in another life"]);
});

test("who says that he is at another's address is not verified, and refused where that one is known", async () => {
	const swarm = new Swarm(4, sealed);
	await swarm.grow(10);
	const forger = await Forger.join(swarm);
	const [victim] = swarm.peers;
	if (victim === undefined) throw new Error("nobody");
	const to = await forger.recordOf(victim);
	// Where nobody is, and the forger owns the place: what is answered to that comes to it.
	const everyone = [...swarm.peers, forger.node];
	const nobody = Array.from({ length: 1_000 }, (_, i) => ({
		host: "20.0.99.1",
		port: 7000 + i,
	})).find((address) => {
		const hash = new Hash({ value: formatAddress(address) });
		const [owner] = everyone.toSorted((a, b) =>
			hash.distanceTo(a.hash) < hash.distanceTo(b.hash) ? -1 : 1,
		);
		return owner === forger.node;
	});
	if (nobody === undefined) throw new Error("no such place");
	const tampered = tamperingAt(victim);
	const made = await recordOf(forger, formatAddress, 0, nobody);
	expect(await forger.say(to, made, "from nobody")).toBe(true);
	const { source } = await victim.recv();
	expect(source.address).toEqual(nobody);
	expect(source.verified).toBe(false);
	const [known] = victim.peers.filter(({ verified, hash }) => {
		return verified && !hash.equals(forger.node.hash);
	});
	const address = known?.address ?? nobody;
	const posing = await recordOf(forger, formatAddress, 0, address);
	expect(await forger.say(to, posing, "from your neighbour")).toBe(false);
	expect(victim.pending).toBe(0);
	expect(tampered.map(({ what }) => what)).toEqual(["record"]);
});

test("an answer to a request comes from who was asked, and both are verified", async () => {
	const swarm = new Swarm(5, { ...sealed, identity: "key" });
	await swarm.grow(10);
	const [from, to] = swarm.strangers();
	const sources: boolean[] = [];
	to.onRequest(({ source }) => {
		sources.push(source.verified && source.hash.equals(from.hash));
		return "yes";
	});
	const { source } = await swarm.until(from.request(to, "?"));
	expect([source.hash.equals(to.hash), source.verified, sources]).toEqual([true, true, [true]]);
});

test("peers of which one encrypts and the other does not have no session", async () => {
	const swarm = new Swarm(6);
	const peer = await swarm.add({ encryption: "required" });
	const other = await swarm.add({ encryption: "off" });
	expect(await swarm.until(codeOf(other.connect(peer.listener)))).toBe("INCOMPATIBLE");
});

test("the word of others that a session is gone does not end it", async () => {
	// More than there is room for: so a session is also quiet for a while, with messages under way.
	const swarm = new Swarm(7, { ...sealed, identity: "key", inbox: { messages: 30 } });
	await swarm.grow(4);
	const numbers = new Set<number>();
	const hooks = tapping(({ body }) => numbers.add(Buffer.from(body).readUIntBE(0, 6)));
	const forgers: Forger[] = [];
	for (let i = 0; i < 8; i++) forgers.push(await Forger.join(swarm, { hooks, keyed: true }));
	await swarm.grow(4);
	const [from, to] = await relayedPair(swarm, numbers);
	const [forger] = forgers;
	if (forger === undefined) throw new Error("nobody");
	numbers.clear();
	// Anybody has it from a link.
	const record = (await forger.recordOf(to)).bytes;
	const hint = (): void => {
		for (const { node } of forgers) {
			for (const number of numbers) {
				for (const said of [record, node.record.bytes]) {
					const body = { number, hops: 1, record: said };
					for (const peer of [from, to]) node.route(peer.hash, hereType, body);
				}
			}
		}
	};
	const codes: Promise<string>[] = [];
	const got: string[] = [];
	for (let i = 0; i < 200; i++) {
		if (i < 40) codes.push(codeOf(from.send(to, `${i}`, { timeout: 100_000 })));
		hint();
		await swarm.simulation.run(100);
		if (i > 150) got.push(...(await drain(to)));
	}
	expect(new Set(await swarm.until(Promise.all(codes)))).toEqual(new Set(["nothing"]));
	got.push(...(await drain(to)));
	expect(got).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
});

test("the word of others that a target refuses, or welcomes, does not stand for its own", async () => {
	const swarm = new Swarm(10, { ...sealed, identity: "key" });
	await swarm.grow(4);
	const passed = new Set<Passing>();
	let said = 0;
	const forgers: Forger[] = [];
	const hooks = tapping((passing) => {
		if (passing.type.name === whoType.name) passed.add(passing);
		const [forger] = forgers;
		if (passing.type.name !== helloType.name || forger === undefined) return;
		const { number } = decode(helloType.body, passing.body);
		const signature = new Uint8Array(64).fill(said++);
		for (const { hash } of swarm.peers) {
			forger.node.route(hash, refusalType, { number, signature });
			forger.node.route(hash, welcomeType, { number, signature, message: signature });
		}
	});
	for (let i = 0; i < 8; i++) forgers.push(await Forger.join(swarm, { hooks, keyed: true }));
	await swarm.grow(4);
	const [from, to] = await relayedPair(swarm, passed);
	const tampered = tamperingAt(from);
	await swarm.until(from.send(to, "hello"));
	expect(await drain(to)).toEqual(["hello"]);
	await swarm.simulation.run(1_000);
	expect(said).toBeGreaterThan(0);
	expect(tampered.length).toBeGreaterThan(0);
	expect(new Set(tampered.map(({ what }) => what))).toEqual(new Set(["handshake"]));
});

test("a session that its target has lost goes on in another one, and nothing is taken twice", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const swarm = new Swarm(seed, sealed);
		await swarm.grow(10);
		const [from, to] = swarm.strangers();
		await swarm.until(from.send(to, "before"));
		const flying = [1, 2, 3].map((i) => codeOf(from.send(to, `old ${i}`)));
		swarm.crash(to);
		const reborn = await swarm.restart(to, swarm.first === from ? from : swarm.first);
		expect(await swarm.until(Promise.all(flying))).toEqual(flying.map(() => "UNREACHABLE"));
		await swarm.until(from.send(reborn, "new"));
		expect(text(await reborn.recv())).toBe("new");
		expect(reborn.pending).toBe(0);
	});
});

test.each(["ring", "auto"] as const)(
	"who answers on the way to an address in its place is believed, but not verified, by %s, until it is dialled",
	async (route) => {
		const swarm = new Swarm(2, sealed);
		await swarm.grow(4);
		const passed = new Set<Passing>();
		let onPath: (passing: Passing) => void = () => {};
		const hooks = tapping((passing) => {
			if (passing.type.name === whoType.name) passed.add(passing);
			onPath(passing);
		});
		const forgers: Forger[] = [];
		for (let i = 0; i < 8; i++) forgers.push(await Forger.join(swarm, { hooks }));
		await swarm.grow(4);
		const [from, to] = await relayedPair(swarm, passed);
		const [forger] = forgers;
		if (forger === undefined) throw new Error("nobody");
		const posing = await recordOf(forger, formatAddress, 0, to.address);
		let answered = 0;
		/** Answers whatever goes to the target as if it was that, and hands on none of it. */
		onPath = ({ type, body }) => {
			const say = <Body>(answer: NoticeType<Body>, value: Body): void => {
				swarm.hostOf(from).clock.defer(() => forger.node.route(from.hash, answer, value));
			};
			if (type.name === whoType.name) {
				say(hereType, { ...decode(whoType.body, body), hops: 1, record: posing });
			}
			if (type.name === helloType.name) {
				const reception = forger.handshakes.receive(decode(helloType.body, body));
				const content = { number: 77, knowsBefore: false, life: 1, age: 0 };
				if (reception) say(welcomeType, reception.welcome(content, undefined).content);
				if (reception) answered++;
			}
			if ([whoType, helloType, sealedType].some(({ name }) => name === type.name)) body.fill(0);
		};
		const sending = from.send(to, "hello", { route, timeout: 5_000 });
		const outcome = await swarm.until(
			sending.then(
				({ target }) => `verified: ${target.verified}`,
				() => "not delivered",
			),
		);
		expect(answered).toBeGreaterThan(0);
		expect([outcome, await drain(to)]).toEqual(
			route === "auto" ? ["verified: true", ["hello"]] : ["not delivered", []],
		);
	},
);

test("a peer in a new life answers a hello, whose clock goes on between two looks at it", async () => {
	const swarm = new Swarm(1, sealed);
	await swarm.grow(2);
	const host = swarm.simulation.host("target");
	const { clock, random, transport } = host;
	let looks = 0;
	const ticking = {
		now: () => clock.now() + looks++ / 1_000_000,
		wall: () => clock.wall(),
		schedule: (delay: number, run: () => void) => clock.schedule(delay, run),
		defer: (run: () => void) => {
			clock.defer(run);
		},
	};
	const target = await swarm.add({ ports: { clock: ticking, random, transport } }, host);
	const errors: unknown[] = [];
	target.on("error", (error) => errors.push(error));
	for (let life = 0; life < 2; life++) {
		await swarm.until(target.connect(swarm.first.listener));
		await swarm.until(swarm.first.send(target, "hello"));
		await swarm.until(target.disconnect());
	}
	expect(errors).toEqual([]);
});

/** Two peers whose messages go by way of those who write down what they see; they have had no session yet. */
async function relayedPair(swarm: Swarm, seen: Set<unknown>): Promise<[SwarmPeer, SwarmPeer]> {
	for (const from of swarm.peers) {
		for (const to of swarm.peers) {
			if (!areStrangers(from, to)) continue;
			seen.clear();
			await swarm.until(from.explain(to, { route: "ring" }));
			if (seen.size > 0) return [from, to];
		}
	}
	throw new Error("nothing was relayed by them");
}

/** A record that the forger's key signs, as of so many days from now. */
async function recordOf(
	{ identity, swarm }: Forger,
	data: ConstructorParameters<typeof LocalNode>[0],
	days: number,
	advertise?: { host: string; port: number },
): Promise<Uint8Array> {
	const host = swarm.simulation.host(`elsewhere ${swarm.simulation.hosts.length}`);
	const clock = {
		now: () => host.clock.now(),
		wall: () => host.clock.wall() + days * 86_400,
		schedule: (delay: number, run: () => void) => host.clock.schedule(delay, run),
		defer: (run: () => void) => {
			host.clock.defer(run);
		},
	};
	const ports = { clock, random: host.random, transport: host.transport };
	const bind = { host: host.ip, port: 7000 };
	const node = new LocalNode(data, bind, { ports, identity, ...(advertise && { advertise }) });
	await node.listen();
	const { bytes } = node.record;
	await node.close();
	return bytes;
}
