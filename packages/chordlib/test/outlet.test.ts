import fc from "fast-check";
import { expect, test } from "vitest";

import { TURN } from "../src/fair-queue.ts";
import { idOf } from "../src/hash.ts";
import {
	CipherState,
	type Clock,
	Hash,
	type Link,
	type Writer,
	systemCrypto,
} from "../src/index.ts";
import { sha256 } from "../src/node/crypto.ts";
import { Outlet } from "../src/outlet.ts";
import { Channel } from "../src/secure/channel.ts";
import { Framer, HEADER } from "../src/wire/framer.ts";
import { type Outgoing, encodeFrame } from "../src/wire/messages.ts";
import { concat, toHex, utf8 } from "./bytes.ts";
import { alive } from "./collect.ts";
import { Ring } from "./ring.ts";
import { cases } from "./seeds.ts";

/** An outlet of which the test says when a turn ends, and what the network has taken of what it was sent. */
function outlet(): {
	readonly outlet: Outlet;
	readonly link: Link & { buffered: number };
	readonly sent: Uint8Array[];
	readonly endTurn: () => void;
} {
	const deferred: (() => void)[] = [];
	const clock: Clock = {
		...new Ring(1).host("host").clock,
		defer: (run) => {
			deferred.push(run);
		},
	};
	const sent: Uint8Array[] = [];
	const nowhere = { host: "192.0.2.1", port: 1 };
	const link = {
		local: nowhere,
		remote: nowhere,
		buffered: 0,
		send: (bytes: Uint8Array) => {
			sent.push(bytes);
		},
		close: () => {},
		destroy: () => {},
	};
	const made = new Outlet(clock, () => {});
	made.link = link;
	const endTurn = (): void => {
		for (const run of deferred.splice(0)) run();
	};
	return { outlet: made, link, sent, endTurn };
}

test("the end of a greeting goes out in one piece with the first record, as it is, and with no other", () => {
	const { outlet: out, sent, endTurn } = outlet();
	const key = new Uint8Array(32).fill(1);
	const ends = (): CipherState => new CipherState(systemCrypto, key);
	out.channel = new Channel({ send: ends(), receive: ends() });
	const head = Uint8Array.of(1, 2, 3);
	out.head = head;
	for (const tag of [1, 2]) {
		out.send({ kind: "cancel", call: tag }, TURN);
		endTurn();
	}
	expect(sent.length).toBe(2);
	expect(sent[0]?.subarray(0, 3)).toEqual(head);
	const read: string[] = [];
	const other = new Channel({ send: ends(), receive: ends() });
	other.push(concat(sent[0]!.subarray(3), sent[1]!), (content) => {
		read.push(toHex(content));
		return true;
	});
	const frames = [1, 2].map((tag) => toHex(encodeFrame({ kind: "cancel", call: tag }, TURN)));
	expect(read).toEqual(frames);
});

/** A link that copies as many bytes at once as it `takes`, and the rest when it is asked to: until then it has what it was given. */
interface Copying {
	takes: number;
	readonly out: Outlet;
	readonly said: string[];
	/** Sends a frame. */
	say(frame: Outgoing & { readonly tag: number }): void;
	/** The program has done what it does, and the link takes what it takes. */
	endTurn(): void;
	/** The frames that have come out. */
	read(): string[];
}

function copying(sealed: boolean): Copying {
	const { outlet: out, link, endTurn } = outlet();
	const given: Uint8Array[] = [];
	const copied: Uint8Array[] = [];
	Object.assign(link, { copies: true });
	const copy = (end: Copying): void => {
		for (let left = end.takes; left > 0 && given.length > 0;) {
			const [bytes = new Uint8Array(0)] = given;
			const part = bytes.subarray(0, left);
			copied.push(part.slice());
			link.buffered -= part.length;
			left -= part.length;
			if (part.length === bytes.length) given.shift();
			else given[0] = bytes.subarray(part.length);
		}
	};
	const cipher = (): CipherState => new CipherState(systemCrypto, new Uint8Array(32).fill(1));
	const channel = new Channel({ send: cipher(), receive: cipher() });
	if (sealed) out.channel = channel;
	const end: Copying = {
		takes: 0,
		out,
		said: [],
		say: (frame) => {
			end.said.push(toHex(sha256(encodeFrame(frame, LIMIT))));
			out.send(frame, LIMIT);
		},
		endTurn: () => {
			endTurn();
			copy(end);
			if (link.buffered === 0) out.drained();
		},
		read: () => {
			const frames: string[] = [];
			const framer = new Framer(LIMIT);
			const read = (bytes: Uint8Array): boolean => {
				framer.push(bytes, (frame) => {
					const content = frame.rest();
					const whole = concat(new Uint8Array(HEADER), content);
					new DataView(whole.buffer).setUint32(0, content.length);
					frames.push(toHex(sha256(whole)));
					return true;
				});
				return true;
			};
			if (sealed) channel.push(concat(...copied), read);
			else read(concat(...copied));
			return frames;
		},
	};
	link.send = (bytes) => {
		given.push(bytes);
		link.buffered += bytes.length;
		copy(end);
	};
	return end;
}

const LIMIT = 65_536;
/** What a notice takes besides its body: its length, its kind, its tag. */
const AROUND = 4 + 1 + 4;

/** A notice that is so long as a frame. */
const long = (size: number): Outgoing => ({
	kind: "notice",
	tag: 0,
	body: new Uint8Array(size - AROUND),
});
/** One whose bytes are all its own. */
const numbered = (tag: number, size: number): Outgoing & { readonly tag: number } => ({
	kind: "notice",
	tag,
	body: Uint8Array.from({ length: size - AROUND }, (_, index) => tag * 31 + index * 7),
});
const saying = (word: string): Outgoing => ({ kind: "notice", tag: 7, body: utf8(word) });
const framed = (...words: string[]): Uint8Array =>
	concat(...words.map((word) => encodeFrame(saying(word), LIMIT)));
const sizes = (pieces: readonly Uint8Array[]): number[] => pieces.map(({ length }) => length);

test("all that is sent in one turn goes out in one piece", () => {
	const { outlet: out, sent, endTurn } = outlet();
	for (const word of ["one", "two", "three"]) out.send(saying(word), LIMIT);
	const all = framed("one", "two", "three");
	expect([sent.length, out.buffered, out.waiting]).toEqual([0, all.length, 0]);
	endTurn();
	expect(sent).toEqual([all]);
	expect(out.buffered).toBe(0);
	endTurn();
	expect(sent).toHaveLength(1);
});

test("what a link was given stays as it is, whatever is sent after it, here or over other links", () => {
	const outlets = [outlet(), outlet()];
	for (const word of ["one", "two", "three"]) {
		for (const { outlet: out, endTurn, link } of outlets) {
			out.send(saying(word), LIMIT);
			out.send({ kind: "ping" }, LIMIT);
			endTurn();
			// From now on it does not keep up.
			link.buffered = 1;
		}
	}
	const ping = encodeFrame({ kind: "ping" }, LIMIT);
	for (const { sent } of outlets) {
		expect(sent).toEqual(["one", "two", "three"].map((word) => concat(framed(word), ping)));
	}
});

test("a link that does not keep up holds no more memory than it is told", () => {
	const { outlet: out, link, sent, endTurn } = outlet();
	link.buffered = TURN - 100;
	for (let n = 0; n < 10; n++) out.send(saying("word"), LIMIT);
	expect(out.waiting).toBeGreaterThan(0);
	endTurn();
	endTurn();
	expect(out.waiting).toBe(0);
	expect(sent.map(({ buffer }) => buffer.byteLength)).toEqual(sizes(sent));
});

test("what cannot be written is not sent, and what came before it is", () => {
	const { outlet: out, sent, endTurn } = outlet();
	out.send(saying("before"), LIMIT);
	const fails = (writer: Writer): void => {
		writer.raw(utf8("half"));
		throw new Error("cannot be written");
	};
	expect(() => out.send({ kind: "notice", tag: 1, body: fails }, LIMIT)).toThrow("cannot be");
	expect(() => out.send(long(25), 20)).toThrow("more than the 24 bytes");
	const sends = (): void => {
		out.send(saying("within"), LIMIT);
	};
	expect(() => out.send({ kind: "notice", tag: 1, body: sends }, LIMIT)).toThrow("may not send");
	out.send(saying("after"), LIMIT);
	endTurn();
	expect(sent).toEqual([framed("before", "after")]);
});

test("each frame is told as it goes out, those that wait included", () => {
	const { outlet: out, link } = outlet();
	const told: Uint8Array[] = [];
	out.told = (frame) => told.push(frame.slice());
	out.send(saying("one"), LIMIT);
	link.buffered = TURN;
	out.send(saying("two"), LIMIT);
	out.send(saying("three"), LIMIT);
	out.sendFirst(saying("four"), LIMIT);
	expect(told).toEqual(["one", "two", "three", "four"].map((word) => framed(word)));
});

test("who is told of a frame may send another: neither is cut", () => {
	const { outlet: out, link, sent, endTurn } = outlet();
	out.told = () => {
		out.told = undefined;
		out.sendFirst({ kind: "ping" }, LIMIT);
	};
	link.buffered = TURN;
	out.send(saying("waits"), LIMIT);
	link.buffered = 0;
	endTurn();
	endTurn();
	expect(sent).toEqual([encodeFrame({ kind: "ping" }, LIMIT), framed("waits")]);
});

test("the memory of what a link has copied is used again, and that of what it still has to send is not", () => {
	const { outlet: out, link, sent, endTurn } = outlet();
	const say = (word: string): void => {
		out.send(saying(word), LIMIT);
		endTurn();
	};
	Object.assign(link, { copies: true });
	for (const word of ["one", "two"]) say(word);
	expect(sent).toEqual([framed("two"), framed("two")]);
	link.send = (bytes) => {
		sent.push(bytes);
		link.buffered = bytes.length;
	};
	say("six");
	link.buffered = 0;
	say("ten");
	expect(sent.slice(2)).toEqual([framed("six"), framed("ten")]);
});

test("a frame of as many bytes as are allowed goes out", () => {
	const { outlet: out, sent, endTurn } = outlet();
	out.send(long(24), 20);
	endTurn();
	expect(sizes(sent)).toEqual([24]);
});

test("sealed, all that is sent in one turn is one record", () => {
	const { outlet: out, sent, endTurn } = outlet();
	const cipher = (): CipherState => new CipherState(systemCrypto, new Uint8Array(32).fill(1));
	out.channel = new Channel({ send: cipher(), receive: cipher() });
	const turns = [["one", "two", "three"], ["four"]];
	for (const words of turns) {
		for (const word of words) out.send(saying(word), LIMIT);
		endTurn();
	}
	expect(sizes(sent)).toEqual(turns.map((words) => 2 + framed(...words).length + 16));
	const read: Uint8Array[] = [];
	out.channel.push(concat(...sent), (content) => read.push(content) > 0);
	expect(read).toEqual(turns.map((words) => framed(...words)));
});

test("memory of a frame that did not fit its turn after all is given back once", () => {
	const first = copying(false);
	first.takes = Infinity;
	// So much that the next turn begins in large memory.
	first.say(numbered(0, 3_000));
	first.endTurn();
	first.takes = 0;
	first.say(numbered(1, 100));
	first.endTurn();
	first.say(numbered(2, 60_000));
	first.takes = Infinity;
	for (let turn = 0; turn < 4; turn++) first.endTurn();
	expect(first.read()).toEqual(first.said);
	const others = Array.from({ length: 20 }, () => copying(false));
	for (const [index, end] of others.entries()) {
		end.say(numbered(3 + index, 60_000));
		end.endTurn();
	}
	for (const end of others) {
		end.takes = Infinity;
		end.endTurn();
		expect(end.read()).toEqual(end.said);
	}
});

test.each(["clear", "sealed"])(
	"in %s, whatever is sent comes out as it was, when a link copies what it is given sooner or later",
	(how) => {
		const size = fc.oneof(
			{ weight: 4, arbitrary: fc.integer({ min: AROUND, max: 3_000 }) },
			fc.integer({ min: AROUND, max: 60_000 }),
		);
		const step = fc.record({
			link: fc.nat(2),
			sizes: fc.array(size, { maxLength: 8 }),
			many: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.nat(400)),
			takes: fc.constantFrom(0, 100, 30_000, Infinity),
		});
		fc.assert(
			fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
				const ends = [0, 1, 2].map(() => copying(how === "sealed"));
				let tag = 0;
				for (const { link, sizes: lengths, many, takes } of steps) {
					const end = ends[link]!;
					end.takes = takes;
					for (let index = 0; index < many; index++) end.say(numbered(tag++, 400 + index));
					for (const length of lengths) end.say(numbered(tag++, length));
					end.endTurn();
				}
				for (const end of ends) {
					end.takes = Infinity;
					for (let turn = 0; turn < 500 && end.out.buffered > 0; turn++) end.endTurn();
					expect(end.out.buffered).toBe(0);
					expect(end.read()).toEqual(end.said);
				}
			}),
			cases(50),
		);
	},
);

test("a turn sends what a link is given in one, or one frame that is longer; the rest follows", () => {
	const { outlet: out, sent, endTurn } = outlet();
	const quarter = TURN / 4;
	const quarters = [quarter, quarter, quarter, quarter - 10];
	for (const size of [10, ...quarters, 9, TURN + 5, 11]) out.send(long(size), LIMIT);
	expect(out.waiting).toBe(9 + TURN + 5 + 11);
	for (let turn = 0; turn < 4; turn++) endTurn();
	expect(sizes(sent)).toEqual([TURN, 9, TURN + 5, 11]);
	expect(out.buffered).toBe(0);
});

test("a large frame goes out at once, with all before it, as long as the link keeps up and the turn is not over", () => {
	const { outlet: out, link, sent, endTurn } = outlet();
	const large = 17_000;
	for (const size of [10, large, 11, large, large, 12]) out.send(long(size), LIMIT);
	expect([sizes(sent), out.waiting]).toEqual([[10 + large, 11 + large], large + 12]);
	endTurn();
	endTurn();
	expect(sizes(sent)).toEqual([10 + large, 11 + large, large + 12]);
	link.buffered = 1;
	out.send(long(large), LIMIT);
	expect(sent.length).toBe(3);
	endTurn();
	expect(sizes(sent).slice(3)).toEqual([large]);
});

test("while the network does not take what it was given, the rest waits; a ping does not", () => {
	const { outlet: out, link, sent, endTurn } = outlet();
	link.buffered = TURN;
	out.send(long(9), LIMIT);
	out.sendFirst({ kind: "ping" }, LIMIT);
	endTurn();
	endTurn();
	expect([sizes(sent), out.waiting, out.buffered]).toEqual([[5], 9, TURN + 9]);
	link.buffered = 0;
	out.pump();
	endTurn();
	expect([sizes(sent), out.waiting]).toEqual([[5, 9], 0]);
});

test.each([64, 1_000, 17_000])(
	"what waits goes out, whatever little goes with it each time: frames of %i bytes",
	(size) => {
		const { outlet: out, link, sent, endTurn } = outlet();
		link.buffered = TURN;
		const count = Math.ceil((10 * TURN) / size);
		for (let index = 0; index < count; index++) out.send(long(size), LIMIT);
		let pongs = 0;
		for (; pongs < 20 && out.waiting > 0; pongs++) {
			out.sendFirst({ kind: "pong" }, LIMIT);
			link.buffered = 5;
			out.drained();
			endTurn();
		}
		endTurn();
		expect([out.waiting, concat(...sent).length]).toEqual([0, count * size + 5 * pongs]);
	},
);

test("at the end all goes out that waits, in its order", () => {
	const { outlet: out, link, sent } = outlet();
	link.buffered = TURN;
	for (const size of [13, 14, 5_000, 15]) out.send(long(size), LIMIT);
	out.finish(undefined, LIMIT);
	const frames = [13, 14, 5_000, 15].map((size) => encodeFrame(long(size), LIMIT));
	expect(sent).toEqual([concat(...frames)]);
});

test("the last frame comes behind all that waits, whoever has his turn", () => {
	const { outlet: out, link, sent } = outlet();
	link.buffered = TURN;
	const pair = {
		origin: { id: idOf(new Hash({ value: "from" })) },
		target: idOf(new Hash({ value: "to" })),
	};
	const sizesOf = [20_000, 20_001, 20_002, 20_003, 20_004];
	for (const size of sizesOf) out.send(long(size), LIMIT, pair);
	const goodbye = { kind: "goodbye", reason: "leaving" } as const;
	out.finish(goodbye, LIMIT);
	const frames = sizesOf.map((size) => encodeFrame(long(size), LIMIT));
	expect(toHex(concat(...sent))).toBe(toHex(concat(...frames, encodeFrame(goodbye, LIMIT))));
});

test("of what a link has sent nothing is kept, also while it always has a little left to send", async () => {
	const { outlet: out, link, endTurn } = outlet();
	Object.assign(link, { copies: true });
	const given: WeakRef<Uint8Array>[] = [];
	link.send = (bytes) => {
		given.push(new WeakRef(bytes));
	};
	link.buffered = 50;
	for (let n = 0; n < 1_000; n++) {
		out.send(long(100), LIMIT);
		endTurn();
	}
	expect(given).toHaveLength(1_000);
	expect(await alive(given)).toBeLessThan(10);
	expect(out.buffered).toBe(50);
});
