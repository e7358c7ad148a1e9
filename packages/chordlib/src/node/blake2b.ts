import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

const BLOCK = 128;
const DIGEST = 64;

/** Where a message is put together, and its hash written; a longer one has room of its own. */
const room = new Uint8Array(1_024);
const text = Buffer.from(room.buffer);
const inner = new Uint8Array(BLOCK);
const outer = new Uint8Array(BLOCK);

/**
 * BLAKE2b (RFC 7693) of all `parts` one after the other: 64 bytes.
 *
 * In one call, and as text: the objects that Node's `createHash` and its Buffers are take longer than a short hash does.
 */
export function blake2b(...parts: readonly Uint8Array[]): Uint8Array {
	let length = 0;
	for (const part of parts) length += part.length;
	const message = length <= room.length ? room : new Uint8Array(length);
	let offset = 0;
	for (const part of parts) {
		message.set(part, offset);
		offset += part.length;
	}
	text.write(hash("blake2b512", message.subarray(0, length), "binary"), "latin1");
	return room.slice(0, DIGEST);
}

/** HKDF (RFC 5869) with BLAKE2b and without info: `length` bytes, at most 16,320. */
export function hkdf(salt: Uint8Array, input: Uint8Array, length: number): Uint8Array {
	const secret = hmac(salt, input);
	const output = new Uint8Array(length);
	let block: Uint8Array = new Uint8Array(0);
	for (let offset = 0, count = 1; offset < length; offset += block.length, count++) {
		block = hmac(secret, block, Uint8Array.of(count));
		output.set(block.subarray(0, length - offset), offset);
	}
	return output;
}

/** HMAC (RFC 2104). */
function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
	const short = key.length > BLOCK ? blake2b(key) : key;
	inner.fill(0x36);
	outer.fill(0x5c);
	for (let index = 0; index < short.length; index++) {
		inner[index]! ^= short[index]!;
		outer[index]! ^= short[index]!;
	}
	return blake2b(outer, blake2b(inner, ...parts));
}
