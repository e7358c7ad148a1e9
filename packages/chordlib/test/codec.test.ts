import fc from "fast-check";
import { expect, test } from "vitest";

import {
	type Codec,
	ChordError,
	Hash,
	Reader,
	address,
	boolean,
	bytes,
	choice,
	decode,
	encode,
	hash,
	list,
	nothing,
	optional,
	rest,
	struct,
	text,
	u16,
	u32,
	u48,
	u8,
} from "../src/index.ts";
import { fromHex, toHex, utf8 } from "./bytes.ts";
import { cases } from "./seeds.ts";

const LIMIT = 65_536;

test("a reader of a part of an array reads nothing before and after it", () => {
	const array = Uint8Array.of(9, 9, 1, 2, 3, 9, 9);
	const part = (): Reader => new Reader(array, 2, 5);
	expect(part().rest()).toEqual(Uint8Array.of(1, 2, 3));
	expect([part().left, part().uint(3), part().peek(4)]).toEqual([3, 0x010203, 0x01020300]);
	expect(part().skip(Uint8Array.of(1, 2, 3, 9))).toBe(false);
	for (const read of [() => part().raw(4), () => part().uint(4), () => part().id()]) {
		expectCode(read, "MALFORMED");
	}
	for (const [start, end] of [
		[-1, 2],
		[3, 2],
		[0, 8],
		[Number.NaN, 2],
	] as const) {
		expectCode(() => new Reader(array, start, end), "INVALID_ARGUMENT");
	}
});

function expectCode(run: () => unknown, code: string): void {
	expect(run).toThrow(expect.objectContaining({ name: "ChordError", code }));
}

/** What decoding gives, or `undefined` for bytes that are none; any other failure is one of the test. */
function attempt<T>(codec: Codec<T>, input: Uint8Array): { value: T } | undefined {
	try {
		return { value: decode(codec, input) };
	} catch (error) {
		if (error instanceof ChordError && error.code === "MALFORMED") return undefined;
		throw error;
	}
}

const WIRE: readonly (readonly [string, Codec<unknown>, unknown, string])[] = [
	["u8", u8, 255, "ff"],
	["u16", u16, 258, "0102"],
	["u32", u32, 0xfffefdfc, "fffefdfc"],
	["u48", u48, 2 ** 48 - 1, "ffffffffffff"],
	["boolean", boolean, true, "01"],
	["boolean", boolean, false, "00"],
	["bytes(255): a length of one byte", bytes(255), fromHex("aabb"), "02aabb"],
	["bytes(256): a length of two bytes", bytes(256), fromHex("aabb"), "0002aabb"],
	["bytes(65535): a length of two bytes", bytes(65_535), fromHex("aabb"), "0002aabb"],
	["bytes(65536): a length of four bytes", bytes(65_536), fromHex("aabb"), "00000002aabb"],
	["rest", rest, fromHex("aabb"), "aabb"],
	["text", text(20), "né", "036ec3a9"],
	["hash", hash, new Hash({ hashed: 258n }), `${"00".repeat(30)}0102`],
	["an IPv4 address", address, { host: "192.0.2.1", port: 7000 }, "04c00002011b58"],
	[
		"an IPv6 address",
		address,
		{ host: "2001:db8::1", port: 7000 },
		`0620010db8${"00".repeat(11)}011b58`,
	],
	["list", list(u16, 9), [1, 2], "0200010002"],
	["optional, absent", optional(u8), undefined, "00"],
	["optional, present", optional(u8), 7, "0107"],
	["choice", choice(["a", "b"]), "b", "01"],
	["struct, in the order of its fields", struct({ b: u8, a: u16 }), { a: 1, b: 2 }, "020001"],
	["nothing", nothing, undefined, ""],
];

/** Hashes compare by their digits. */
const plain = (value: unknown): unknown => (value instanceof Hash ? value.toString() : value);

test.each(WIRE)("%s", (_name, codec, value, wire) => {
	expect(toHex(encode(codec, value, LIMIT))).toBe(wire);
	const read: unknown = decode(codec, fromHex(wire));
	expect(plain(read)).toEqual(plain(value));
});

const MALFORMED: readonly (readonly [string, Codec<unknown>, string])[] = [
	["a number that ends early", u32, "000000"],
	["bytes after the value", u8, "0000"],
	["a boolean of 2", boolean, "02"],
	["a presence of 2", optional(u8), "0200"],
	["a length beyond what there is", bytes(10), "0300"],
	["a length beyond the limit", bytes(2), "03000000"],
	["a length of 4 GiB", bytes(1_000_000), "ffffffff00"],
	["a text beyond the limit", text(2), "03616161"],
	["UTF-8 cut short", text(9), "02c3"],
	["an overlong encoding", text(9), "02c0af"],
	["a surrogate in UTF-8", text(9), "03eda080"],
	["a byte that UTF-8 never has", text(9), "01ff"],
	["a hash of 31 bytes", hash, "00".repeat(31)],
	["an unknown address family", address, "05c00002011b58"],
	["port 0", address, "04c00002010000"],
	["an IPv6 address of 15 bytes", address, `06${"00".repeat(15)}1b`],
	["a list longer than its limit", list(u8, 2), "03010203"],
	["a list of 4 billion", list(nothing, 100_000), "ffffffff"],
	["a list that ends early", list(u16, 5), "020001"],
	["a word that is not in the list", choice(["a", "b"]), "02"],
	["a struct without its last field", struct({ a: u8, b: u8 }), "00"],
	["anything where there is nothing", nothing, "00"],
];

test.each(MALFORMED)("%s is malformed", (_name, codec, wire) => {
	expectCode(() => decode(codec, fromHex(wire)), "MALFORMED");
});

const REFUSED: readonly (readonly [string, Codec<unknown>, unknown, string])[] = [
	["256 as u8", u8, 256, "INVALID_ARGUMENT"],
	["-1", u8, -1, "INVALID_ARGUMENT"],
	["1.5", u32, 1.5, "INVALID_ARGUMENT"],
	["NaN", u32, Number.NaN, "INVALID_ARGUMENT"],
	["2^48 as u48", u48, 2 ** 48, "INVALID_ARGUMENT"],
	["a string as number", u8, "1", "INVALID_ARGUMENT"],
	["1 as boolean", boolean, 1, "INVALID_ARGUMENT"],
	["an array as bytes", bytes(9), [1], "INVALID_ARGUMENT"],
	["undefined as bytes", rest, undefined, "INVALID_ARGUMENT"],
	["one byte too many", bytes(2), new Uint8Array(3), "TOO_LARGE"],
	["a text of one byte too many", text(2), "né", "TOO_LARGE"],
	["half of a surrogate pair", text(9), "\u{d800}", "INVALID_ARGUMENT"],
	["a number as text", text(9), 5, "INVALID_ARGUMENT"],
	["a string as hash", hash, "00", "INVALID_ARGUMENT"],
	["a host name as address", address, { host: "localhost", port: 1 }, "INVALID_ARGUMENT"],
	["an address without a port", address, { host: "192.0.2.1" }, "INVALID_ARGUMENT"],
	["no address", address, undefined, "INVALID_ARGUMENT"],
	["one item too many", list(u8, 2), [1, 2, 3], "TOO_LARGE"],
	["a string as list", list(u8, 2), "ab", "INVALID_ARGUMENT"],
	["a word that is not in the list", choice(["a"]), "b", "INVALID_ARGUMENT"],
	["null as struct", struct({ a: u8 }), null, "INVALID_ARGUMENT"],
	["a struct without a field", struct({ a: u8 }), {}, "INVALID_ARGUMENT"],
	["more than fits the frame", rest, new Uint8Array(LIMIT + 1), "TOO_LARGE"],
];

test.each(REFUSED)("%s is not written", (_name, codec, value, code) => {
	expectCode(() => encode(codec, value, LIMIT), code);
});

test("a value at its limit is written and read, and so is a frame's worth of bytes", () => {
	expect(decode(bytes(255), encode(bytes(255), new Uint8Array(255), LIMIT))).toHaveLength(255);
	expect(decode(text(3), encode(text(3), "né", LIMIT))).toBe("né");
	expect(decode(list(u8, 2), encode(list(u8, 2), [1, 2], LIMIT))).toEqual([1, 2]);
	expect(encode(rest, new Uint8Array(LIMIT), LIMIT)).toHaveLength(LIMIT);
});

test("a byte order mark is part of the text", () => {
	expect(decode(text(9), utf8("\u0006\uFEFFabc"))).toBe("\uFEFFabc");
});

const everything = struct({
	number: u48,
	flag: boolean,
	name: text(300),
	where: optional(address),
	who: list(hash, 4),
	nested: list(struct({ kind: choice(["x", "y", "z"]), data: bytes(70_000) }), 3),
	tail: rest,
});

const bits = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: length });
const anything = fc.record({
	number: fc.maxSafeNat().map((n) => n % 2 ** 48),
	flag: fc.boolean(),
	name: fc.string({ unit: "grapheme", maxLength: 20 }),
	where: fc.option(fc.record({ host: fc.ipV4(), port: fc.integer({ min: 1, max: 65_535 }) }), {
		nil: undefined,
	}),
	who: fc.array(
		fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hashed) => new Hash({ hashed })),
		{ maxLength: 4 },
	),
	nested: fc.array(fc.record({ kind: fc.constantFrom("x", "y", "z"), data: bits(40) }), {
		maxLength: 3,
	}),
	tail: bits(20),
});

test("what is written is read as it was", () => {
	fc.assert(
		fc.property(anything, (value) => {
			const wire = encode(everything, value, LIMIT);
			const read = decode(everything, wire);
			expect(toHex(encode(everything, read, LIMIT))).toBe(toHex(wire));
			expect({ ...read, who: read.who.map(String) }).toEqual({
				...value,
				who: value.who.map(String),
			});
		}),
		cases(10_000),
	);
});

test("bytes that were tampered with are read as some other value, or refused as malformed", () => {
	const change = fc.record({
		at: fc.nat(400),
		to: fc.oneof(fc.constantFrom(0, 1, 2, 127, 128, 255), fc.nat(255)),
		cut: fc.option(fc.nat(400)),
		add: bits(4),
	});
	fc.assert(
		fc.property(anything, fc.array(change, { minLength: 1, maxLength: 4 }), (value, changes) => {
			let wire = encode(everything, value, LIMIT).slice();
			for (const { at, to, cut, add } of changes) {
				wire[at % Math.max(1, wire.length)] = to;
				if (cut !== null) wire = Uint8Array.from([...wire.subarray(0, cut), ...add]);
			}
			const read = attempt(everything, wire);
			const again = read === undefined ? wire : encode(everything, read.value, LIMIT);
			expect(toHex(again)).toBe(toHex(wire));
		}),
		cases(10_000),
	);
});

test("arbitrary bytes are read or refused, and nothing else", () => {
	fc.assert(
		fc.property(bits(200), (wire) => {
			attempt(everything, wire);
			attempt(list(optional(text(9)), 3), wire);
			attempt(address, wire);
		}),
		cases(10_000),
	);
});
