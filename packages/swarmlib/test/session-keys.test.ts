import { CipherState, systemCrypto } from "@cicada/chordlib";
import { expect, test } from "vitest";

import { Opening, REKEY, Sealing } from "../src/session/keys.ts";
import { WINDOW, Window } from "../src/session/window.ts";

const factor = Number(process.env["CICADA_FACTOR"] ?? 1);
const key = Uint8Array.from({ length: 32 }, (_, index) => index);
const words = new TextEncoder().encode("words that only two know");

function ends(): { sealing: Sealing; opening: Opening } {
	const [from, to] = [new CipherState(systemCrypto, key), new CipherState(systemCrypto, key)];
	return { sealing: new Sealing(from), opening: new Opening(to) };
}

/** Chance from a seed. */
function chance(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state % below;
	};
}

test("a window tells numbers that came from those that did not, and takes none that is too old to tell", () => {
	for (let seed = 1; seed <= 3 * factor; seed++) {
		const next = chance(seed);
		const window = new Window();
		const come = new Set<number>();
		let highest = -1;
		for (let i = 0; i < 20_000; i++) {
			const number = Math.max(0, highest + 1 - next(2 * WINDOW) + next(8) * next(300));
			const fresh = !come.has(number) && number > highest - WINDOW;
			expect([seed, number, window.isFresh(number)]).toEqual([seed, number, fresh]);
			if (!fresh) continue;
			window.mark(number);
			come.add(number);
			highest = Math.max(highest, number);
		}
	}
});

test("the oldest number in a window is taken, the one before it is not", () => {
	const window = new Window();
	window.mark(WINDOW + 9);
	expect([window.isFresh(10), window.isFresh(9)]).toEqual([true, false]);
	window.mark(10);
	expect(window.isFresh(10)).toBe(false);
	window.mark(WINDOW * 40);
	expect(window.isFresh(WINDOW * 39 + 1)).toBe(true);
	expect(window.isFresh(WINDOW * 39)).toBe(false);
});

test("what is sealed opens in any order, each once, across changes of keys", () => {
	const { sealing, opening } = ends();
	const next = chance(7);
	const sealed = Array.from({ length: 3 * REKEY }, () => sealing.seal(words));
	// Each at most half a window from its place.
	const order = sealed
		.map((message, index) => ({ message, place: index + next(WINDOW / 2) }))
		.toSorted((a, b) => a.place - b.place)
		.map(({ message }) => message);
	for (const { number, content } of order) expect(opening.open(number, content)).toEqual(words);
	for (const { number, content } of order) expect(opening.open(number, content)).toBe("repeated");
});

test("a key is used for so many messages, and the next is that of the specification's REKEY", () => {
	const { sealing } = ends();
	const sealed = Array.from({ length: REKEY + 1 }, () => sealing.seal(words));
	const cipher = new CipherState(systemCrypto, key);
	const [last, first] = [sealed[REKEY - 1], sealed[REKEY]];
	if (last === undefined || first === undefined) throw new Error("too few");
	expect(cipher.decryptAt(REKEY - 1, last.content)).toEqual(words);
	expect(() => cipher.decryptAt(REKEY, first.content)).toThrow("sealed message");
	cipher.rekey();
	expect(cipher.decryptAt(REKEY, first.content)).toEqual(words);
});

test("messages are lost up to the end of the next key, and not beyond", () => {
	const sealed = (count: number) => {
		const { sealing, opening } = ends();
		let message = sealing.seal(words);
		for (let i = 1; i < count; i++) message = sealing.seal(words);
		return opening.open(message.number, message.content);
	};
	expect(sealed(2 * REKEY)).toEqual(words);
	expect(sealed(2 * REKEY + 1)).toBe("forged");
});

test("no byte, no number and no direction can be another", () => {
	const { sealing, opening } = ends();
	const { number, content } = sealing.seal(words);
	for (let place = 0; place < content.length; place++) {
		for (const flip of [1, 0x80]) {
			const altered = content.with(place, content[place]! ^ flip);
			expect(opening.open(number, altered)).toBe("forged");
		}
	}
	for (const other of [1, 2, WINDOW, REKEY, 2 ** 32, 2 ** 48 - 1]) {
		expect(opening.open(other, content)).toBe("forged");
	}
	expect(opening.open(number, content.subarray(1))).toBe("forged");
	expect(opening.open(number, new Uint8Array(0))).toBe("forged");
	// Nothing of that has changed what is taken.
	expect(opening.open(number, content)).toEqual(words);
});
