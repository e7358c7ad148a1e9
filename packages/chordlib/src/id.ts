/**
 * Positions on the ring as the protocol handles them: 64 lower-case hexadecimal digits. Such strings
 * order like the numbers that they stand for, compare natively and serve as map keys.
 */
export type Id = string & { readonly __brand: "Id" };

const BITS = 256;
const DIGITS = 64;
const ZERO = 48;
const LETTER = 87;

const digits: number[] = Array.from({ length: DIGITS }, () => 0);

/** The id whose 32 big-endian bytes start at `offset`. */
export function idFromBytes(bytes: Uint8Array, offset = 0): Id {
	for (let i = 0; i < 32; i++) {
		const byte = bytes[offset + i]!;
		const high = byte >> 4;
		const low = byte & 15;
		digits[i * 2] = high < 10 ? ZERO + high : LETTER + high;
		digits[i * 2 + 1] = low < 10 ? ZERO + low : LETTER + low;
	}
	return String.fromCharCode.apply(undefined, digits) as Id;
}

/** Writes the id's 32 big-endian bytes at `offset`. */
export function writeIdBytes(id: Id, to: Uint8Array, offset = 0): void {
	for (let i = 0; i < 32; i++) {
		to[offset + i] = (nibble(id.charCodeAt(i * 2)) << 4) | nibble(id.charCodeAt(i * 2 + 1));
	}
}

function nibble(code: number): number {
	return code < LETTER ? code - ZERO : code - LETTER;
}

/** The id of a number in [0, 2^256). */
export function idFromBigInt(value: bigint): Id {
	return value.toString(16).padStart(DIGITS, "0") as Id;
}

/** True when `x` lies strictly between `a` and `b`, clockwise. From `a` round to itself lies everything but `a`. */
export function between(a: Id, x: Id, b: Id): boolean {
	if (a < b) return a < x && x < b;
	if (a === b) return x !== a;
	return a < x || x < b;
}

/** True when `x` lies in the arc (a, b]: what `b` owns when `a` is its predecessor. */
export function inArc(a: Id, x: Id, b: Id): boolean {
	return x === b || between(a, x, b);
}

/** How far it is from `from` clockwise to `to`, as a part of the circle; to about 15 decimal places. */
export function arcLength(from: Id, to: Id): number {
	const length = place(to) - place(from);
	return length < 0 ? length + 1 : length;
}

/** The leading 48 bits. */
const PLACE_DIGITS = 12;
const PLACES = 16 ** PLACE_DIGITS;

function place(id: Id): number {
	return Number.parseInt(id.slice(0, PLACE_DIGITS), 16) / PLACES;
}

/** How many fingers there are: two for each power of two. */
export const FINGERS: number = 2 * BITS;

/**
 * Where the interval of a finger starts: for the even ones 2^i clockwise of `id`, for the odd ones one and a half times
 * as far. It ends where that of the next finger starts.
 */
export function fingerStart(id: Id, finger: number): Id {
	const power = Math.floor(finger / 2);
	const start = plusPower(id, power);
	return finger % 2 === 1 && power > 0 ? plusPower(start, power - 1) : start;
}

/** 2^`power` clockwise of `id`, digit by digit: far fingers change few. */
function plusPower(id: Id, power: number): Id {
	let place = DIGITS - 1 - Math.floor(power / 4);
	let digit = nibble(id.charCodeAt(place)) + (1 << (power % 4));
	let carried = "";
	while (digit > 15 && place > 0) {
		carried = (digit - 16).toString(16) + carried;
		place--;
		digit = nibble(id.charCodeAt(place)) + 1;
	}
	return (id.slice(0, place) +
		(digit & 15).toString(16) +
		carried +
		id.slice(place + 1 + carried.length)) as Id;
}
