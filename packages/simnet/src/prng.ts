import type { Random } from "./ports.ts";

/** Spreads the bits of a 32-bit integer (the finaliser of MurmurHash3). */
function mix(value: number): number {
	let h = value | 0;
	h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
	return (h ^ (h >>> 16)) >>> 0;
}

/** A 32-bit integer that follows from integers alone, in their order. */
export function hashOf(seed: number, a: number, b = 0, c = 0): number {
	let h = mix(seed ^ 0x9e3779b9);
	h = mix(Math.imul(h, 31) + a + 0x9e3779b9);
	h = mix(Math.imul(h, 31) + b + 0x9e3779b9);
	return mix(Math.imul(h, 31) + c + 0x9e3779b9);
}

/** The 32-bit integer that a seed stands for. No two integers below 2^32 share one. */
export function seedOf(seed: number | string): number {
	if (typeof seed === "number" && seed >>> 0 === seed) return mix(seed + 1);
	const text = String(seed);
	let h = 0x811c9dc5;
	for (let i = 0; i < text.length; i++) {
		h = mix(Math.imul(h ^ text.charCodeAt(i), 0x01000193) + i);
	}
	return h;
}

/**
 * Seeded chance: Chris Doty-Humphrey's sfc32, 128 bits of state, a period of at least 2^32.
 * Streams that are made from different words are independent of each other for all that a test can tell.
 */
export class SeededRandom implements Random {
	#a: number;
	#b: number;
	#c: number;
	#counter: number;

	/** The stream of `seed` that two integers, 0 by default, tell from its others. */
	constructor(seed: number | string, a = 0, b = 0) {
		const base = seedOf(seed);
		this.#a = hashOf(base, 1, a, b) | 0;
		this.#b = hashOf(base, 2, a, b) | 0;
		this.#c = hashOf(base, 3, a, b) | 0;
		this.#counter = 1;
		for (let i = 0; i < 12; i++) this.integer();
	}

	/** An integer in [0, 2^32). */
	integer(): number {
		const sum = (this.#a + this.#b + this.#counter) | 0;
		this.#counter = (this.#counter + 1) | 0;
		this.#a = this.#b ^ (this.#b >>> 9);
		this.#b = (this.#c + (this.#c << 3)) | 0;
		this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
		return sum >>> 0;
	}

	/** A number in [0, 1), with 32 bits of it random. */
	next(): number {
		return this.integer() / 4294967296;
	}

	/** `length` bytes, which follow from the seed like all else. */
	bytes(length: number): Uint8Array {
		const bytes = new Uint8Array(length);
		for (let i = 0; i < length; i += 4) {
			const word = this.integer();
			for (let j = i; j < i + 4 && j < length; j++) bytes[j] = word >>> (8 * (j - i));
		}
		return bytes;
	}
}
