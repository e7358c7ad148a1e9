import { Buffer } from "node:buffer";
import {
	type KeyObject,
	createCipheriv,
	createDecipheriv,
	createHash,
	createHmac,
	createPrivateKey,
	createPublicKey,
	diffieHellman,
	randomBytes,
	scrypt,
	sign,
	verify,
} from "node:crypto";

import type { Crypto, KeyAgreement, Random, SigningKey } from "../ports.ts";

const TAG = 16;

/** Public keys that are kept ready to verify signatures with. */
const VERIFYING_KEYS = 256;

/** Takes 128 MiB, and about half a second. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 2 ** 20 };

/** SHA-256 (FIPS 180-4); a string is hashed as UTF-8. */
export function sha256(value: string | Uint8Array): Uint8Array {
	return plain(createHash("sha256").update(value).digest());
}

/** The operating system's randomness. */
export const systemRandom: Random = {
	next: () => Math.random(),
	bytes: (length) => plain(randomBytes(length)),
};

/** Node's cryptography, which is OpenSSL's. */
export const systemCrypto: Crypto = {
	agreement: (secret) => new X25519(secret),

	signing: (secret) => new Ed25519(secret),

	verify: (publicKey, message, signature) =>
		verify(undefined, message, verifyingKey(publicKey), signature),

	verifyLater: (publicKey, message, signature) =>
		new Promise((resolve, reject) => {
			verify(undefined, message, verifyingKey(publicKey), signature, (error, isValid) => {
				if (error) reject(error);
				else resolve(isValid);
			});
		}),

	blake2b: (...parts) => {
		const hash = createHash("blake2b512");
		for (const part of parts) hash.update(part);
		return plain(hash.digest());
	},

	hkdf: (salt, input, length) => {
		// As RFC 5869 says it: Node's own takes twice as long.
		const secret = hmac(salt, input);
		const output = new Uint8Array(length);
		let block: Uint8Array = new Uint8Array(0);
		for (let offset = 0, count = 1; offset < length; offset += block.length, count++) {
			block = hmac(secret, block, Uint8Array.of(count));
			output.set(block.subarray(0, length - offset), offset);
		}
		return output;
	},

	stretch: (passphrase, salt) =>
		new Promise((resolve, reject) => {
			// Accents may be typed as one character or as two: NFC makes them one.
			scrypt(passphrase.normalize("NFC"), salt, 32, SCRYPT, (error, key) => {
				if (error) reject(error);
				else resolve(plain(key));
			});
		}),

	seal: (key, nonce, associated, plaintext, into) => {
		const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG });
		cipher.setAAD(associated, { plaintextLength: plaintext.length });
		const sealed = into ?? new Uint8Array(plaintext.length + TAG);
		sealed.set(cipher.update(plaintext));
		cipher.final();
		sealed.set(cipher.getAuthTag(), plaintext.length);
		return sealed;
	},

	open: (key, nonce, associated, sealed) => {
		const length = sealed.length - TAG;
		if (length < 0) return undefined;
		const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG });
		decipher.setAAD(associated, { plaintextLength: length });
		decipher.setAuthTag(sealed.subarray(length));
		const plaintext = decipher.update(sealed.subarray(0, length));
		try {
			decipher.final();
		} catch {
			return undefined;
		}
		// It has its memory to itself.
		return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
	},
};

class X25519 implements KeyAgreement {
	readonly publicKey: Uint8Array;
	readonly #key: KeyObject;

	constructor(secret: Uint8Array) {
		// As a JSON Web Key (RFC 8037), which Node reads ten times faster than PKCS #8. It wants a public key there, and
		// then derives its own.
		const d = base64(secret);
		this.#key = createPrivateKey({
			key: { kty: "OKP", crv: "X25519", d, x: "" },
			format: "jwk",
		});
		const { x = "" } = createPublicKey(this.#key).export({ format: "jwk" });
		this.publicKey = plain(Buffer.from(x, "base64url"));
	}

	agree(publicKey: Uint8Array): Uint8Array | undefined {
		const key = { kty: "OKP", crv: "X25519", x: base64(publicKey) };
		const remote = createPublicKey({ key, format: "jwk" });
		try {
			return plain(diffieHellman({ privateKey: this.#key, publicKey: remote }));
		} catch {
			return undefined; // OpenSSL refuses points of low order, which give zero.
		}
	}
}

class Ed25519 implements SigningKey {
	readonly publicKey: Uint8Array;
	readonly #key: KeyObject;

	constructor(secret: Uint8Array) {
		const key = { kty: "OKP", crv: "Ed25519", d: base64(secret), x: "" };
		this.#key = createPrivateKey({ key, format: "jwk" });
		const { x = "" } = createPublicKey(this.#key).export({ format: "jwk" });
		this.publicKey = plain(Buffer.from(x, "base64url"));
	}

	sign(message: Uint8Array): Uint8Array {
		return plain(sign(undefined, message, this.#key));
	}
}

/** Keys as Node wants them, the one that was longest not used first: who signs one thing soon signs another. */
const verifyingKeys = new Map<string, KeyObject>();

function verifyingKey(publicKey: Uint8Array): KeyObject {
	const x = base64(publicKey);
	const key =
		verifyingKeys.get(x) ??
		createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
	verifyingKeys.delete(x);
	verifyingKeys.set(x, key);
	const [oldest] = verifyingKeys.keys();
	if (verifyingKeys.size > VERIFYING_KEYS && oldest !== undefined) verifyingKeys.delete(oldest);
	return key;
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
	const code = createHmac("blake2b512", key);
	for (const part of parts) code.update(part);
	return code.digest();
}

function base64(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64url");
}

/** A plain array with the bytes to itself: the slice of a Buffer is not a copy, and small ones share a pool. */
function plain(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(bytes);
}
