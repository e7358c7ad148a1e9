import { Hash, type Identity, type Signed, encode } from "@cicada/chordlib";

import { EXCLUDED_LIMIT, type Header, type Statement, statement } from "./messages.ts";

const PURPOSE = "broadcast";
/** Bytes that are signed, at most. */
const LIMIT = 512 + 32 * EXCLUDED_LIMIT;

/** SHA-256. */
export function digestOf(payload: Uint8Array): Uint8Array {
	return new Hash({ value: payload }).bytes;
}

/** What the origin says, with its signature. */
export function sign(identity: Identity, said: Omit<Statement, "key" | "epoch">): Header {
	const whole = { ...said, key: identity.publicKey, epoch: identity.epoch };
	const signature = identity.sign(PURPOSE, encode(statement, whole, LIMIT));
	return { ...whole, signature };
}

/** What the owner of the key has to have signed, if it said all of it. */
export function signedBy(header: Header): Signed {
	const { key: publicKey, signature } = header;
	return { publicKey, purpose: PURPOSE, message: encode(statement, header, LIMIT), signature };
}

/** Whether these are the bytes that the origin signed. */
export function isPayload({ size, digest }: Statement, payload: Uint8Array): boolean {
	if (payload.length !== size) return false;
	return digestOf(payload).every((byte, index) => byte === digest[index]);
}

/** Whether the key is proven to be the origin's: where its id is the key's hash. */
export function isProven({ key, origin }: Statement): boolean {
	return new Hash({ value: key }).equals(origin);
}
