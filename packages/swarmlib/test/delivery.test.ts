import { constant } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Hash, type Receipt, type SwarmPeer } from "../src/index.ts";
import { assertForSeeds } from "./seeds.ts";
import { Swarm, areStrangers, codeOf, drain, expectCode, sparse, text } from "./swarm.ts";

const FILE = "delivery.test.ts";

test("a message reaches a peer several hops away: it alone, exactly, with its origin as source", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(16);
		const [from, to] = swarm.strangers();
		const receipt = await swarm.until(from.send(to, "over there"));
		expect(receipt.exact).toBe(true);
		expect(receipt.target.hash.equals(to.hash)).toBe(true);
		expect(receipt.target.address).toEqual(to.listener);
		expect(receipt.target.verified).toBe(false);
		expect(receipt.copies).toBe(1);
		// In between the ring may link the two.
		expect(receipt.hops).toBeGreaterThan(areStrangers(from, to) ? 1 : 0);
		expect(receipt.rtt).toBeGreaterThanOrEqual(20 * receipt.hops);
		const { source, data, more } = await to.recv();
		expect(source.hash.equals(from.hash)).toBe(true);
		expect(source.address).toEqual(from.listener);
		expect([text({ source, data, more }), more]).toEqual(["over there", false]);
		for (const peer of swarm.peers) expect(peer.pending).toBe(0);
	});
});

test("hops counts links: oneself 0, a neighbour 1", async () => {
	const swarm = new Swarm(1, sparse);
	await swarm.grow(12);
	const [peer] = swarm.peers;
	if (peer === undefined) throw new Error("nobody");
	expect((await swarm.until(peer.send(peer, "me"))).hops).toBe(0);
	for (const other of swarm.after(peer)) {
		const { hops } = await swarm.until(peer.send(other, "you"));
		expect(hops === 1).toBe(!areStrangers(peer, other));
		expect(hops).toBeGreaterThanOrEqual(1);
	}
});

test("all of a sender's messages to all others arrive once each, in the order sent", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		const peers = await swarm.grow(12);
		const sends: Promise<Receipt>[] = [];
		for (let i = 0; i < 10; i++) {
			for (const from of peers) {
				for (const to of peers) sends.push(from.send(to, `${peers.indexOf(from)} ${i}`));
			}
		}
		await swarm.until(Promise.all(sends));
		for (const to of peers) {
			const got = await drain(to);
			for (const [index] of peers.entries()) {
				const mine = got.filter((message) => message.startsWith(`${index} `));
				expect(mine).toEqual(Array.from({ length: 10 }, (_, i) => `${index} ${i}`));
			}
		}
	});
});

test("of many messages that are given at once a packet goes as soon as it is full", async () => {
	let packets = 0;
	const swarm = new Swarm(1, { ...sparse, hooks: { send: () => void packets++ } });
	const [from, to] = await swarm.grow(2);
	if (from === undefined || to === undefined) throw new Error("nobody");
	await swarm.until(from.send(to, "first"));
	packets = 0;
	const sends = Array.from({ length: 255 }, (_, i) => from.send(to, `${i}`));
	expect(packets).toBe(0);
	sends.push(from.send(to, "255"));
	expect(packets).toBe(1);
	for (let i = 256; i < 600; i++) sends.push(from.send(to, `${i}`));
	expect(packets).toBe(2);
	await swarm.until(Promise.all(sends));
	expect(await drain(to)).toEqual(["first", ...sends.map((_, i) => `${i}`)]);
});

test("duplicates take other routes, and the application gets one copy", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		// As many as know the target for one of their successors can end a route.
		const swarm = new Swarm(seed, { ...sparse, successors: 6 });
		await swarm.grow(24);
		const [from, to] = swarm.strangers();
		const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`);
		const sends = texts.map((message) => from.send(to, message, { duplicates: 2 }));
		const receipts = await swarm.until(Promise.all(sends));
		expect(receipts.map(({ copies }) => copies)).toEqual(texts.map(() => 3));
		await swarm.simulation.run(60_000);
		expect(await drain(to)).toEqual(texts);
	});
});

test("more duplicates than there are routes is no error", async () => {
	const swarm = new Swarm(1);
	const [a, b] = await swarm.grow(2);
	if (a === undefined || b === undefined) throw new Error("nobody");
	const { copies } = await swarm.until(a.send(b, "once", { duplicates: 32 }));
	expect(copies).toBe(1);
	expect(await drain(b)).toEqual(["once"]);
});

test("relays that die while messages fly lose, repeat and reorder none of them", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, { successors: 6 });
		await swarm.grow(24);
		const [from, to] = swarm.strangers();
		const texts = Array.from({ length: 60 }, (_, i) => `message ${i}`);
		const sends: Promise<Receipt>[] = [];
		for (const [index, message] of texts.entries()) {
			sends.push(from.send(to, message, { duplicates: index % 2 }));
			if (index % 12 === 6) {
				const relay = swarm.pick();
				if (relay !== undefined && relay !== from && relay !== to) swarm.crash(relay);
			}
			await swarm.simulation.run(40);
		}
		await swarm.until(Promise.all(sends));
		await swarm.simulation.run(60_000);
		expect(await drain(to)).toEqual(texts);
	});
});

test("when the target dies, what is under way to it rejects by its deadline, and no other send suffers", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(12);
		const [from, to] = swarm.strangers();
		const other = swarm.peers.find((peer) => peer !== to && areStrangers(from, peer)) ?? from;
		await swarm.until(from.send(to, "before"));
		swarm.crash(to, { silent: seed % 2 === 0 });
		const started = swarm.simulation.now;
		const lost = Promise.all(
			[1, 2, 3].map((i) => codeOf(from.send(to, `${i}`, { timeout: 20_000 }))),
		);
		const fine = from.send(other, "still here");
		for (const code of await swarm.until(lost)) {
			expect(["UNREACHABLE", "NOT_FOUND", "TIMEOUT"]).toContain(code);
		}
		expect(swarm.simulation.now - started).toBeLessThanOrEqual(20_000);
		await swarm.until(fine);
		await swarm.simulation.run(30_000);
		await expectCode(swarm.until(from.send(to, "after")), "NOT_FOUND");
	});
});

test("a send never reaches another life of its target", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(12);
		const [from, to] = swarm.strangers();
		await swarm.until(from.send(to, "opens the session"));
		const flying = [1, 2, 3].map((i) => codeOf(from.send(to, `old ${i}`)));
		swarm.crash(to);
		const through = swarm.peers.find((peer) => peer !== from) ?? from;
		const reborn = await swarm.restart(to, through);
		expect(reborn.hash.equals(to.hash)).toBe(true);
		const codes = await swarm.until(Promise.all(flying));
		expect(codes).toEqual(["UNREACHABLE", "UNREACHABLE", "UNREACHABLE"]);
		await swarm.until(from.send(reborn, "new"));
		expect(await drain(reborn)).toEqual(["new"]);
	});
});

test("a send to a target that has begun another life since the last one reaches the new life", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(12);
		const [from, to] = swarm.strangers();
		await swarm.until(from.send(to, "old"));
		swarm.crash(to);
		const through = swarm.peers.find((peer) => peer !== from) ?? from;
		const reborn = await swarm.restart(to, through);
		await swarm.simulation.run(10_000);
		await swarm.until(from.send(to, "new"));
		expect(await drain(reborn)).toEqual(["new"]);
	});
});

test.each(["off", "required"] as const)(
	"what is sent to a life that the sender does not know of yet reaches it, once and in order: encryption %s",
	async (encryption) => {
		await assertForSeeds(FILE, 5, async (seed) => {
			const swarm = new Swarm(seed, { ...sparse, encryption, latency: constant(10) });
			await swarm.grow(12);
			const [from, to] = swarm.strangers();
			await swarm.until(from.send(to, "opens the session"));
			swarm.crash(to);
			const flying = codeOf(from.send(to, "old"));
			const through = swarm.peers.find((peer) => peer !== from) ?? from;
			// Where links are encrypted it has other keys, too.
			const reborn = await swarm.restart(to, through);
			// The session with the former life is fresh enough to be used still.
			const sends = [1, 2, 3].map((i) => from.send(reborn, `new ${i}`));
			const large = from.send(reborn, "large".padEnd(200_000));
			expect(await swarm.until(flying)).toBe("UNREACHABLE");
			await swarm.until(Promise.all([...sends, large]));
			const got = await drain(reborn);
			expect(got.map((message) => message.trim())).toEqual(["new 1", "new 2", "new 3", "large"]);
		});
	},
);

test.each(["off", "required"] as const)(
	"what arrives in another life of its target, whose keys are the same, is refused by that life, at once: encryption %s",
	async (encryption) => {
		const swarm = new Swarm(1, { ...sparse, encryption, latency: constant(20) });
		await swarm.grow(12);
		const [from, to] = swarm.strangers();
		await swarm.until(from.send(to, "opens the session"));
		// What the sender says is held up until the target has left the swarm and come back.
		swarm.simulation.partition([swarm.hostOf(from)]);
		const flying = codeOf(from.send(to, "old", { timeout: 20_000 }));
		await swarm.until(to.disconnect());
		const through = swarm.peers.find((peer) => peer !== from && peer !== to) ?? from;
		await swarm.until(to.connect(through.listener));
		await swarm.simulation.run(3_000);
		swarm.simulation.heal();
		expect(await swarm.until(flying)).toBe("UNREACHABLE");
		await swarm.until(from.send(to, "new"));
		expect(await drain(to)).toEqual(["opens the session", "new"]);
	},
);

test.each(["off", "required"] as const)(
	"what the owner of a key may have taken does not go to the next owner: encryption %s",
	async (encryption) => {
		const swarm = new Swarm(2, { ...sparse, encryption, latency: constant(10) });
		await swarm.grow(12);
		const [from, owner] = swarm.strangers();
		const key = new Hash({ hashed: owner.hash.toBigInt() - 1n });
		const { target } = await swarm.until(from.send(key, "opens the session"));
		expect(target.hash.equals(owner.hash)).toBe(true);
		// It takes the next one, and what it answers does not get out any more.
		swarm.simulation.partition([swarm.hostOf(owner)], undefined, { oneWay: true });
		const flying = codeOf(from.send(key, "once"));
		await swarm.until(() => owner.pending === 2);
		swarm.crash(owner);
		swarm.simulation.heal();
		expect(await swarm.until(flying)).toBe("UNREACHABLE");
		for (const peer of swarm.peers) expect(await drain(peer)).toEqual([]);
	},
);

test("an address or a peer that is not in the swarm is NOT_FOUND", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		const [from] = await swarm.grow(8);
		if (from === undefined) throw new Error("nobody");
		const outside = await swarm.add();
		await expectCode(swarm.until(from.send(["192.0.2.1", 7000], "hello")), "NOT_FOUND");
		await expectCode(
			swarm.until(from.send({ host: "192.0.2.1", port: 7000 }, "hello")),
			"NOT_FOUND",
		);
		await expectCode(swarm.until(from.send(outside, "hello")), "NOT_FOUND");
		const peer = { hash: outside.hash, address: undefined, verified: false };
		await expectCode(swarm.until(from.send(peer, "hello")), "NOT_FOUND");
		expect(outside.pending).toBe(0);
	});
});

test("a bare hash that nobody has goes to the peer responsible for it, and is not exact", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		await swarm.grow(12);
		for (let i = 0; i < 12; i++) {
			const from = swarm.pick();
			const key = new Hash({ value: `key ${seed} ${i}` });
			const receipt = await swarm.until(from?.send(key, `${i}`) ?? Promise.reject(new Error("?")));
			const owner = ownerOf(swarm, key);
			expect(receipt.exact).toBe(false);
			expect(receipt.target.hash.equals(owner.hash)).toBe(true);
			expect(receipt.hops === 0).toBe(from === owner);
			expect(await drain(owner)).toEqual([`${i}`]);
		}
	});
});

test("a bare hash that a peer has goes to just that peer, and is exact", async () => {
	const swarm = new Swarm(1, sparse);
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	const bare = new Hash({ hashed: to.hash.toBigInt() });
	const sends = [from.send(bare, "1"), from.send(to, "2"), from.send(bare, "3")];
	const receipts = await swarm.until(Promise.all(sends));
	expect(receipts.map(({ exact }) => exact)).toEqual([true, true, true]);
	expect(await drain(to)).toEqual(["1", "2", "3"]);
});

test("of bare-hash and exact sends to a place where nobody is, the former arrive and the latter are NOT_FOUND", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const swarm = new Swarm(seed, sparse);
		const [from] = await swarm.grow(12);
		if (from === undefined) throw new Error("nobody");
		const hash = new Hash({ value: `nobody ${seed}` });
		const nobody = { hash, address: undefined, verified: false };
		const sends: Promise<string>[] = [];
		for (let i = 0; i < 6; i++) {
			sends.push(codeOf(from.send(i % 2 === 0 ? hash : nobody, `${i}`)));
			await swarm.simulation.run(swarm.simulation.random.next() * 60);
		}
		const codes = await swarm.until(Promise.all(sends));
		const [none, found] = ["nothing", "NOT_FOUND"];
		expect(codes).toEqual([none, found, none, found, none, found]);
		expect(await drain(ownerOf(swarm, hash))).toEqual(["0", "2", "4"]);
	});
});

test("a peer alone sends to itself; others are NOT_FOUND; a bare hash is its own", async () => {
	const swarm = new Swarm(1);
	const peer = await swarm.add();
	const receipt = await swarm.until(peer.send(peer, "me"));
	expect([receipt.exact, receipt.hops, receipt.target.hash.equals(peer.hash)]).toEqual([
		true,
		0,
		true,
	]);
	await swarm.until(peer.send(peer.listener, "by address"));
	await expectCode(swarm.until(peer.send(["192.0.2.1", 7000], "you")), "NOT_FOUND");
	const bare = await swarm.until(peer.send(new Hash({ value: "any" }), "mine"));
	expect([bare.exact, bare.hops]).toEqual([false, 0]);
	expect(await drain(peer)).toEqual(["me", "by address", "mine"]);
});

test("two sends in one tick keep their order: of those by host name, and of those by address or id", async () => {
	const swarm = new Swarm(1, sparse);
	await swarm.grow(12);
	const [from, to] = swarm.strangers();
	const { name } = swarm.hostOf(to);
	const { host, port } = to.listener;
	const sends = [
		from.send([name, port], "1"),
		from.send([host, port], "2"),
		from.send({ host: name, port }, "3"),
		from.send(to, "4"),
		from.send({ hash: to.hash, address: to.listener, verified: false }, "5"),
	];
	await swarm.until(Promise.all(sends));
	// A name has to be resolved first.
	expect(await drain(to)).toEqual(["2", "4", "5", "1", "3"]);
});

/** Who is responsible for a key. */
function ownerOf(swarm: Swarm, key: Hash): SwarmPeer {
	const distance = (peer: SwarmPeer): bigint => key.distanceTo(peer.hash);
	const [owner] = swarm.peers.toSorted((a, b) => (distance(a) < distance(b) ? -1 : 1));
	if (owner === undefined) throw new Error("nobody");
	return owner;
}
