import { constant, uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	type Arc,
	ChordError,
	Hash,
	type LocalNode,
	type RemoteNode,
	type Transport,
} from "../src/index.ts";
import { askAdmission } from "../src/ring/messages.ts";
import { toHex } from "./bytes.ts";
import { Ring, after, fingerFor, nameOf } from "./ring.ts";
import { assertForSeeds, factor } from "./seeds.ts";

const FILE = "ring.test.ts";
const LONG = 120_000 * factor;
const latency = uniform(5, 50);

test(
	"joins, leaves and crashes in any order, then rest: the ring is ideal, and every lookup is right",
	async () => {
		await assertForSeeds(FILE, 20, async (seed) => {
			const ring = new Ring(seed, { latency, successors: 8 });
			const { random } = ring.simulation;
			await ring.grow(8);
			const joining = new Set<LocalNode>();
			let left = 0;
			for (let step = 0; step < 40; step++) {
				const chance = random.next();
				const node = ring.pick();
				if (node === undefined) throw new Error("nobody is left");
				if (chance < 0.6 || ring.nodes.size < 6) {
					if (ring.nodes.size >= 24) continue;
					const joiner = await ring.add(`joiner ${step}`);
					joining.add(joiner);
					// Through a node that dies meanwhile it may fail: then it is another one that is not there.
					void joiner
						.joinRing(node.address)
						.catch(() => ring.crash(joiner))
						.finally(() => joining.delete(joiner));
				} else if (chance < 0.8) {
					ring.nodes.delete(node);
					await ring.until(node.close());
					left += ring.timersOf(node);
				} else {
					ring.crash(node, { silent: chance < 0.9 });
				}
				await ring.simulation.run(random.next() * 1_000);
			}
			await ring.until(() => [...ring.nodes].every((node) => !joining.has(node)));
			await ring.settle(60_000);
			expect(await ring.wrongLookups()).toEqual([]);
			// Who closed has no timer left.
			expect(left).toBe(0);
		});
	},
	LONG,
);

test("every list has a newcomer within two seconds, and only its neighbours ask more often for a while", async () => {
	const ring = new Ring(1, { latency, successors: 8 });
	await ring.grow(16);
	await ring.simulation.run(60_000);
	const newcomer = await ring.add("newcomer");
	await ring.until(newcomer.joinRing(ring.pick()!.address));
	await ring.settle(2_000);
	const { trace } = ring.simulation;
	const before = trace.count;
	await ring.simulation.run(2_000);
	expect(trace.count - before).toBeLessThan(200);
});

test("a node alone owns everything, and has no neighbours", async () => {
	const ring = new Ring(1);
	const node = await ring.add("alone");
	expect([node.successor, node.predecessor, node.peers]).toEqual([undefined, undefined, []]);
	expect(await ring.wrongLookups()).toEqual([]);
	expect((await node.lookup(new Hash({ value: "any" }))).node).toBe(node);
});

test("the second node makes the first one's ring: each is the other's successor and predecessor", async () => {
	await assertForSeeds(FILE, 20, async (seed) => {
		const ring = new Ring(seed, { latency });
		const [a, b] = [await ring.add(`a${seed}`), await ring.add(`b${seed}`)];
		await ring.until(b.joinRing(a.address));
		expect(b.successor?.hash.equals(a.hash)).toBe(true);
		await ring.settle(2_000);
		expect(await ring.wrongLookups()).toEqual([]);
	});
});

test("two that join into the same gap at once both get in", async () => {
	await assertForSeeds(FILE, 50, async (seed) => {
		const ring = new Ring(seed, { latency });
		const [a, b] = await ring.grow(2);
		if (a === undefined || b === undefined) throw new Error("no ring");
		// Of these many names some lie in the same gap, and next to each other.
		const joiners = await Promise.all([1, 2, 3, 4, 5].map((i) => ring.add(`joiner ${seed} ${i}`)));
		const joins = joiners.map((joiner, i) => joiner.joinRing((i % 2 === 0 ? a : b).address));
		await ring.until(Promise.all(joins));
		await ring.settle(10_000);
		expect(await ring.wrongLookups()).toEqual([]);
	});
});

test("whoever joins through a node that is itself still joining comes into the same ring", async () => {
	await assertForSeeds(FILE, 20, async (seed) => {
		const ring = new Ring(seed, { latency });
		await ring.grow(3);
		const first = ring.pick();
		if (first === undefined) throw new Error("no ring");
		const chain = [first];
		for (let i = 0; i < 4; i++) chain.push(await ring.add(`link ${i}`));
		const joins = chain
			.slice(1)
			.map((node, i) => node.joinRing(chain[i]?.address ?? first.address));
		await ring.until(Promise.all(joins));
		await ring.settle(10_000);
		expect(ring.nodes.size).toBe(7);
	});
});

/** Where what a newcomer's neighbours and lookups say is not that he is there. */
async function missing(ring: Ring, newcomer: LocalNode): Promise<string[]> {
	const wrong: string[] = [];
	const isMissing = (found: RemoteNode | undefined): boolean =>
		found?.hash.equals(newcomer.hash) !== true;
	const { predecessor, successor } = newcomer;
	for (const node of ring.nodes) {
		const { hash } = node;
		if (successor?.hash.equals(hash) === true && isMissing(node.predecessor))
			wrong.push(`${nameOf(node)} has ${nameOf(node.predecessor)} before it`);
		if (predecessor?.hash.equals(hash) === true && isMissing(node.successor))
			wrong.push(`${nameOf(node)} has ${nameOf(node.successor)} behind it`);
	}
	for (const mode of ["iterative", "recursive"] as const) {
		const ask = async (node: LocalNode): Promise<void> => {
			const { node: found } = await node.lookup(newcomer.hash, { mode });
			if (isMissing(found)) wrong.push(`${mode}: ${nameOf(node)} finds ${nameOf(found)}`);
		};
		const members = [...ring.nodes].filter(({ standing }) => standing === "member");
		await ring.until(Promise.all(members.map(ask)));
	}
	return wrong.map((text) => `${text}, not ${nameOf(newcomer)}`);
}

test("when a join is done everybody finds the newcomer, also where he comes in the place of one who has just died", async () => {
	await assertForSeeds(FILE, 30, async (seed) => {
		const ring = new Ring(seed, { latency });
		await ring.grow(10);
		const join = async (newcomer: LocalNode): Promise<void> => {
			const others = [...ring.nodes].filter((node) => node !== newcomer);
			const through = Math.floor(ring.simulation.random.next() * others.length);
			await ring.until(newcomer.joinRing(others[through]?.address ?? []));
			expect(await missing(ring, newcomer)).toEqual([]);
		};
		for (let i = 0; i < 3; i++) await join(await ring.add(`newcomer ${i}`));
		for (let i = 0; i < 3; i++) {
			const old = ring.pick();
			if (old === undefined) throw new Error("no ring");
			const host = ring.hostOf(old);
			ring.crash(old);
			host.restart();
			await join(await ring.add(host.name, {}, host));
		}
	});
});

test("a newcomer who cannot reach the one behind his place while he comes in is found by all once he is in", async () => {
	const ring = new Ring(1, { latency: constant(20) });
	await ring.grow(8);
	const behind = ring.owner(new Hash({ value: "newcomer" }));
	const host = ring.host("newcomer");
	let isRefused = false;
	const transport: Transport = {
		localHost: () => host.transport.localHost(),
		listen: (...args) => host.transport.listen(...args),
		resolve: (name) => host.transport.resolve(name),
		dial: (address, handler) => {
			const isWrong = isRefused && address.host === behind.address.host;
			return host.transport.dial(isWrong ? { ...address, port: 1 } : address, handler);
		},
	};
	const ports = { clock: host.clock, random: host.random, transport };
	const newcomer = await ring.add("newcomer", { ports }, host);
	const asks = askAdmission.tag.toString(16).padStart(8, "0");
	host.intercept((chunk, { direction }) => {
		if (direction === "out" && toHex(chunk).includes(asks)) {
			isRefused = true;
			ring.simulation.breakLinks(host, ring.hostOf(behind));
		}
		return chunk;
	});
	const first: string[] = [];
	newcomer.on("standing", (now) => {
		if (now !== "member") return;
		first.push(nameOf(newcomer.successor));
		isRefused = false;
	});
	const through = [...ring.nodes].find((node) => node !== newcomer && node !== behind);
	const before = ring.simulation.now;
	await ring.until(newcomer.joinRing(through?.address ?? []));
	expect(ring.simulation.now - before).toBeLessThan(2_000);
	expect(first).toHaveLength(1);
	expect(first).not.toEqual([nameOf(behind)]);
	expect(nameOf(newcomer.successor)).toBe(nameOf(behind));
	expect(await missing(ring, newcomer)).toEqual([]);
});

test.each(["standing", "pointers"] as const)(
	"who leaves when it hears of its new %s has never been in",
	async (event) => {
		const ring = new Ring(1, { latency });
		await ring.grow(8);
		const guest = await ring.add("guest");
		ring.nodes.delete(guest);
		const changes: unknown[] = [];
		for (const node of ring.nodes) node.on("pointers", (pointers) => changes.push(pointers));
		guest.on(event, () => {
			if (event === "pointers" || guest.standing === "member") void guest.leaveRing();
		});
		const join = guest.joinRing(ring.pick()?.address ?? []);
		await expect(ring.until(join)).rejects.toMatchObject({ code: "CLOSED" });
		await ring.simulation.run(3_000);
		expect([guest.standing, guest.peers.length, changes.length]).toEqual(["outside", 0, 0]);
	},
);

test("whose successor falls silent once he is in stays in, also where the time for it is short", async () => {
	const ring = new Ring(3, { latency: constant(20) });
	await ring.grow(8);
	const newcomer = await ring.add("newcomer");
	const behind = ring.owner(after(newcomer.hash, 1n));
	newcomer.on("standing", (now) => {
		if (now === "member") ring.crash(behind, { silent: true });
	});
	const through = [...ring.nodes].find((node) => node !== newcomer && node !== behind);
	await ring.until(newcomer.joinRing(through?.address ?? [], { timeout: 2_500 }));
	expect(newcomer.standing).toBe("member");
	await ring.settle(20_000);
	expect(await missing(ring, newcomer)).toEqual([]);
});

test("a node that has left is missed by nobody, answers for nothing, and comes back as a new incarnation", async () => {
	const ring = new Ring(3, { latency });
	const [, , leaver] = await ring.grow(8);
	if (leaver === undefined) throw new Error("no ring");
	const before = leaver.incarnation;
	ring.nodes.delete(leaver);
	await ring.until(leaver.leaveRing());
	await ring.settle(10_000);
	expect(leaver.standing).toBe("outside");
	expect(leaver.successors).toEqual([]);
	expect(await ring.wrongLookups()).toEqual([]);
	await ring.until(leaver.joinRing(ring.pick()?.address ?? []));
	ring.nodes.add(leaver);
	// News of it goes from list to list, one node a round, at the pace of a ring at rest.
	await ring.settle(40_000);
	expect(leaver.incarnation).not.toBe(before);
	expect(await ring.wrongLookups()).toEqual([]);
});

test("what restarts at the same address is not taken for what it was", async () => {
	await assertForSeeds(FILE, 10, async (seed) => {
		const ring = new Ring(seed, { latency });
		const nodes = await ring.grow(6);
		const [old, other] = nodes;
		if (old === undefined || other === undefined) throw new Error("no ring");
		const host = ring.hostOf(old);
		ring.nodes.delete(old);
		host.crash();
		host.restart();
		const young = await ring.add("node 0", {}, host);
		ring.nodes.delete(young);
		expect(young.hash.equals(old.hash)).toBe(true);
		// It listens where the old one did, but is in no ring: the others do without it.
		await ring.settle(20_000);
		expect(young.predecessor).toBeUndefined();
		expect(await ring.wrongLookups()).toEqual([]);
		await ring.until(young.joinRing(other.address));
		ring.nodes.add(young);
		await ring.settle(40_000);
		expect(await ring.wrongLookups()).toEqual([]);
	});
});

test("half of the nodes die at once: the others close the ring over them", async () => {
	await assertForSeeds(FILE, 5, async (seed) => {
		const ring = new Ring(seed, { latency });
		const nodes = await ring.grow(24);
		for (const node of nodes.slice(0, 12)) ring.crash(node, { silent: seed % 2 === 0 });
		await ring.settle(60_000);
		expect(await ring.wrongLookups()).toEqual([]);
	});
});

test("30 % die at once: every lookup gives the owner, before anybody has noticed", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const ring = new Ring(seed, { latency, successors: 20 });
		const nodes = await ring.grow(40);
		await ring.simulation.run(60_000);
		for (const node of nodes.filter((_, i) => i % 10 < 3)) ring.crash(node, { silent: true });
		const lookups = Array.from({ length: 200 }, async (_, i) => {
			const id = new Hash({ value: `${seed} ${i}` });
			const found = await ring.pick()?.lookup(id);
			return found && nameOf(found.node) === nameOf(ring.owner(id)) ? "right" : "wrong";
		});
		const outcomes = await ring.until(Promise.all(lookups));
		expect(outcomes.filter((outcome) => outcome === "wrong")).toEqual([]);
	});
});

test("when all neighbours of a node are gone, it comes back through others that it remembers", async () => {
	const ring = new Ring(5, { latency, successors: 1 });
	await ring.grow(12);
	const { sorted } = ring;
	// With lists of one successor, three that die in a row leave the one before them with none.
	for (const node of sorted.slice(4, 7)) ring.crash(node, { silent: true });
	await ring.settle(60_000);
	expect(await ring.wrongLookups()).toEqual([]);
});

test(
	"a node that leaves while it is asked does not say that it owns what it was asked for",
	async () => {
		await assertForSeeds(FILE, 10, async (seed) => {
			const ring = new Ring(seed, { latency, successors: 2 });
			await ring.grow(16);
			const wrong: string[] = [];
			for (let round = 0; round < 8; round++) {
				const [asker, leaver] = [ring.pick(), ring.pick()];
				if (asker === undefined || leaver === undefined || asker === leaver) continue;
				const lookups = Array.from({ length: 40 }, async (_, i) => {
					const id = new Hash({ value: `${seed} ${round} ${i}` });
					const before = nameOf(ring.owner(id));
					const found = await asker.lookup(id).then(
						({ node }) => nameOf(node),
						() => "nobody",
					);
					const right = [before, nameOf(ring.owner(id)), "nobody"];
					if (!right.includes(found)) wrong.push(`${found}, not ${right.join(" or ")}`);
				});
				await ring.simulation.run(ring.simulation.random.next() * 150);
				ring.nodes.delete(leaver);
				await ring.until(leaver.close());
				await ring.until(Promise.all(lookups));
				// Lists of two do not survive that two in a row leave at once.
				await ring.settle();
			}
			expect(wrong).toEqual([]);
		});
	},
	LONG,
);

test(
	"while nodes crash, a lookup gives a node that owns the id among those alive, or an error",
	async () => {
		await assertForSeeds(FILE, 10, async (seed) => {
			const ring = new Ring(seed, { latency });
			await ring.grow(20);
			const wrong: string[] = [];
			let right = 0;
			for (let round = 0; round < 6; round++) {
				const victim = ring.pick();
				if (victim !== undefined) ring.crash(victim, { silent: round % 2 === 0 });
				const lookups = [...ring.nodes].map(async (node, i) => {
					const id = new Hash({ value: `${seed} ${round} ${i}` });
					try {
						const { node: found } = await node.lookup(id, { timeout: 8_000 });
						const owner = nameOf(ring.owner(id));
						if (nameOf(found) === owner) right++;
						else if ([...ring.nodes].some((alive) => nameOf(alive) === nameOf(found))) {
							wrong.push(`${nameOf(node)} says ${nameOf(found)}, not ${owner}`);
						}
					} catch (error) {
						if (!(error instanceof ChordError)) throw error;
					}
				});
				await ring.until(Promise.all(lookups));
			}
			expect(wrong).toEqual([]);
			expect(right).toBeGreaterThan(60);
		});
	},
	LONG,
);

test("at rest the arcs that the nodes were told of partition the ring", async () => {
	const ring = new Ring(8, { latency });
	const arcs = new Map<LocalNode, Arc | undefined>();
	const watch = (node: LocalNode): void => {
		arcs.set(node, undefined);
		node.on("arc", ({ before, now }) => {
			expect(arcs.get(node)?.after.toString()).toBe(before?.after.toString());
			arcs.set(node, now);
		});
	};
	const first = await ring.add("first");
	watch(first);
	for (let i = 0; i < 9; i++) {
		const node = await ring.add(`more ${i}`);
		watch(node);
		await ring.until(node.joinRing(first.address));
	}
	await ring.settle();
	const [, second, third] = ring.sorted;
	if (second === undefined || third === undefined) throw new Error("no ring");
	ring.crash(third);
	ring.nodes.delete(second);
	await ring.until(second.close());
	expect(arcs.get(second)).toBeUndefined();
	await ring.settle();
	const { sorted } = ring;
	for (const [index, node] of sorted.entries()) {
		expect(arcs.get(node)?.to.equals(node.hash)).toBe(true);
		expect(nameOf({ hash: arcs.get(node)?.after ?? node.hash, address: node.address })).toBe(
			nameOf(sorted.at(index - 1)),
		);
	}
});

test("in a ring at rest nothing changes any more, and little is said", async () => {
	const ring = new Ring(4, { latency });
	await ring.grow(16);
	await ring.simulation.run(120_000);
	const fingers = [...ring.nodes].map((node) => node.fingers.map(nameOf).join());
	const before = ring.simulation.trace.count;
	await ring.simulation.run(60_000);
	expect([...ring.nodes].map((node) => node.fingers.map(nameOf).join())).toEqual(fingers);
	expect((ring.simulation.trace.count - before) / 16 / 60).toBeLessThan(50);
});

test("fingers are members, and none is missing whose interval has a node beyond the successor list", async () => {
	const ring = new Ring(6, { latency, successors: 2 });
	await ring.grow(24);
	await ring.simulation.run(120_000);
	const names = [...ring.nodes].map(nameOf);
	for (const node of ring.nodes) {
		const list = [node, ...node.successors].map(nameOf);
		const others = [...ring.nodes].filter((other) => !list.includes(nameOf(other)));
		expect(others.length).toBe(21);
		const numbers = node.fingers.map((finger) => fingerFor(node, finger));
		for (const other of others) expect(numbers).toContain(fingerFor(node, other));
		for (const finger of node.fingers) expect(names).toContain(nameOf(finger));
	}
});

test("in a ring at rest each has its links to its neighbours, others end unused, and none takes their place", async () => {
	const ring = new Ring(14);
	await ring.grow(16);
	await ring.simulation.run(180_000);
	let changes = 0;
	for (const node of ring.nodes) {
		node.on("link", () => changes++);
		node.on("unlink", () => changes++);
	}
	for (let second = 0; second < 90; second++) {
		await ring.simulation.run(1_000);
		for (const node of ring.nodes) {
			const linked = node.peers.map(nameOf);
			expect(linked).toEqual(expect.arrayContaining(node.fingers.map(nameOf)));
			expect(linked).toEqual(
				expect.arrayContaining([nameOf(node.successor), nameOf(node.predecessor)]),
			);
		}
	}
	expect(changes).toBe(0);
});
