import { createHash, randomBytes } from "node:crypto";

import type { Random } from "../ports.ts";

/** SHA-256 (FIPS 180-4); a string is hashed as UTF-8. */
export function sha256(value: string | Uint8Array): Uint8Array {
	return new Uint8Array(createHash("sha256").update(value).digest());
}

/** The operating system's randomness. */
export const systemRandom: Random = {
	next: () => Math.random(),
	bytes: (length) => new Uint8Array(randomBytes(length)),
};
