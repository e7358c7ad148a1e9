import fc from "fast-check";
import { expect, test } from "vitest";

import { ChordError } from "../src/index.ts";
import { Framer } from "../src/wire/framer.ts";
import { concat, fromHex, toHex } from "./bytes.ts";
import { cases } from "./seeds.ts";

const LIMIT = 100;

function framed(body: Uint8Array): Uint8Array {
	return concat(new Uint8Array([0, 0, body.length >>> 8, body.length]), body);
}

/** The frames that a framer finds in these chunks. */
function cut(chunks: readonly Uint8Array[], limit = LIMIT): string[] {
	const framer = new Framer(limit);
	const found: string[] = [];
	for (const chunk of chunks) {
		framer.push(chunk, (frame) => {
			found.push(toHex(frame.rest()));
			return true;
		});
	}
	return found;
}

const malformed: unknown = expect.objectContaining({ name: "ChordError", code: "MALFORMED" });

test("a frame is its length in four bytes, big-endian, and its content", () => {
	expect(toHex(framed(fromHex("aabbcc")))).toBe("00000003aabbcc");
	expect(cut([fromHex("00000003 aabbcc 00000001 dd")])).toEqual(["aabbcc", "dd"]);
});

test("a stream may be cut anywhere, in two or byte by byte", () => {
	const stream = concat(
		framed(fromHex("aabbcc")),
		framed(fromHex("dd")),
		framed(new Uint8Array(LIMIT)),
	);
	const whole = ["aabbcc", "dd", "00".repeat(LIMIT)];
	for (let at = 0; at <= stream.length; at++) {
		expect(cut([stream.subarray(0, at), stream.subarray(at)])).toEqual(whole);
	}
	expect(cut(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(whole);
});

test("an incomplete frame is waited for, and is not given out", () => {
	expect(cut([fromHex("00000003 aabb")])).toEqual([]);
	expect(cut([fromHex("000000")])).toEqual([]);
	expect(cut([])).toEqual([]);
});

test("a frame of no bytes is malformed", () => {
	expect(() => cut([fromHex("00000000")])).toThrow(malformed);
});

test("a frame at the limit is taken, one byte more is malformed as soon as its length is known", () => {
	expect(cut([fromHex("00000064"), new Uint8Array(100)])).toEqual(["00".repeat(100)]);
	expect(() => cut([fromHex("00000065")])).toThrow(malformed);
});

test("frames before a malformed one are given out", () => {
	const framer = new Framer(LIMIT);
	const found: string[] = [];
	expect(() => {
		framer.push(fromHex("00000001 aa ffffffff"), (frame) => {
			found.push(toHex(frame.rest()));
			return true;
		});
	}).toThrow(malformed);
	expect(found).toEqual(["aa"]);
});

test("after emit has said no, nothing more is given out", () => {
	const found: string[] = [];
	new Framer(LIMIT).push(fromHex("00000001 aa 00000001 bb"), (frame) => {
		found.push(toHex(frame.rest()));
		return false;
	});
	expect(found).toEqual(["aa"]);
});

/** Runs something, and says how large the largest array of bytes was that it made. */
function largestAllocation(run: () => void): number {
	let largest = 0;
	const { Uint8Array: real, ArrayBuffer: realBuffer } = globalThis;
	const watch = <T extends object>(target: T): T =>
		new Proxy(target, {
			construct(made, args: unknown[], by) {
				const [size] = args;
				if (typeof size === "number") {
					largest = Math.max(largest, size);
					// What is asked for is what counts: it need not be had.
					if (size > 1_000_000) throw new RangeError("so much is not to be had");
				}
				return Reflect.construct(made as never, args, by) as object;
			},
		});
	globalThis.Uint8Array = watch(real);
	globalThis.ArrayBuffer = watch(realBuffer);
	try {
		run();
	} finally {
		globalThis.Uint8Array = real;
		globalThis.ArrayBuffer = realBuffer;
	}
	return largest;
}

test("a length is not believed: nothing larger than the limit is ever allocated", () => {
	const lengths = ["ffffffff", "80000000", "00010001", "7fffffff", "00000065"];
	const seen = largestAllocation(() => {
		for (const length of lengths) {
			try {
				cut([fromHex(length)]);
			} catch (error) {
				if (!(error instanceof ChordError)) throw error;
			}
		}
	});
	expect(seen).toBeLessThanOrEqual(LIMIT);
	// The measure does measure.
	expect(largestAllocation(() => cut([fromHex("0000ffff"), fromHex("00")], 65_535))).toBe(65_535);
	expect(() => largestAllocation(() => cut([fromHex("ffffffff")], 2 ** 32))).toThrow(RangeError);
});

test("any frames, cut anyhow, come out as they went in; any bytes give frames within the limit or are malformed", () => {
	const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: LIMIT }), { maxLength: 6 });
	const cuts = fc.array(fc.nat(300), { maxLength: 8 });
	const pieces = (stream: Uint8Array, at: readonly number[]): Uint8Array[] => {
		const places = [0, ...at.toSorted((a, b) => a - b), stream.length];
		return places.slice(1).map((end, i) => stream.subarray(places[i], end));
	};
	fc.assert(
		fc.property(bodies, cuts, (frames, at) => {
			const stream = concat(...frames.map(framed));
			expect(cut(pieces(stream, at))).toEqual(frames.map(toHex));
		}),
		cases(5_000),
	);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (stream, at) => {
			// The first three bytes of a length are 0 for anything to be read at all.
			for (const [i] of stream.entries()) if (i % 40 < 3) stream[i] = 0;
			try {
				for (const found of cut(pieces(stream, at))) expect(found.length).toBeLessThanOrEqual(200);
			} catch (error) {
				if (!(error instanceof ChordError) || error.code !== "MALFORMED") throw error;
			}
		}),
		cases(5_000),
	);
});
