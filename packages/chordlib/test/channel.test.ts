import { Simulation } from "@cicada/simnet";
import { describe, expect, test } from "vitest";

import {
	type ChordError,
	CipherState,
	type Clock,
	type Crypto,
	systemCrypto,
} from "../src/index.ts";
import { Channel } from "../src/secure/channel.ts";
import { concat, toHex, utf8 } from "./bytes.ts";

const KEY_BYTES = 32;
const forged: unknown = expect.objectContaining({ code: "FORGED" });
const key = (byte: number): Uint8Array => new Uint8Array(KEY_BYTES).fill(byte);

/** A clock whose deferred calls run when the test says so. */
class Turns {
	readonly #deferred: (() => void)[] = [];
	readonly clock: Clock = {
		...new Simulation({ seed: 1 }).host("host").clock,
		defer: (run) => {
			this.#deferred.push(run);
		},
	};

	end(): void {
		for (const run of this.#deferred.splice(0)) run();
	}
}

/** Two ends, and the records that they have sent; `crypto` is that with which Alice seals. */
function link(crypto: Crypto = systemCrypto): {
	readonly turns: Turns;
	readonly alice: Channel;
	readonly bob: Channel;
	readonly sent: { readonly alice: Uint8Array[]; readonly bob: Uint8Array[] };
} {
	const turns = new Turns();
	const sent: { alice: Uint8Array[]; bob: Uint8Array[] } = { alice: [], bob: [] };
	const end = (name: "alice" | "bob"): Channel => {
		const [ours, theirs] = name === "alice" ? [key(1), key(2)] : [key(2), key(1)];
		const keys = {
			send: new CipherState(name === "alice" ? crypto : systemCrypto, ours),
			receive: new CipherState(systemCrypto, theirs),
		};
		return new Channel(turns.clock, keys, (record) => sent[name].push(record));
	};
	return { turns, alice: end("alice"), bob: end("bob"), sent };
}

/** What records carry that come one after the other. */
function openAll(channel: Channel, records: readonly Uint8Array[]): Uint8Array {
	const contents: Uint8Array[] = [];
	for (const record of records) channel.push(record, (content) => contents.push(content) > 0);
	return concat(...contents);
}

test("all that is sent in one turn goes in one record", () => {
	const { turns, alice, bob, sent } = link();
	for (const word of ["one", "two", "three"]) alice.send(utf8(word));
	expect([sent.alice.length, alice.waiting]).toEqual([0, 11]);
	turns.end();
	expect([sent.alice.length, alice.waiting]).toEqual([1, 0]);
	expect(sent.alice[0]).toHaveLength(2 + 11 + 16);
	expect(openAll(bob, sent.alice)).toEqual(utf8("onetwothree"));
	turns.end();
	expect(sent.alice).toHaveLength(1);
});

test("a record carries 65,519 bytes, and what is more goes in the next", () => {
	const { turns, alice, bob, sent } = link();
	const bytes = Uint8Array.from({ length: 65_519 }, (_, index) => index % 251);
	alice.send(bytes.subarray(0, 65_518));
	expect(sent.alice).toHaveLength(0);
	alice.send(bytes.subarray(65_518));
	expect(sent.alice.map(({ length }) => length)).toEqual([65_537]);
	alice.send(concat(bytes, Uint8Array.of(7)));
	expect(sent.alice.map(({ length }) => length)).toEqual([65_537, 65_537, 2 + 17]);
	turns.end();
	const whole = concat(bytes, bytes, Uint8Array.of(7));
	expect(Buffer.compare(openAll(bob, sent.alice), whole)).toBe(0);
});

describe("of three records", () => {
	const three = (): ReturnType<typeof link> => {
		const ends = link();
		for (const word of ["first", "second", "third"]) {
			ends.alice.send(utf8(word));
			ends.alice.flush();
		}
		return ends;
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
		const stream = concat(...three().sent.alice);
		const [first = 0, second = 0, third = 0] = three().sent.alice.map(({ length }) => length);
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
		const { bob, sent } = three();
		const records = order.map((index) => sent.alice[index]!);
		expect(() => openAll(bob, records)).toThrow(forged);
	});

	test("none can be sent back", () => {
		const { alice, sent } = three();
		expect(() => openAll(alice, sent.alice)).toThrow(forged);
	});
});

test("a record of more than the limit is refused before it has come", () => {
	const { alice, bob, sent } = link();
	bob.limit = 10;
	alice.send(utf8("ten bytes."));
	alice.flush();
	expect(openAll(bob, sent.alice.splice(0))).toEqual(utf8("ten bytes."));
	alice.send(utf8("more than 10"));
	alice.flush();
	expect(() => openAll(bob, [sent.alice[0]!.subarray(0, 2)])).toThrow(
		expect.objectContaining({ code: "MALFORMED" }),
	);
});

test("keys change every 1,000 records, and no key seals two records under one number", () => {
	const used = new Map<string, Set<string>>();
	const { alice, bob, sent } = link({
		...systemCrypto,
		seal: (secret, nonce, associated, plaintext) => {
			const nonces = used.get(toHex(secret)) ?? new Set();
			expect(nonces.has(toHex(nonce))).toBe(false);
			used.set(toHex(secret), nonces.add(toHex(nonce)));
			return systemCrypto.seal(secret, nonce, associated, plaintext);
		},
	});
	for (let count = 0; count < 2_500; count++) {
		alice.send(utf8(String(count)));
		alice.flush();
		expect(openAll(bob, sent.alice.splice(0))).toEqual(utf8(String(count)));
	}
	// The last number of all is the one that gives the next key: 1,000 records and it.
	expect([...used.values()].map(({ size }) => size)).toEqual([1_001, 1_001, 500]);
});
