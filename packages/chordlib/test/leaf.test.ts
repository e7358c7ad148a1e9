import { uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	LocalNode,
	NOWHERE,
	boolean,
	defineNotice,
	defineRequest,
	nothing,
	rest,
	struct,
	text,
	u8,
} from "../src/index.ts";
import { Ring, after, nameOf } from "./ring.ts";

const latency = uniform(5, 50);
const letter = defineNotice("test/letter", text(100));
const echo = defineRequest("test/echo", { request: text(100), response: text(100) });

/** As the answer to who asks to join begins when it is taken in. */
const WELCOME = 0;

/** A ring, and a node that nobody can dial, attached to it through one of its members. */
async function ringWithLeaf(
	seed: number,
	size: number,
	name = "leaf",
): Promise<{ ring: Ring; leaf: LocalNode }> {
	const ring = new Ring(seed, { latency, successors: 4 });
	await ring.grow(size);
	const leaf = await home(ring, name);
	await ring.until(leaf.joinRing(ring.pick()!.address, { leaf: true }));
	return { ring, leaf };
}

/** A node behind a router that maps no ports. */
async function home(ring: Ring, name: string): Promise<LocalNode> {
	const host = ring.simulation.host(name, { nat: ring.simulation.nat() });
	const options = { ports: host, encryption: "off", successors: 4 } as const;
	return new LocalNode(name, { host: host.ip, port: 7000 }, options).listen();
}

/** Sends from each member to the leaf; the number of letters that came. */
async function lettersTo(leaf: LocalNode, ring: Ring): Promise<number> {
	let letters = 0;
	const stop = leaf.handleRouted(letter, (_value, { exact }) => {
		if (exact) letters++;
	});
	for (const node of ring.nodes) node.route(leaf.hash, letter, "hi");
	await ring.simulation.run(3_000);
	stop();
	return letters;
}

test("a leaf is reached from every member, is a neighbour to none, and owns nothing", async () => {
	const { ring, leaf } = await ringWithLeaf(1, 24);
	await ring.simulation.run(20_000);
	expect(leaf.standing).toBe("leaf");
	expect(leaf.successors).toEqual([]);
	expect(ring.flaw()).toBeUndefined();
	expect(await lettersTo(leaf, ring)).toBe(24);
	const { node: owner } = await ring.until(ring.pick()!.lookup(leaf.hash));
	expect(nameOf(owner)).toBe(nameOf(ring.owner(leaf.hash)));
	const keepers = [...ring.nodes].filter(({ leaves }) => leaves.length > 0);
	expect(keepers.map(nameOf)).toEqual([nameOf(ring.owner(leaf.hash))]);
	expect(keepers[0]?.leaves[0]?.address).toEqual(NOWHERE);

	const { sorted } = ring;
	const place = sorted.indexOf(ring.owner(leaf.hash));
	const around = [-1, 0, 1, 2].map((offset) => sorted.at((place + offset) % sorted.length));
	expect(leaf.peers.map(nameOf)).toEqual(expect.arrayContaining(around.map(nameOf)));
	await leaf.close();
});

test("a leaf looks up, asks, and sends, however far away the others are", async () => {
	const { ring, leaf } = await ringWithLeaf(2, 24);
	const heard: string[] = [];
	for (const node of ring.nodes) {
		node.handle(echo, (value) => value);
		node.handleRouted(letter, (_value, { origin, exact }) => {
			heard.push(`${nameOf(node)} ${nameOf(origin)} ${exact}`);
		});
	}
	const wanted: string[] = [];
	for (const node of ring.nodes) {
		for (const mode of ["recursive", "iterative"] as const) {
			const { node: found } = await ring.until(leaf.lookup(node.hash, { mode }));
			expect(nameOf(found)).toBe(nameOf(node));
		}
		expect(await ring.until(leaf.request(node, echo, "hi"))).toBe("hi");
		expect(leaf.route(node.hash, letter, "hi")).toBe(true);
		wanted.push(`${nameOf(node)} ${nameOf(leaf)} true`);
	}
	await ring.simulation.run(2_000);
	expect(heard.toSorted()).toEqual(wanted.toSorted());
	await leaf.close();
});

test("two leaves whose ids one member owns reach each other", async () => {
	const { ring, leaf } = await ringWithLeaf(3, 12);
	let other = await home(ring, "other 0");
	for (let i = 1; ring.owner(other.hash) !== ring.owner(leaf.hash); i++) {
		await other.close();
		other = await home(ring, `other ${i}`);
	}
	await ring.until(other.joinRing(ring.pick()!.address, { leaf: true }));
	const heard: string[] = [];
	for (const node of [leaf, other]) {
		node.handleRouted(letter, (value) => heard.push(`${nameOf(node)} ${value}`));
	}
	leaf.route(other.hash, letter, "a");
	other.route(leaf.hash, letter, "b");
	await ring.simulation.run(1_000);
	expect(heard.toSorted()).toEqual([`${nameOf(leaf)} b`, `${nameOf(other)} a`].toSorted());
	await Promise.all([leaf.close(), other.close()]);
});

test.each([{ silent: false }, { silent: true }])(
	"the members that serve a leaf crash, one after the other: it is reached again ($silent)",
	async ({ silent }) => {
		const { ring, leaf } = await ringWithLeaf(4, 20);
		for (let round = 0; round < 6; round++) {
			ring.crash(ring.owner(leaf.hash), { silent });
			await ring.settle();
			await ring.simulation.run(10_000);
			expect(await lettersTo(leaf, ring)).toBe(ring.nodes.size);
		}
		await leaf.close();
	},
);

test("all members that serve a leaf crash at once: it finds others", async () => {
	const { ring, leaf } = await ringWithLeaf(5, 24);
	await ring.simulation.run(10_000);
	const { sorted } = ring;
	const owner = sorted.indexOf(ring.owner(leaf.hash));
	for (const offset of [-1, 0, 1, 2]) ring.crash(sorted.at((owner + offset) % sorted.length)!);
	await ring.settle();
	await ring.simulation.run(20_000);
	expect(await lettersTo(leaf, ring)).toBe(ring.nodes.size);
	await leaf.close();
});

test("a node that comes in before the leaf's owner becomes the owner, and the leaf knows within a second", async () => {
	const { ring, leaf } = await ringWithLeaf(6, 16);
	await ring.simulation.run(60_000);
	const before = ring.owner(leaf.hash);
	for (let i = 0; ring.owner(leaf.hash) === before; i++) {
		const node = await ring.add(`late ${i}`);
		const { predecessor } = before;
		const nearer = node.hash.compare(leaf.hash) >= 0 && node.hash.compare(before.hash) < 0;
		if (!nearer || predecessor === undefined) {
			ring.nodes.delete(node);
			await node.close();
			continue;
		}
		await ring.until(node.joinRing(before.address));
	}
	await ring.until(() => ring.owner(leaf.hash).leaves.length === 1, 1_000);
	expect(before.leaves).toEqual([]);
	await leaf.close();
});

test("a leaf that asks to come into the ring, or to be a predecessor, is no neighbour", async () => {
	const { ring, leaf } = await ringWithLeaf(7, 8);
	const admission = defineRequest("cicada/ring/1/join", { request: boolean, response: rest });
	const list = struct({ length: u8 });
	const entered = defineRequest("cicada/ring/1/entered", { request: list, response: nothing });
	const notify = defineNotice("cicada/ring/1/notify", nothing);
	for (const node of ring.nodes) {
		const [outcome] = await ring.until(leaf.request(node, admission, false));
		expect(outcome).not.toBe(WELCOME);
		const refused = ring.until(leaf.request(node, entered, { length: 0 }));
		await expect(refused).rejects.toMatchObject({ code: "REMOTE" });
		await ring.until(leaf.notify(node, notify, undefined));
		expect(ring.flaw()).toBeUndefined();
	}
	await ring.simulation.run(5_000);
	expect(ring.flaw()).toBeUndefined();
	await leaf.close();
});

test("a leaf leaves, and comes back as a leaf, or as a member where it can be dialled", async () => {
	const { ring, leaf } = await ringWithLeaf(8, 8);
	await ring.until(leaf.leaveRing());
	expect(leaf.standing).toBe("outside");
	await ring.until(leaf.joinRing(ring.pick()!.address, { leaf: true }));
	expect(await lettersTo(leaf, ring)).toBe(8);
	await leaf.close();

	const dialable = await ring.add("dialable");
	ring.nodes.delete(dialable);
	await ring.until(dialable.joinRing(ring.pick()!.address, { leaf: true }));
	expect(await lettersTo(dialable, ring)).toBe(8);
	await ring.until(dialable.joinRing(ring.pick()!.address));
	ring.nodes.add(dialable);
	await ring.settle();
	expect(dialable.standing).toBe("member");
	expect(ring.owner(after(dialable.hash, 0n))).toBe(dialable);
});

test("nobody to attach to: NO_ROUTE or UNREACHABLE, and the node is in no ring", async () => {
	const ring = new Ring(9, { latency });
	const leaf = await home(ring, "leaf");
	const gone = { host: "9.9.9.9", port: 7000 };
	await expect(
		ring.until(leaf.joinRing(gone, { leaf: true, timeout: 20_000 })),
	).rejects.toMatchObject({ code: "UNREACHABLE" });
	expect(leaf.standing).toBe("outside");
	await leaf.close();
});

test.each(["joining", "leaf", "member"] as const)(
	"a node that is closed by who hears that it is a %s leaves no timer and no link",
	async (standing) => {
		const ring = new Ring(11, { latency, successors: 4 });
		await ring.grow(4);
		const node = await ring.add("closed");
		node.on("standing", (now) => {
			if (now === standing) void node.close();
		});
		const joined = node.joinRing(ring.sorted[0]!.address, { leaf: standing !== "member" });
		await ring.until(joined.catch(() => {}));
		await ring.simulation.run(60_000);
		expect([ring.timersOf(node), ring.hostOf(node).links]).toEqual([0, 0]);
	},
);
