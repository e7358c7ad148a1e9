import { createHash, hkdfSync } from "node:crypto";

import fc from "fast-check";
import { expect, test } from "vitest";

import { blake2b, hkdf } from "../src/node/blake2b.ts";
import { cases } from "./seeds.ts";

const short = fc.uint8Array({ maxLength: 300 });
const long = fc.uint8Array({ maxLength: 3_000, size: "max" });

test("a hash of parts is Node's of all of them, however long they are, and stays what it was", () => {
	const hashed: [parts: readonly Uint8Array[], hash: Uint8Array][] = [];
	fc.assert(
		fc.property(fc.array(fc.oneof(short, long), { maxLength: 4 }), (parts) => {
			hashed.push([parts, blake2b(...parts)]);
		}),
		cases(200),
	);
	for (const [parts, hash] of hashed) {
		const expected = createHash("blake2b512").update(Buffer.concat(parts)).digest();
		expect(hash).toEqual(new Uint8Array(expected));
	}
});

test("at the size of the memory that all share, and one above it, it is Node's", () => {
	for (const size of [0, 63, 64, 128, 1_023, 1_024, 1_025, 100_000]) {
		const message = new Uint8Array(size).fill(7);
		const expected = createHash("blake2b512").update(message).digest("hex");
		expect(Buffer.from(blake2b(message)).toString("hex"), `${size} bytes`).toBe(expected);
	}
});

test("keys that are derived are Node's, from a salt that is shorter or longer than a block, or none", () => {
	const lengths = fc.integer({ min: 1, max: 500 });
	fc.assert(
		fc.property(short, fc.oneof(short, long), lengths, (salt, input, length) => {
			const expected = hkdfSync("blake2b512", input, salt, new Uint8Array(0), length);
			expect(hkdf(salt, input, length)).toEqual(new Uint8Array(expected));
		}),
		cases(200),
	);
	const [salt, input] = [new Uint8Array(64).fill(1), new Uint8Array(32).fill(2)];
	for (const length of [64, 65, 128, 192, 16_320]) {
		const expected = hkdfSync("blake2b512", input, salt, new Uint8Array(0), length);
		expect(hkdf(salt, input, length)).toEqual(new Uint8Array(expected));
	}
});
