import { Hash } from "@cicada/chordlib";
import { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import type { BroadcastReport } from "../src/broadcast.ts";
import type { SwarmError } from "../src/index.ts";
import { type ModelPeer, ModelRing } from "./model-ring.ts";
import { assertForSeeds } from "./seeds.ts";

const FILE = "broadcast-repair.test.ts";
/** Peers of a ring: in the nightly run as many as are promised. */
const SIZE = Number(process.env["CICADA_FACTOR"] ?? 1) > 1 ? 1_000 : 200;

interface Outcome {
	readonly report: BroadcastReport | undefined;
	readonly error: SwarmError | undefined;
}

/** Has a peer broadcast, and lets time pass until that is over. */
function broadcast(
	ring: ModelRing,
	origin: ModelPeer,
	{ visited = [], timeout = 60_000, size = 6 }: BroadcastSettings = {},
): Outcome {
	const { simulation } = ring;
	const ends: Outcome[] = [];
	const data = new TextEncoder().encode("to all".padEnd(size, "!"));
	const hashes = visited.map(({ hash }) => hash);
	origin.broadcast.send(data, hashes, timeout, (error, report) => {
		ends.push({ error, report });
	});
	const end = simulation.now + timeout + 1_000;
	while (ends.length === 0 && simulation.now < end) simulation.step();
	const [outcome] = ends;
	if (outcome === undefined) throw new Error("it did not come to an end");
	return outcome;
}

interface BroadcastSettings {
	readonly visited?: readonly ModelPeer[];
	readonly timeout?: number;
	readonly size?: number;
}

/** Some of the peers, by chance. */
function some(ring: ModelRing, count: number, but: readonly ModelPeer[]): ModelPeer[] {
	const { random } = ring.simulation;
	const left = ring.peers.filter((peer) => !but.includes(peer));
	return Array.from({ length: count }, () => {
		const [one] = left.splice(Math.floor(random.next() * left.length), 1);
		return one as ModelPeer;
	});
}

/** The place on the other side of the ring: who owns it is asked to look after half of it. */
function across({ hash }: ModelPeer): Hash {
	return new Hash({ hashed: (hash.toBigInt() + (1n << 255n)) % (1n << 256n) });
}

/** Half of them die now, the others while it spreads; half of each fall silent. */
function crash(ring: ModelRing, victims: readonly ModelPeer[]): void {
	const { simulation } = ring;
	for (const [index, victim] of victims.entries()) {
		const at = index % 2 === 0 ? simulation.now : simulation.now + simulation.random.next() * 1_500;
		const silent = simulation.random.next() < 0.5;
		if (at === simulation.now) victim.crash(silent);
		else simulation.schedule(at, () => victim.crash(silent));
	}
}

const PAYLOADS = { 0: 1.01, 5: 1.1, 10: 1.2, 20: 1.35, 30: 1.5 } as const;
const cases = Object.entries(PAYLOADS).flatMap(([percent, most]) =>
	[false, true].map((excluding) => [Number(percent), excluding, most] as const),
);

test.each(cases)(
	"of %j per cent dead before and during it (some left out: %j) all who live get it once; the count is exact",
	async (percent, excluding, most) => {
		let payloads = 0;
		let live = 0;
		await assertForSeeds(FILE, 1, async (seed) => {
			const ring = new ModelRing(new Simulation({ seed }), SIZE);
			const [origin, first] = some(ring, 2, []) as [ModelPeer, ModelPeer];
			// Whole runs are left out, so that there are gaps behind them, and some here and there.
			const run = Array.from({ length: 20 }, (_, i) =>
				ring.from(first.place + i, 1, () => true),
			).filter((peer) => peer !== origin);
			const visited = excluding ? [...run, ...some(ring, 20, [origin, ...run])] : [];
			ring.simulation.advance(1_000);
			crash(ring, some(ring, Math.round((SIZE * percent) / 100), [origin]));
			const { report } = broadcast(ring, origin, { visited });
			const wanted = ring.live.filter((peer) => peer !== origin && !visited.includes(peer));
			for (const peer of wanted) expect(peer.got).toEqual(["to all"]);
			for (const peer of [origin, ...visited]) expect(peer.got).toEqual([]);
			// Those that died on the way may have been counted before that; nobody is counted twice.
			const everyone = ring.peers.filter(({ got }) => got.length > 0);
			expect(report?.reached).toBeGreaterThanOrEqual(wanted.length);
			expect(report?.reached).toBeLessThanOrEqual(everyone.length);
			payloads += ring.payloads;
			live += wanted.length;
			await Promise.resolve();
		});
		expect(payloads / live).toBeLessThanOrEqual(most);
	},
);

test("where nobody fails, each peer is asked, answers, and reports once; and looks up who comes next", () => {
	const ring = new ModelRing(new Simulation({ seed: 1 }), 16);
	expect(broadcast(ring, ring.peers[0] as ModelPeer).report).toEqual({ reached: 15 });
	expect([ring.payloads, ring.messages]).toEqual([15, 3 * 15 + 2 * 16]);
});

test("where all crash before it, the count is that of the live", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const ring = new ModelRing(new Simulation({ seed }), SIZE);
		const [origin] = some(ring, 1, []) as [ModelPeer];
		for (const [index, victim] of some(ring, SIZE / 5, [origin]).entries()) {
			victim.crash(index % 2 === 0);
		}
		expect(broadcast(ring, origin).report).toEqual({ reached: ring.live.length - 1 });
		await Promise.resolve();
	});
});

test("a relay that acknowledges and then does nothing keeps it from nobody else", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const ring = new ModelRing(new Simulation({ seed }), SIZE);
		const [origin] = some(ring, 1, []) as [ModelPeer];
		// The one that is asked to look after half of the ring, and others.
		const half = ring.ownerOf(across(origin), () => true);
		const lazy = [...new Set([half, ...some(ring, SIZE / 50, [origin])])];
		for (const peer of lazy) peer.isLazy = true;
		const { error } = broadcast(ring, origin);
		const others = ring.peers.filter((peer) => peer !== origin && !lazy.includes(peer));
		for (const peer of others) expect(peer.got).toEqual(["to all"]);
		expect([error?.code, error?.reached]).toEqual(["TIMEOUT", others.length]);
		await Promise.resolve();
	});
});

test("a relay whose link breaks after it has acknowledged is replaced at once", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const ring = new ModelRing(new Simulation({ seed }), SIZE);
		const [origin] = some(ring, 1, []) as [ModelPeer];
		const half = ring.ownerOf(across(origin), () => true);
		half.isLazy = true;
		ring.simulation.schedule(300, () => {
			half.crash(false);
		});
		expect(broadcast(ring, origin).report).toEqual({ reached: SIZE - 2 });
		// An origin waits 6 s for progress.
		expect(ring.simulation.now).toBeLessThan(6_000);
		await Promise.resolve();
	});
});

test("peers with full inboxes relay it, and are counted when they have room again", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const ring = new ModelRing(new Simulation({ seed }), SIZE);
		const [origin] = some(ring, 1, []) as [ModelPeer];
		const full = some(ring, SIZE / 4, [origin]);
		for (const peer of full) peer.hasRoom = false;
		const { simulation } = ring;
		let others = 0;
		// Before anybody could have been replaced for want of progress.
		simulation.schedule(1_900, () => {
			others = ring.peers.filter(({ got }) => got.length > 0).length;
			for (const peer of full) {
				peer.hasRoom = true;
				peer.broadcast.roomAgain();
			}
		});
		const { report } = broadcast(ring, origin);
		expect(others).toBe(SIZE - 1 - full.length);
		expect(report).toEqual({ reached: SIZE - 1 });
		for (const { broadcast: part } of ring.peers) part.roomAgain();
		for (const peer of full) expect(peer.got).toEqual(["to all"]);
		expect(ring.payloads).toBe(SIZE - 1);
		await Promise.resolve();
	});
});

test("a large message is pulled in pieces, each by each peer once; from another when its source dies", async () => {
	await assertForSeeds(FILE, 1, async (seed) => {
		const ring = new ModelRing(new Simulation({ seed }), 100);
		const [origin] = some(ring, 1, []) as [ModelPeer];
		expect(broadcast(ring, origin, { size: 1_048_576 }).report).toEqual({ reached: 99 });
		expect(ring.payloads).toBe(99 * 22);
		crash(ring, some(ring, 10, [origin]));
		broadcast(ring, origin, { size: 1_048_576 });
		const live = ring.live.filter((peer) => peer !== origin);
		for (const peer of live) expect(peer.got).toHaveLength(2);
		await Promise.resolve();
	});
});

test("peers without a place in the ring get it from who serves them, are counted, and can broadcast", async () => {
	await assertForSeeds(FILE, 1, async (seed) => {
		const ring = new ModelRing(new Simulation({ seed }), 100);
		const leaves = Array.from({ length: 20 }, () => ring.addLeaf());
		const [from, spared, gone, ...others] = leaves as [ModelPeer, ModelPeer, ModelPeer];
		const [origin] = some(ring, 1, []) as [ModelPeer];
		expect(broadcast(ring, origin, { visited: [spared] }).report).toEqual({ reached: 99 + 19 });
		// It died, and who serves it has not noticed yet.
		gone.crash(false);
		expect(broadcast(ring, from).report).toEqual({ reached: 100 + 18 });
		const counts = [from, spared, gone, origin].map(({ got }) => got.length);
		expect(counts).toEqual([1, 1, 1, 1]);
		for (const peer of [...others, ...ring.peers.filter((peer) => peer !== origin)]) {
			expect(peer.got).toHaveLength(2);
		}
		await Promise.resolve();
	});
});
