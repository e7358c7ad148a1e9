import fc from "fast-check";
import { expect, test } from "vitest";

import { Contact } from "../src/contact.ts";
import { idOf } from "../src/hash.ts";
import { ChordError, Hash } from "../src/index.ts";
import {
	type Frame,
	type Opening,
	type Outgoing,
	decodeOpening,
	encodeFrame,
	encodeOpening,
	readFrame,
} from "../src/wire/messages.ts";
import { Reader } from "../src/wire/reader.ts";
import { concat, fromHex, toHex, utf8 } from "./bytes.ts";
import { cases } from "./seeds.ts";

const LIMIT = 65_536;
const ID = "11".repeat(32);
const contact = new Contact(
	idOf(new Hash({ hashed: fromHex(ID) })),
	{ host: "192.0.2.1", port: 7000 },
	0x010203040506,
);
const body = fromHex("cafe");

/** The frame that bytes are, with what it carries as bytes. */
function decodeFrame(bytes: Uint8Array): Frame<Uint8Array> {
	const frame = readFrame(new Reader(bytes));
	return "body" in frame ? { ...frame, body: frame.body.rest() } : frame;
}

const FRAMES: readonly (readonly [Outgoing, string])[] = [
	[
		{ kind: "identify", contact, standing: "member" },
		`0000002f 00 ${ID} 04 c0000201 1b58 010203040506 00`,
	],
	[
		{ kind: "identify", contact, standing: "outside" },
		`0000002f 00 ${ID} 04 c0000201 1b58 010203040506 01`,
	],
	[
		{ kind: "request", call: 1, tag: 0xaabbccdd, budget: 10_000, body },
		"0000000f 01 00000001 aabbccdd 00002710 cafe",
	],
	[{ kind: "response", call: 1, body }, "00000007 02 00000001 cafe"],
	[
		{ kind: "failure", call: 2, reason: "notHandled", explanation: "no" },
		"00000009 03 00000002 00 02 6e6f",
	],
	[
		{ kind: "failure", call: 2, reason: "malformed", explanation: "" },
		"00000007 03 00000002 01 00",
	],
	[{ kind: "failure", call: 2, reason: "busy", explanation: "" }, "00000007 03 00000002 02 00"],
	[{ kind: "failure", call: 2, reason: "failed", explanation: "" }, "00000007 03 00000002 03 00"],
	[{ kind: "cancel", call: 3 }, "00000005 04 00000003"],
	[{ kind: "notice", tag: 0xaabbccdd, body }, "00000007 05 aabbccdd cafe"],
	[{ kind: "ping" }, "00000001 06"],
	[{ kind: "pong" }, "00000001 07"],
	[{ kind: "whois" }, "00000001 09"],
	[{ kind: "goodbye", reason: "leaving" }, "00000002 08 00"],
	[{ kind: "goodbye", reason: "closing" }, "00000002 08 01"],
	[{ kind: "goodbye", reason: "idle" }, "00000002 08 02"],
	[{ kind: "goodbye", reason: "replaced" }, "00000002 08 03"],
	[{ kind: "goodbye", reason: "duplicate" }, "00000002 08 04"],
	[{ kind: "goodbye", reason: "self" }, "00000002 08 05"],
	[{ kind: "goodbye", reason: "malformed" }, "00000002 08 06"],
	[{ kind: "goodbye", reason: "full" }, "00000002 08 07"],
	[{ kind: "goodbye", reason: "flood" }, "00000002 08 08"],
	[{ kind: "goodbye", reason: "unproven" }, "00000002 08 09"],
	[{ kind: "goodbye", reason: "secret" }, "00000002 08 0a"],
];

test.each(FRAMES)("frame $kind", (frame, wire) => {
	const bytes = fromHex(wire);
	expect(toHex(encodeFrame(frame, LIMIT))).toBe(toHex(bytes));
	expect(decodeFrame(bytes.subarray(4))).toEqual(frame);
});

test.each([
	["no kind at all", ""],
	["an unknown kind", "0a"],
	["the last kind there could be", "ff"],
	["a ping with something in it", "0600"],
	["an identify that is cut short", `00 ${ID} 04 c0000201 1b58 0102030405`],
	["an identify with trailing bytes", `00 ${ID} 04 c0000201 1b58 010203040506 00 00`],
	["a standing that there is not", `00 ${ID} 04 c0000201 1b58 010203040506 02`],
	["a request without a budget", "01 00000001 aabbccdd"],
	["a response without a number", "02 000000"],
	["a failure for no known reason", "03 00000002 04 00"],
	["an explanation of more than 200 bytes", `03 00000002 00 c9 ${"61".repeat(201)}`],
	["a cancel with trailing bytes", "04 00000003 00"],
	["a notice without a tag", "05 aabbcc"],
	["a goodbye for no known reason", "08 0b"],
])("%s is malformed", (_name, wire) => {
	expect(() => decodeFrame(fromHex(wire))).toThrow(
		expect.objectContaining({ name: "ChordError", code: "MALFORMED" }),
	);
});

const NETWORK = "22".repeat(32);
const HELLO = `434943414441 01 0028 0001 0001 ${NETWORK} 00000000`;
const hello: Opening = {
	kind: "hello",
	oldest: 1,
	newest: 1,
	network: fromHex(NETWORK),
	features: 0,
};

test("a hello", () => {
	expect(toHex(encodeOpening(hello))).toBe(toHex(fromHex(HELLO)));
	expect(decodeOpening(fromHex(HELLO))).toEqual({ opening: hello, length: 49 });
});

test.each([
	["protocol", "00"],
	["version", "01"],
	["network", "02"],
	["full", "03"],
] as const)("a refusal for the reason %s", (reason, byte) => {
	const wire = fromHex(`434943414441 02 0005 ${byte} 0002 6e6f`);
	const refusal: Opening = { kind: "refusal", reason, explanation: "no" };
	expect(toHex(encodeOpening(refusal))).toBe(toHex(wire));
	expect(decodeOpening(wire)).toEqual({ opening: refusal, length: 14 });
});

test("a later version's hello may say more: what is known is read, what follows is passed over", () => {
	const wire = fromHex(`434943414441 01 002b 0001 0009 ${NETWORK} 00000001 abcdef`);
	expect(decodeOpening(concat(wire, utf8("frames")))).toEqual({
		opening: { ...hello, newest: 9, features: 1 },
		length: 52,
	});
});

test("an opening is waited for until it is whole", () => {
	const wire = fromHex(HELLO);
	for (let length = 0; length < wire.length; length++) {
		expect(decodeOpening(wire.subarray(0, length))).toBeUndefined();
	}
});

test.each([
	["one wrong byte, at once", "00"],
	["a wrong byte after the right ones", "43494341444200"],
	["an HTTP response", toHex(utf8("HTTP/1.1 400 Bad Request"))],
	["a length over the limit, at once", "434943414441 01 03f8"],
	["an unknown kind", "434943414441 03 0000"],
	["a hello that ends early", "434943414441 01 0002 0001"],
	["a refusal that ends early", "434943414441 02 0001 00"],
	["a refusal with trailing bytes", "434943414441 02 0004 00 0000 00"],
	["a refusal that is not UTF-8", "434943414441 02 0004 00 0001 ff"],
])("%s is incompatible", (_name, wire) => {
	expect(() => decodeOpening(fromHex(wire))).toThrow(
		expect.objectContaining({ name: "ChordError", code: "INCOMPATIBLE" }),
	);
});

test("an opening of 1024 bytes is one, of 1025 none", () => {
	const fields = `0001 0001 ${NETWORK} 00000000`;
	const longest = fromHex(`434943414441 01 03f7 ${fields} ${"00".repeat(975)}`);
	expect(longest).toHaveLength(1_024);
	expect(decodeOpening(longest)?.length).toBe(1_024);
});

const address = fc.record({
	host: fc.oneof(fc.ipV4(), fc.constant("2001:db8::1")),
	port: fc.integer({ min: 1, max: 65_535 }),
});
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bits = fc.uint8Array({ maxLength: 60 });
const anyFrame: fc.Arbitrary<Frame<Uint8Array>> = fc.oneof(
	fc.record({
		kind: fc.constant("identify" as const),
		contact: fc
			.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), address, fc.maxSafeNat())
			.map(
				([hashed, at, life]) =>
					new Contact(idOf(new Hash({ hashed })), at, (life % (2 ** 48 - 1)) + 1),
			),
		standing: fc.constantFrom("member" as const, "outside" as const),
	}),
	fc.record({
		kind: fc.constant("request" as const),
		call: u32,
		tag: u32,
		budget: u32,
		body: bits,
	}),
	fc.record({ kind: fc.constant("response" as const), call: u32, body: bits }),
	fc.record({
		kind: fc.constant("failure" as const),
		call: u32,
		reason: fc.constantFrom("notHandled" as const, "failed" as const),
		explanation: fc.string({ maxLength: 60 }),
	}),
	fc.record({ kind: fc.constant("cancel" as const), call: u32 }),
	fc.record({ kind: fc.constant("notice" as const), tag: u32, body: bits }),
	fc.constant({ kind: "ping" as const }),
);

test("any frame is read as it was written", () => {
	fc.assert(
		fc.property(anyFrame, (frame) => {
			const wire = encodeFrame(frame, LIMIT);
			expect(decodeFrame(wire.subarray(4))).toEqual(frame);
		}),
		cases(10_000),
	);
});

test("frames and openings that were tampered with are read, or refused with the package's own error", () => {
	const change = fc.tuple(fc.nat(120), fc.nat(255), fc.option(fc.nat(120)));
	const openings = fc.constantFrom(fromHex(HELLO), fromHex("434943414441 02 0005 00 0002 6e6f"));
	fc.assert(
		fc.property(
			fc.oneof(
				anyFrame.map((frame) => encodeFrame(frame, LIMIT).slice(4)),
				openings,
			),
			fc.array(change, { minLength: 1, maxLength: 3 }),
			(bytes, changes) => {
				let wire = bytes.slice();
				for (const [at, to, end] of changes) {
					wire[at % Math.max(1, wire.length)] = to;
					if (end !== null) wire = wire.slice(0, end);
				}
				const codes = [() => decodeFrame(wire), () => decodeOpening(wire)].map((read) => {
					try {
						read();
						return "";
					} catch (error) {
						return error instanceof ChordError ? error.code : String(error);
					}
				});
				expect(["", "MALFORMED"]).toContain(codes[0]);
				expect(["", "INCOMPATIBLE"]).toContain(codes[1]);
			},
		),
		cases(10_000),
	);
});
