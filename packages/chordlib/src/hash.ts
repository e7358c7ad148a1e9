import { ChordError } from "./errors.ts";
import { type Id, idFromBigInt, idFromBytes, writeIdBytes } from "./id.ts";
import { sha256 } from "./node/crypto.ts";

const LENGTH = 32;
const LIMIT = 1n << 256n;

/**
 * A position on the ring: a SHA-256 digest (FIPS 180-4) of a value, or a digest whose value is not known.
 *
 * @example
 * ```ts
 * new Hash({ value: "hello" }).toString(); // "2cf24dba…"
 * new Hash({ hashed: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" });
 * ```
 */
export class Hash {
	/** What was hashed; `undefined` when only the digest is known. */
	readonly value: string | Uint8Array | undefined;
	readonly #id: Id;
	/** The same as a number, once it was asked for. */
	#number: bigint | undefined;

	/**
	 * `hashed` is 32 bytes, a bigint below 2^256, 64 hexadecimal digits, or any other 1 to 78 decimal digits.
	 * @throws ChordError `INVALID_HASH` for everything else, and for both fields or none.
	 */
	constructor(source: { value: string | Uint8Array } | { hashed: Uint8Array | string | bigint }) {
		const { value, hashed } = fields(source);
		if (value !== undefined) {
			this.value = typeof value === "string" ? value : new Uint8Array(value);
			this.#id = idFromBytes(sha256(value));
		} else {
			this.#id = parseDigest(hashed);
		}
	}

	/** The 32 bytes, big-endian; a copy. */
	get bytes(): Uint8Array {
		const bytes = new Uint8Array(LENGTH);
		writeIdBytes(this.#id, bytes);
		return bytes;
	}

	/** The digest as a number. */
	toBigInt(): bigint {
		this.#number ??= BigInt(`0x${this.#id}`);
		return this.#number;
	}

	/** 64 lower-case hexadecimal digits. */
	toString(): string {
		return this.#id;
	}

	/** True when both have the same digest. */
	equals(other: Hash): boolean {
		return this.#id === other.#id;
	}

	/** Orders as numbers do. */
	compare(other: Hash): -1 | 0 | 1 {
		if (this.#id === other.#id) return 0;
		return this.#id < other.#id ? -1 : 1;
	}

	/** How far it is clockwise from here to `other`, modulo 2^256. */
	distanceTo(other: Hash): bigint {
		const distance = other.toBigInt() - this.toBigInt();
		return distance < 0n ? distance + LIMIT : distance;
	}
}

/** The hash at a position of which the digest is known. */
export function hashOf(id: Id): Hash {
	return new Hash({ hashed: id });
}

/** The position of a hash. */
export function idOf(hash: Hash): Id {
	return hash.toString() as Id;
}

function fields(source: unknown): { value?: string | Uint8Array; hashed?: unknown } {
	if (typeof source === "object" && source !== null) {
		const { value, hashed } = source as { value?: unknown; hashed?: unknown };
		if (value === undefined && hashed !== undefined) return { hashed };
		if (hashed === undefined && (typeof value === "string" || value instanceof Uint8Array)) {
			return { value };
		}
	}
	throw new ChordError(
		"INVALID_HASH",
		"a Hash takes either { value: string | Uint8Array } or { hashed: Uint8Array | string | bigint }",
	);
}

function parseDigest(hashed: unknown): Id {
	if (hashed instanceof Uint8Array && hashed.length === LENGTH) return idFromBytes(hashed);
	if (typeof hashed === "bigint" && hashed >= 0n && hashed < LIMIT) return idFromBigInt(hashed);
	if (typeof hashed === "string") {
		if (/^[0-9a-fA-F]{64}$/.test(hashed)) return hashed.toLowerCase() as Id;
		if (/^[0-9]{1,78}$/.test(hashed) && BigInt(hashed) < LIMIT) return idFromBigInt(BigInt(hashed));
	}
	throw new ChordError(
		"INVALID_HASH",
		"hashed must be 32 bytes, a bigint from 0 to 2^256 - 1, 64 hexadecimal digits, or its decimal digits",
	);
}
