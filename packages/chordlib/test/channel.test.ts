import { describe, expect, test } from "vitest";

import { type ChordError, CipherState, type Crypto, systemCrypto } from "../src/index.ts";
import { Channel } from "../src/secure/channel.ts";
import { concat, toHex, utf8 } from "./bytes.ts";

const KEY_BYTES = 32;
const forged: unknown = expect.objectContaining({ code: "FORGED" });
const key = (byte: number): Uint8Array => new Uint8Array(KEY_BYTES).fill(byte);

/** Two ends; `crypto` is that with which Alice seals. */
function link(crypto: Crypto = systemCrypto): { readonly alice: Channel; readonly bob: Channel } {
	const end = (name: "alice" | "bob"): Channel => {
		const [ours, theirs] = name === "alice" ? [key(1), key(2)] : [key(2), key(1)];
		const keys = {
			send: new CipherState(name === "alice" ? crypto : systemCrypto, ours),
			receive: new CipherState(systemCrypto, theirs),
		};
		return new Channel(keys);
	};
	return { alice: end("alice"), bob: end("bob") };
}

/** What records carry that come one after the other. */
function openAll(channel: Channel, records: readonly Uint8Array[]): Uint8Array {
	const contents: Uint8Array[] = [];
	for (const record of records) channel.push(record, (content) => contents.push(content) > 0);
	return concat(...contents);
}

test("a record carries 65,519 bytes, and what is more goes in the next", () => {
	const { alice, bob } = link();
	const bytes = Uint8Array.from({ length: 65_519 }, (_, index) => index % 251);
	const records = [bytes, concat(bytes, Uint8Array.of(7))].map((content) => alice.seal(content));
	expect(records.map((each) => each.map(({ length }) => length))).toEqual([
		[65_537],
		[65_537, 2 + 17],
	]);
	const whole = concat(bytes, bytes, Uint8Array.of(7));
	expect(Buffer.compare(openAll(bob, records.flat()), whole)).toBe(0);
	expect(alice.seal(new Uint8Array(0))).toEqual([]);
});

test("large records that arrive in parts, over several links at once, one after the other, are opened as they were", () => {
	const size = 60_000;
	const content = (byte: number): Uint8Array => new Uint8Array(size).fill(byte);
	const links = [1, 2, 3].map((byte) => {
		const { alice, bob } = link();
		const stream = concat(...alice.seal(content(byte)), ...alice.seal(content(10 * byte)));
		return { bob, stream, byte, opened: [] as Uint8Array[] };
	});
	for (const [from, to] of [
		[0, 30_000],
		[30_000, 90_000],
		[90_000, undefined],
	] as const) {
		for (const { bob, stream, opened } of links) {
			bob.push(stream.subarray(from, to), (record) => opened.push(record) > 0);
		}
	}
	for (const { byte, opened } of links) {
		expect(opened.map((record) => toHex(record))).toEqual(
			[byte, 10 * byte].map((each) => toHex(content(each))),
		);
	}
});

describe("of three records", () => {
	const three = (): ReturnType<typeof link> & { readonly records: readonly Uint8Array[] } => {
		const ends = link();
		const words = ["first", "second", "third"];
		return { ...ends, records: words.flatMap((word) => ends.alice.seal(utf8(word))) };
	};

	/** What comes out of a stream that may be broken, up to where it breaks. */
	const read = (bob: Channel, stream: Uint8Array): string => {
		let text = "";
		const push = (): void => {
			bob.push(stream, (content) => ((text += new TextDecoder().decode(content)), true));
		};
		try {
			push();
		} catch (error) {
			expect(["FORGED", "MALFORMED"]).toContain((error as ChordError).code);
		}
		return text;
	};

	test("no bit can be another: only what comes before it arrives", () => {
		const { records } = three();
		const stream = concat(...records);
		const [first = 0, second = 0, third = 0] = records.map(({ length }) => length);
		const ends = [first, first + second, first + second + third];
		expect(read(three().bob, stream)).toBe("firstsecondthird");
		for (let place = 0; place < stream.length; place++) {
			const before = ["first", "second", "third"].filter((_, index) => ends[index]! <= place);
			for (let bit = 0; bit < 8; bit++) {
				const altered = stream.with(place, stream[place]! ^ (1 << bit));
				expect(read(three().bob, altered)).toBe(before.join(""));
			}
			expect(read(three().bob, stream.subarray(0, place))).toBe(before.join(""));
		}
	});

	test.each([
		["left out", [1]],
		["repeated", [0, 0]],
		["moved", [0, 2]],
	])("none can be %s", (_what, order) => {
		const { bob, records } = three();
		const others = order.map((index) => records[index]!);
		expect(() => openAll(bob, others)).toThrow(forged);
	});

	test("none can be sent back", () => {
		const { alice, records } = three();
		expect(() => openAll(alice, records)).toThrow(forged);
	});
});

test("a record of more than the limit is refused before it has come", () => {
	const { alice, bob } = link();
	bob.limit = 10;
	expect(openAll(bob, alice.seal(utf8("ten bytes.")))).toEqual(utf8("ten bytes."));
	const [long = new Uint8Array(0)] = alice.seal(utf8("more than 10"));
	expect(() => openAll(bob, [long.subarray(0, 2)])).toThrow(
		expect.objectContaining({ code: "MALFORMED" }),
	);
});

test("keys change every 1,000 records, and no key seals two records under one number", () => {
	const used = new Map<string, Set<string>>();
	const { alice, bob } = link({
		...systemCrypto,
		seal: (secret, nonce, associated, plaintext, into) => {
			const nonces = used.get(toHex(secret)) ?? new Set();
			expect(nonces.has(toHex(nonce))).toBe(false);
			used.set(toHex(secret), nonces.add(toHex(nonce)));
			return systemCrypto.seal(secret, nonce, associated, plaintext, into);
		},
	});
	for (let count = 0; count < 2_500; count++) {
		expect(openAll(bob, alice.seal(utf8(String(count))))).toEqual(utf8(String(count)));
	}
	// The last number of all is the one that gives the next key: 1,000 records and it.
	expect([...used.values()].map(({ size }) => size)).toEqual([1_001, 1_001, 500]);
});
