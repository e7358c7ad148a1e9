import { type SimHost, constant } from "@cicada/simnet";
import fc from "fast-check";
import { expect, test } from "vitest";

import { FairQueue, type Pair, TURN } from "../src/fair-queue.ts";
import { idOf } from "../src/hash.ts";
import { Hash, LocalNode, Reader, type Writer, bytes, defineNotice } from "../src/index.ts";
import { HEADER } from "../src/wire/framer.ts";
import { encodeFrame } from "../src/wire/messages.ts";
import { LARGE } from "../src/wire/writer.ts";
import { concat } from "./bytes.ts";
import { Ring } from "./ring.ts";
import { cases } from "./seeds.ts";

const parcel = defineNotice("test/parcel", bytes(60_000));
const LIMIT = 65_536;
/** A chunk of a large message, and a small one. */
const chunk = new Uint8Array(TURN);
const small = new Uint8Array(64);

const pair = (name: number): Pair => ({
	origin: { id: idOf(new Hash({ value: `from ${name}` })) },
	target: idOf(new Hash({ value: "to" })),
});

/** All that waits, in the order in which it goes out: of each frame its tag, and its length. */
function* taken(queue: FairQueue): Iterable<{ readonly index: number; readonly length: number }> {
	for (let next = queue.take(); next !== undefined; next = queue.take()) {
		const reader = new Reader(next);
		while (reader.left > 0) {
			const length = reader.uint(HEADER);
			const frame = new Reader(reader.raw(length));
			frame.uint(1);
			yield { index: frame.uint(4), length };
		}
	}
}

test("each pair's frames come out in their order, and others wait for one turn of it at most", () => {
	const frame = fc.record({ of: fc.nat(4), size: fc.integer({ min: 1, max: 65_000 }) });
	fc.assert(
		fc.property(fc.array(frame, { maxLength: 60 }), (frames) => {
			const queue = new FairQueue();
			// Number 0 is what the ends of the link say.
			for (const [index, { of, size }] of frames.entries()) {
				const notice = { kind: "notice", tag: index, body: new Uint8Array(size) } as const;
				queue.push(notice, LIMIT, of === 0 ? undefined : pair(of));
			}
			const left = [0, 1, 2, 3, 4].map((of) => frames.filter((each) => each.of === of).length);
			const since = left.map(() => left.map(() => 0));
			const last = left.map(() => -1);
			for (const { index, length } of taken(queue)) {
				const { of } = frames[index]!;
				expect(index).toBeGreaterThan(last[of]!);
				last[of] = index;
				left[of]!--;
				since[of] = left.map(() => 0);
				for (const [other, waits] of since.entries()) {
					if (other === of || left[other] === 0) continue;
					waits[of]! += length;
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
	for (const of of [undefined, pair(1), undefined]) {
		expect(queue.take()).toBeUndefined();
		queue.push({ kind: "ping" }, LIMIT, of);
		expect(queue.take()).toEqual(encodeFrame({ kind: "ping" }, LIMIT));
	}
});

test("frames that follow each other are taken together, as far as there is room, and a piece at a time", () => {
	const queue = new FairQueue();
	const size = 1_000;
	const notice = { kind: "notice", tag: 0, body: new Uint8Array(size - 9) } as const;
	for (let count = 0; count < 100; count++) queue.push(notice, LIMIT, pair(count < 50 ? 1 : 2));
	const sizes: number[] = [];
	for (const room of [size - 1, size, 3.5 * size, Infinity])
		sizes.push(queue.take(room)?.length ?? 0);
	expect(sizes).toEqual([0, size, 3 * size, 12 * size]);
	for (let count = 0; count < 100; count++) queue.push({ ...notice, tag: 9 }, LIMIT, pair(1));
	expect([...taken(queue)].length).toBe(200 - 16);
	expect(queue.size).toBe(0);
});

test("memory that others may have after a part of what waits in it was sent is not that of the rest", () => {
	const queue = new FairQueue();
	const sizes = [7_000, 28_000, 28_001];
	const frames = sizes.map((size) => ({
		kind: "notice" as const,
		tag: size,
		body: new Uint8Array(size).fill(size),
	}));
	for (const frame of frames) queue.push(frame, LIMIT, undefined);
	const [first, second, third] = frames.map((frame) => encodeFrame(frame, LIMIT));
	const part = queue.take();
	expect(part).toEqual(concat(first!, second!));
	LARGE.reuse(part!);
	const others = Array.from({ length: 17 }, () => LARGE.take());
	for (const { bytes: memory } of others) memory.fill(0xff);
	expect(queue.take()).toEqual(third);
});

test("what cannot be written does not wait, and what waits before and after it does", () => {
	const queue = new FairQueue();
	const fails = (writer: Writer): void => {
		writer.raw(new Uint8Array(3));
		throw new Error("cannot be written");
	};
	const sends = (): void => {
		queue.push({ kind: "ping" }, LIMIT, pair(1));
	};
	const failures = [
		{ body: fails, why: "cannot be written" },
		{ body: sends, why: "may not send" },
	];
	for (const { body, why } of failures) {
		expect(() => queue.push({ kind: "notice", tag: 0, body }, LIMIT, pair(1))).toThrow(why);
		expect(queue.take()).toBeUndefined();
		queue.push({ kind: "notice", tag: 1, body: new Uint8Array(1) }, LIMIT, pair(1));
		expect(() => queue.push({ kind: "notice", tag: 2, body }, LIMIT, pair(1))).toThrow(why);
		queue.push({ kind: "notice", tag: 3, body: new Uint8Array(1) }, LIMIT, pair(1));
		expect([...taken(queue)].map(({ index }) => index)).toEqual([1, 3]);
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

test("a link says how much of what was sent over it the network has not taken", async () => {
	const ring = new SlowRing(1, { latency: constant(WAY) });
	const [from, to] = [await ring.add("from"), await ring.add("to")];
	const link = await ring.until(from.link(to));
	const others = link.buffered;
	for (let i = 0; i < 10; i++) void from.notify(to, parcel, chunk);
	expect(link.buffered - others).toBeGreaterThan(10 * TURN);
	await ring.simulation.run((5 * TURN) / RATE);
	expect(link.buffered).toBeGreaterThan(4 * TURN);
	expect(link.buffered).toBeLessThan(6 * TURN);
	await ring.simulation.run((6 * TURN) / RATE);
	expect(link.buffered).toBe(0);
});

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

test("frames of very many pairs share their memory, in any order in which they come", () => {
	const queue = new FairQueue();
	const memory = new Set<ArrayBufferLike>();
	let bytes = 0;
	for (let n = 0; n < 1_000; n++) {
		const notice = { kind: "notice", tag: n, body: small } as const;
		const length = queue.push(notice, LIMIT, pair(n % 500));
		memory.add(queue.last(length, pair(n % 500)).buffer);
		bytes += length;
	}
	const held = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
	expect(held).toBeLessThan(2 * bytes);
	expect([...taken(queue)].map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
		Array.from({ length: 1_000 }, (_, n) => n),
	);
});

test("memory that frames have waited in is used again once all of them are gone, and not before", () => {
	const memory = new Set<ArrayBufferLike>();
	for (let round = 0; round < 50; round++) {
		const queue = new FairQueue();
		const frames = Array.from({ length: 200 }, (_, tag) => {
			const body = new Uint8Array(100 + ((round * tag) % 3_000)).fill(round + tag);
			return { kind: "notice", tag, body } as const;
		});
		const sent: Uint8Array[] = [];
		// As much is taken again and again as a busy link would, while more comes.
		for (const [index, frame] of frames.entries()) {
			const of = pair(index % 3);
			memory.add(queue.last(queue.push(frame, LIMIT, of), of).buffer);
			const taken = index % 7 === 0 ? queue.take(5_000) : undefined;
			if (taken !== undefined) sent.push(taken.slice());
		}
		for (let next = queue.take(); next !== undefined; next = queue.take()) sent.push(next.slice());
		const reader = new Reader(concat(...sent));
		const got = new Set<number>();
		while (reader.left > 0) {
			const whole = new Reader(reader.raw(reader.uint(HEADER)));
			whole.uint(1);
			const tag = whole.uint(4);
			if (Buffer.compare(whole.rest(), frames[tag]!.body) === 0) got.add(tag);
		}
		expect(got.size).toBe(frames.length);
	}
	// What others share is collected when all are gone; the rest goes round.
	expect(memory.size).toBeLessThan(400);
});

test("what goes out of large memory, whole or cut, is what was put in, whoever has that memory next", () => {
	for (let round = 0; round < 60; round++) {
		const queue = new FairQueue();
		const bodies = Array.from({ length: 2_200 + round }, (_, tag) =>
			new Uint8Array(60 + ((tag * 7) % 90)).fill(round + tag),
		);
		for (const [tag, body] of bodies.entries())
			queue.push({ kind: "notice", tag, body }, LIMIT, undefined);
		const sent: Uint8Array[] = [];
		for (let turn = 0; queue.size > 0; turn++) {
			const room = turn % 3 === 0 ? Infinity : 20_000 + (((round + turn) * 7_919) % 29_000);
			const piece = queue.take(room, turn % 2 === 0) ?? queue.take()!;
			sent.push(piece.slice());
			LARGE.reuse(piece);
			for (const slab of [LARGE.take(), LARGE.take(), LARGE.take()]) {
				slab.bytes.fill(0xff);
				LARGE.give(slab, 0);
			}
		}
		const reader = new Reader(concat(...sent));
		const right = bodies.filter((body, tag) => {
			const whole = new Reader(reader.raw(reader.uint(HEADER)));
			return whole.uint(1) > 0 && whole.uint(4) === tag && Buffer.compare(whole.rest(), body) === 0;
		});
		expect([right.length, reader.left]).toEqual([bodies.length, 0]);
	}
});

test("where very much waits it goes out as it is, or is cut where that is allowed; little does not keep large memory", () => {
	const queue = new FairQueue();
	const size = 1_000;
	const notice = { kind: "notice", body: new Uint8Array(size - 9) } as const;
	const whole = Math.floor(TURN / size) * size;
	// Seven in small memory, two that fill a turn, and little in the last.
	const count = 7 * 16 + (2 * whole) / size + 12;
	for (let tag = 0; tag < count; tag++) queue.push({ ...notice, tag }, LIMIT, undefined);
	while (queue.size > 2 * whole + 12 * size) queue.take();
	expect([queue.take(whole - 1, false), queue.take(30 * size, true)?.length]).toEqual([
		undefined,
		30 * size,
	]);
	expect(queue.take(Infinity, false)?.length).toBe(whole - 30 * size);
	const uncopied = queue.take(whole, false)!;
	expect([uncopied.length, LARGE.hold(uncopied)]).toEqual([whole, true]);
	expect(queue.take(10 * size, true)?.length).toBe(10 * size);
	expect(LARGE.hold(queue.last(size, undefined))).toBe(false);
	expect(queue.take(size)?.length).toBe(size);
	expect([...taken(queue)].map(({ index }) => index)).toEqual([count - 1]);
});

test("what is put into a frame may take all that waits: it itself is whole or not there", () => {
	const queue = new FairQueue();
	const notice = (tag: number, body: Uint8Array | ((writer: Writer) => void)): void => {
		queue.push({ kind: "notice", tag, body }, LIMIT, undefined);
	};
	for (let tag = 0; tag < 100; tag++) notice(tag, new Uint8Array(90));
	const before: Uint8Array[] = [];
	notice(100, (writer) => {
		writer.raw(new Uint8Array(10));
		for (let next = queue.take(); next !== undefined; next = queue.take())
			before.push(next.slice());
		writer.raw(new Uint8Array(10));
	});
	const lengths = [...before, ...takenPieces(queue)].flatMap((piece) => lengthsOf(piece));
	expect(lengths).toEqual([...Array<number>(100).fill(95), 25]);
});

function* takenPieces(queue: FairQueue): Iterable<Uint8Array> {
	for (let next = queue.take(); next !== undefined; next = queue.take()) yield next;
}

function lengthsOf(piece: Uint8Array): number[] {
	const lengths: number[] = [];
	const reader = new Reader(piece);
	while (reader.left > 0) {
		lengths.push(reader.uint(HEADER));
		reader.raw(lengths.at(-1)!);
	}
	return lengths;
}
