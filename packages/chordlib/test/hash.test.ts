import fc from "fast-check";
import { expect, test } from "vitest";

import { Hash } from "../src/index.ts";
import { fromHex, toHex, utf8 } from "./bytes.ts";
import { cases } from "./seeds.ts";

// FIPS 180-4 example values, and the empty message.
const VECTORS = [
	["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
	["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
	[
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	],
] as const;

const ADDRESS_ID = 24355304810235874286134060455083535315455785472150272366747243996307578662525n;
const LAST = 2n ** 256n - 1n;

test.each(VECTORS)("the hash of %j is its SHA-256", (value, digest) => {
	expect(new Hash({ value }).toString()).toBe(digest);
	expect(new Hash({ value: utf8(value) }).toString()).toBe(digest);
	expect(toHex(new Hash({ value }).bytes)).toBe(digest);
	expect(new Hash({ value }).toBigInt()).toBe(BigInt(`0x${digest}`));
});

test("an address hashes to the id that other implementations give it", () => {
	expect(new Hash({ value: "75.23.66.101:7000" }).toBigInt()).toBe(ADDRESS_ID);
});

test("a string is hashed as UTF-8", () => {
	expect(new Hash({ value: "zikáda 🦗" }).equals(new Hash({ value: utf8("zikáda 🦗") }))).toBe(
		true,
	);
});

test("all ways to give a digest mean the same hash, and none gives a value", () => {
	const whole = new Hash({ value: "abc" });
	const forms = [
		whole.bytes,
		whole.toBigInt(),
		whole.toString(),
		whole.toString().toUpperCase(),
		whole.toBigInt().toString(),
	];
	for (const hashed of forms) {
		const hash = new Hash({ hashed });
		expect(hash.toString()).toBe(whole.toString());
		expect(hash.value).toBeUndefined();
	}
});

test("64 hexadecimal digits are hexadecimal, even when all of them are decimal; other lengths are decimal", () => {
	const digits = "1".repeat(64);
	expect(new Hash({ hashed: digits }).toBigInt()).toBe(BigInt(`0x${digits}`));
	expect(new Hash({ hashed: `0${digits}` }).toBigInt()).toBe(BigInt(digits));
	expect(new Hash({ hashed: "1".repeat(63) }).toBigInt()).toBe(BigInt("1".repeat(63)));
	expect(new Hash({ hashed: "10" }).toBigInt()).toBe(10n);
	expect(new Hash({ hashed: "0" }).toBigInt()).toBe(0n);
	expect(new Hash({ hashed: "0".repeat(78) }).toBigInt()).toBe(0n);
	expect(new Hash({ hashed: LAST.toString() }).toBigInt()).toBe(LAST);
	expect(LAST.toString()).toHaveLength(78);
});

const INVALID: readonly (readonly [string, unknown])[] = [
	["nothing", undefined],
	["null", null],
	["a string", "abc"],
	["neither field", {}],
	["both fields", { value: "a", hashed: 1n }],
	["a value that is a number", { value: 5 }],
	["a value that is null", { value: null }],
	["a value that is an array of bytes", { value: [1, 2, 3] }],
	["an ArrayBuffer", { value: new ArrayBuffer(32) }],
	["31 bytes", { hashed: new Uint8Array(31) }],
	["33 bytes", { hashed: new Uint8Array(33) }],
	["no bytes", { hashed: new Uint8Array(0) }],
	["a negative bigint", { hashed: -1n }],
	["2^256", { hashed: LAST + 1n }],
	["2^256 in decimal digits", { hashed: (LAST + 1n).toString() }],
	["79 decimal digits", { hashed: "0".repeat(79) }],
	["the empty string", { hashed: "" }],
	["63 hexadecimal digits", { hashed: "a".repeat(63) }],
	["65 hexadecimal digits", { hashed: "a".repeat(65) }],
	["64 digits with a stranger among them", { hashed: `${"a".repeat(63)}g` }],
	["0x before the digits", { hashed: `0x${"a".repeat(62)}` }],
	["a sign", { hashed: "-5" }],
	["white space", { hashed: " 5" }],
	["a line break after the digits", { hashed: "5\n" }],
	["an exponent", { hashed: "1e5" }],
	["digits of another script", { hashed: "١٢٣" }],
	["a number", { hashed: 5 }],
	["null for the digest", { hashed: null }],
	["a Hash", { hashed: new Hash({ value: "" }) }],
];

test.each(INVALID)("%s is no hash", (_name, source) => {
	expect(() => new Hash(source as { value: string })).toThrow(
		expect.objectContaining({ name: "ChordError", code: "INVALID_HASH" }),
	);
});

test("a hash cannot be changed through what it was given, nor through what it gives out", () => {
	const value = utf8("abc");
	const digest = fromHex(VECTORS[1][1]);
	const [ofValue, ofDigest] = [new Hash({ value }), new Hash({ hashed: digest })];
	value.fill(0);
	digest.fill(0);
	ofDigest.bytes.fill(0);
	expect(ofValue.value).toEqual(utf8("abc"));
	expect(ofValue.toString()).toBe(VECTORS[1][1]);
	expect(ofDigest.toString()).toBe(VECTORS[1][1]);
	expect(toHex(ofDigest.bytes)).toBe(VECTORS[1][1]);
});

test("hashes compare and differ as numbers modulo 2^256 do", () => {
	const id = fc.bigInt({ min: 0n, max: LAST });
	fc.assert(
		fc.property(id, id, (x, y) => {
			const [a, b] = [new Hash({ hashed: x }), new Hash({ hashed: y })];
			expect(a.compare(b)).toBe(x < y ? -1 : Number(x > y));
			expect(a.equals(b)).toBe(x === y);
			expect(a.distanceTo(b)).toBe((y - x + LAST + 1n) % (LAST + 1n));
			expect(a.compare(a)).toBe(0);
			expect(a.distanceTo(a)).toBe(0n);
			expect(new Hash({ hashed: a.bytes }).toBigInt()).toBe(x);
		}),
		cases(500),
	);
});
