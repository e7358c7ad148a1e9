import { type SimHost, constant } from "@cicada/simnet";
import fc from "fast-check";
import { expect, test } from "vitest";

import { FairQueue, type Pair, TURN } from "../src/fair-queue.ts";
import { idOf } from "../src/hash.ts";
import { Hash, LocalNode, bytes, defineNotice } from "../src/index.ts";
import { Ring } from "./ring.ts";
import { cases } from "./seeds.ts";

const parcel = defineNotice("test/parcel", bytes(60_000));
/** A chunk of a large message, and a small one. */
const chunk = new Uint8Array(TURN);
const small = new Uint8Array(64);

const pair = (name: number): Pair => ({
	origin: { id: idOf(new Hash({ value: `from ${name}` })) },
	target: idOf(new Hash({ value: "to" })),
});

test("each pair's frames come out in their order, and others wait for one turn of it at most", () => {
	const frame = fc.record({ of: fc.nat(4), size: fc.integer({ min: 1, max: 65_000 }) });
	fc.assert(
		fc.property(fc.array(frame, { maxLength: 60 }), (frames) => {
			const queue = new FairQueue();
			// Number 0 is what the ends of the link say.
			const names = new Map<Uint8Array, { of: number; index: number }>();
			for (const [index, { of, size }] of frames.entries()) {
				const content = new Uint8Array(size);
				names.set(content, { of, index });
				queue.push(content, of === 0 ? undefined : pair(of));
			}
			const left = [0, 1, 2, 3, 4].map((of) => frames.filter((each) => each.of === of).length);
			const since = left.map(() => left.map(() => 0));
			const last = left.map(() => -1);
			for (let next = queue.take(); next !== undefined; next = queue.take()) {
				const { of, index } = names.get(next) ?? { of: -1, index: -1 };
				expect(index).toBeGreaterThan(last[of] ?? Infinity);
				last[of] = index;
				left[of]!--;
				since[of] = left.map(() => 0);
				for (const [other, waits] of since.entries()) {
					if (other === of || left[other] === 0) continue;
					waits[of]! += next.length;
					// What the ends say has every second turn, so each of the others may see it four times in a round.
					const turns = of === 0 ? 4 : 1;
					expect(waits[of]).toBeLessThan(turns * (TURN + 65_000));
				}
			}
			expect(left).toEqual([0, 0, 0, 0, 0]);
			expect(queue.size).toBe(0);
		}),
		cases(200),
	);
});

test("one that was empty takes what comes later", () => {
	const queue = new FairQueue();
	const frame = new Uint8Array(1);
	for (const of of [undefined, pair(1), undefined]) {
		expect(queue.take()).toBeUndefined();
		queue.push(frame, of);
		expect(queue.take()).toBe(frame);
	}
});

/** Bytes a millisecond that each machine can send. */
const RATE = 500;
/** What takes one link from one machine to the next, in milliseconds. */
const WAY = 2;
/** The time that a link needs for one chunk and for small ones that came before, not for two chunks. */
const PATIENCE = 1.5 * (TURN / RATE);

class SlowRing extends Ring {
	override host(name: string): SimHost {
		return this.simulation.host(name, { bandwidth: { up: RATE } });
	}
}

const arePeers = (node: LocalNode, other: LocalNode): boolean =>
	node === other || node.peers.some(({ hash }) => hash.equals(other.hash));

test("1,000 small messages between others wait for one chunk of a megabyte at each link at most", async () => {
	const ring = new SlowRing(1, { latency: constant(WAY), successors: 2 });
	await ring.grow(32, { near: true });
	await ring.simulation.run(60_000);
	const { simulation, sorted } = ring;
	const sentAt: number[] = [];
	/** How long each small message was held up, for each link that it crossed. */
	const heldUp: number[] = [];
	let chunks = 0;
	for (const node of sorted) {
		node.handleRouted(parcel, (value, { hops }) => {
			if (value.length === TURN) chunks++;
			else
				heldUp.push(
					(simulation.now - sentAt[new DataView(value.slice().buffer).getUint32(0)]!) / hops - WAY,
				);
		});
	}
	const pairs = sorted.flatMap((from) =>
		sorted.filter((to) => !arePeers(from, to)).map((to) => ({ from, to })),
	);
	const [large, ...rest] = pairs;
	if (large === undefined) throw new Error("everyone knows everyone");
	// Who has an end in common with it also has links in common, mostly.
	const others = rest.filter(({ from, to }) => from === large.from || to === large.to);
	for (let i = 0; i < 22; i++) large.from.route(large.to.hash, parcel, chunk);
	for (let i = 0; i < 1_000; i++) {
		const { from, to } = others[i % others.length]!;
		const message = small.slice();
		new DataView(message.buffer).setUint32(0, i);
		sentAt.push(simulation.now);
		from.route(to.hash, parcel, message);
		await simulation.run(2);
	}
	const before = chunks;
	await simulation.run(30_000);
	expect(before).toBeGreaterThan(0);
	expect(chunks).toBe(22);
	expect(heldUp.length).toBe(1_000);
	// Many had to wait, so they did share links with it.
	expect(heldUp.filter((time) => time > 10).length).toBeGreaterThan(100);
	expect(Math.max(...heldUp)).toBeLessThan(PATIENCE);
});

test.each(["off", "required"] as const)(
	"over sockets, encryption %s: of what is sent at once, small ones wait for one chunk of another pair",
	async (encryption) => {
		const any = { host: "127.0.0.1", port: 0 };
		const sender = await new LocalNode("sender", any, { encryption }).listen();
		const receiver = await new LocalNode("receiver", any, { encryption }).listen();
		try {
			await sender.joinRing(receiver.address);
			const order: string[] = [];
			let arrived = (): void => {};
			const all = new Promise<void>((resolve) => {
				arrived = resolve;
			});
			receiver.handleRouted(parcel, ({ length }) => {
				order.push(length === TURN ? "chunk" : "small");
				if (order.length === 122) arrived();
			});
			// Another pair's: for a place that the receiver owns.
			const place = new Hash({ value: "x" });
			const { node: owner } = await sender.lookup(place);
			const to = owner.hash.equals(receiver.hash) ? place : new Hash({ value: "y" });
			for (let i = 0; i < 22; i++) sender.route(receiver.hash, parcel, chunk);
			for (let i = 0; i < 100; i++) sender.route(to, parcel, small);
			await all;
			expect(order.lastIndexOf("small") - 99).toBeLessThanOrEqual(2);
			expect(order.filter((what) => what === "chunk").length).toBe(22);
		} finally {
			await Promise.all([sender.close(), receiver.close()]);
		}
	},
);
