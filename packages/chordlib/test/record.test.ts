import fc from "fast-check";
import { expect, test } from "vitest";

import { Contact } from "../src/contact.ts";
import { idOf } from "../src/hash.ts";
import {
	type Address,
	ChordError,
	type Crypto,
	Hash,
	Identity,
	systemCrypto,
} from "../src/index.ts";
import {
	type NodeRecord,
	OpenedRecords,
	RECORD_LIFE,
	RECORD_LIMIT,
	isCurrent,
	openRecord,
	signRecord,
} from "../src/secure/record.ts";
import { concat, fromHex, toHex } from "./bytes.ts";
import { cases } from "./seeds.ts";

const NOW = 1_800_000_000;
const identity = new Identity({
	signing: new Uint8Array(32).fill(1),
	exchange: new Uint8Array(32).fill(2),
	epoch: 3,
});
const ADDRESS = { host: "192.0.2.1", port: 7000 };

function recordOf(hash: Hash, address: Address = ADDRESS): NodeRecord {
	const contact = new Contact(idOf(hash), address, 7);
	return signRecord(identity, contact, { sequence: 4, now: NOW });
}

const record = recordOf(new Hash({ value: "192.0.2.1:7000" }));

function codeOf(bytes: Uint8Array): string {
	try {
		openRecord(systemCrypto, bytes);
		return "accepted";
	} catch (error) {
		if (error instanceof ChordError) return error.code;
		throw error;
	}
}

test("a record on the wire", () => {
	const fields = [
		"01",
		record.contact.id,
		"04c0000201 1b58 000000000007",
		toHex(identity.publicKey),
		toHex(identity.exchange.publicKey),
		"00000003 00000004",
		(NOW + RECORD_LIFE).toString(16).padStart(12, "0"),
	].join("");
	const signature = identity.sign("record", fromHex(fields));
	expect(toHex(record.bytes)).toBe(toHex(concat(fromHex(fields), signature)));
});

test("the very same record is verified once, until 64 others have come", () => {
	let verified = 0;
	const crypto: Crypto = {
		...systemCrypto,
		verify: (...given) => {
			verified++;
			return systemCrypto.verify(...given);
		},
	};
	const opened = new OpenedRecords(crypto);
	const first = opened.open(record.bytes);
	expect(opened.open(record.bytes.slice())).toBe(first);
	expect(verified).toBe(1);
	const altered = record.bytes.slice();
	altered[altered.length - 1]! ^= 1;
	expect(() => opened.open(altered)).toThrow(expect.objectContaining({ code: "FORGED" }));
	expect(() => opened.open(altered)).toThrow(expect.objectContaining({ code: "FORGED" }));
	expect(verified).toBe(3);
	for (let count = 0; count < 63; count++)
		opened.open(recordOf(new Hash({ value: `${count}` })).bytes);
	expect(opened.open(record.bytes)).toBe(first);
	expect(verified).toBe(66);
	for (let count = 0; count < 64; count++)
		opened.open(recordOf(new Hash({ value: `${count}` })).bytes);
	opened.open(record.bytes);
	expect(verified).toBe(68);
});

test("what is read is what was signed", () => {
	const { contact, ...rest } = openRecord(systemCrypto, record.bytes);
	expect(contact.same(record.contact)).toBe(true);
	expect(contact.address).toEqual(ADDRESS);
	const { contact: _contact, ...signed } = record;
	expect(rest).toEqual(signed);
});

test("a record does not change with the packet that it came in", () => {
	const packet = new Uint8Array(record.bytes);
	const read = openRecord(systemCrypto, packet);
	packet.fill(0);
	expect(toHex(read.publicKey)).toBe(toHex(identity.publicKey));
	expect(toHex(read.bytes)).toBe(toHex(record.bytes));
});

test("the longest record has RECORD_LIMIT bytes", () => {
	const long = recordOf(new Hash({ value: "x" }), { host: "2001:db8::1", port: 65_535 });
	expect(long.bytes).toHaveLength(RECORD_LIMIT);
	expect(openRecord(systemCrypto, long.bytes).contact.address.host).toBe("2001:db8::1");
});

test.each([
	["the SHA-256 of the address", new Hash({ value: "192.0.2.1:7000" }), "address"],
	["that of another port", new Hash({ value: "192.0.2.1:7001" }), "data"],
	["that of the key", new Hash({ value: identity.publicKey }), "key"],
	["that of the other key", new Hash({ value: identity.exchange.publicKey }), "data"],
	["that of another's key", Identity.create().hash, "data"],
] as const)("an id that is %s has mode %s", (_name, hash, mode) => {
	expect(openRecord(systemCrypto, recordOf(hash).bytes).mode).toBe(mode);
});

test("a record with any one byte altered, missing or more is refused", () => {
	const { bytes } = record;
	for (let at = 0; at < bytes.length; at++) {
		for (const flip of [1, 0x80, 0xff]) {
			const altered = new Uint8Array(bytes);
			altered[at]! ^= flip;
			expect(codeOf(altered), `byte ${at} ^ ${flip}`).toMatch(/^(FORGED|MALFORMED)$/);
		}
		expect(codeOf(bytes.subarray(0, at))).toBe("MALFORMED");
	}
	expect(codeOf(concat(bytes, Uint8Array.of(0)))).toBe("MALFORMED");
});

test("another's signature over the same record is refused", () => {
	const said = record.bytes.subarray(0, -64);
	expect(codeOf(concat(said, Identity.create().sign("record", said)))).toBe("FORGED");
});

test("a signature for another purpose is none for a record", () => {
	const said = record.bytes.subarray(0, -64);
	expect(codeOf(concat(said, identity.sign("broadcast", said)))).toBe("FORGED");
});

test.each([
	["version 0", 0, "00"],
	["version 2", 0, "02"],
	["an address of no family", 33, "05"],
	["port 0", 38, "0000"],
	["incarnation 0", 40, "000000000000"],
])("%s is malformed, though well signed", (_name, at, hex) => {
	const said = record.bytes.slice(0, -64);
	said.set(fromHex(hex), at);
	expect(codeOf(concat(said, identity.sign("record", said)))).toBe("MALFORMED");
});

test("a record holds for two weeks, and never for more than four", () => {
	const { expires } = record;
	expect(expires - NOW).toBe(14 * 86_400);
	const holds = (now: number): boolean => isCurrent(record, now);
	expect(holds(NOW)).toBe(true);
	expect(holds(NOW - 86_400)).toBe(true);
	expect([holds(expires - 1), holds(expires)]).toEqual([true, false]);
	expect([holds(expires - 2 * RECORD_LIFE), holds(expires - 2 * RECORD_LIFE - 1)]).toEqual([
		true,
		false,
	]);
});

test("random and mutated bytes are refused, with this package's error", () => {
	const mutation = fc.array(fc.tuple(fc.nat(record.bytes.length - 1), fc.nat(255)), {
		minLength: 1,
		maxLength: 8,
	});
	fc.assert(
		fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutation), (input) => {
			const bytes = new Uint8Array(record.bytes);
			if (input instanceof Uint8Array) return codeOf(input) !== "accepted";
			for (const [at, value] of input) bytes[at] = value;
			return toHex(bytes) === toHex(record.bytes) || codeOf(bytes) !== "accepted";
		}),
		cases(500),
	);
});
