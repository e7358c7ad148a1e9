import fc from "fast-check";
import { expect, test } from "vitest";

import { Contact } from "../src/contact.ts";
import {
	between,
	arcLength,
	fingerStart,
	idFromBigInt,
	idFromBytes,
	inArc,
	writeIdBytes,
} from "../src/id.ts";
import { fit } from "../src/ring/state.ts";
import { toHex } from "./bytes.ts";
import { cases } from "./seeds.ts";

const RING = 2n ** 256n;
// Equal ids, neighbours and the seam at zero are what goes wrong: they come often.
const number = fc.oneof(
	fc.bigInt({ min: 0n, max: RING - 1n }),
	fc.bigInt({ min: 0n, max: 3n }),
	fc.bigInt({ min: RING - 3n, max: RING - 1n }),
);

/** How far it is clockwise, as bigints say it. */
const gap = (from: bigint, to: bigint): bigint => (to - from + RING) % RING;

test("x is between a and b when one meets it on the way from a clockwise to b; from a to a all but a are", () => {
	fc.assert(
		fc.property(number, number, number, (a, x, b) => {
			const way = a === b ? RING : gap(a, b);
			const expected = gap(a, x) > 0n && gap(a, x) < way;
			expect(between(idFromBigInt(a), idFromBigInt(x), idFromBigInt(b))).toBe(expected);
		}),
		cases(3_000),
	);
});

test("b owns what lies after a up to itself; when a is b, everything", () => {
	fc.assert(
		fc.property(number, number, number, (a, x, b) => {
			const way = a === b ? RING : gap(a, b);
			const expected = (gap(a, x) > 0n ? gap(a, x) : RING) <= way;
			expect(inArc(idFromBigInt(a), idFromBigInt(x), idFromBigInt(b))).toBe(expected);
		}),
		cases(3_000),
	);
});

test("distance goes clockwise, fingers start at powers of two and halfway between them, bytes are big-endian", () => {
	fc.assert(
		fc.property(number, number, fc.integer({ min: 0, max: 255 }), (a, b, power) => {
			const [from, to] = [idFromBigInt(a), idFromBigInt(b)];
			const [even, odd] = [fingerStart(from, 2 * power), fingerStart(from, 2 * power + 1)];
			expect(BigInt(`0x${even}`)).toBe((a + 2n ** BigInt(power)) % RING);
			expect(BigInt(`0x${odd}`)).toBe((a + (3n * 2n ** BigInt(power)) / 2n) % RING);
			const off = Math.abs(arcLength(from, to) - Number(gap(a, b)) / 2 ** 256);
			expect(Math.min(off, 1 - off)).toBeLessThan(1e-12);
			const bytes = new Uint8Array(40);
			writeIdBytes(from, bytes, 5);
			expect(toHex(bytes)).toBe(`${"00".repeat(5)}${from}000000`);
			expect(idFromBytes(bytes, 5)).toBe(from);
		}),
		cases(1_000),
	);
});

test("a successor list is what follows in order, up to the first that does not, and no longer than asked", () => {
	const contact = (n: number): Contact =>
		new Contact(idFromBigInt(BigInt(n)), { host: "192.0.2.1", port: 1 }, n + 1);
	const ids = (numbers: readonly number[], self: number, length = 16): number[] =>
		fit(idFromBigInt(BigInt(self)), numbers.map(contact), length).map(
			({ incarnation }) => incarnation - 1,
		);
	expect(ids([5, 7, 9], 3)).toEqual([5, 7, 9]);
	expect(ids([5, 7, 9], 3, 2)).toEqual([5, 7]);
	expect(ids([7, 9, 3, 5], 5)).toEqual([7, 9, 3]);
	expect(ids([7, 6, 9], 5)).toEqual([7]);
	expect(ids([7, 7, 9], 5)).toEqual([7]);
	expect(ids([5, 7], 5)).toEqual([]);
	expect(ids([], 5)).toEqual([]);
});
