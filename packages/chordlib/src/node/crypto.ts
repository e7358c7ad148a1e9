import { Buffer } from "node:buffer";
import {
	type KeyObject,
	createCipheriv,
	createDecipheriv,
	createHash,
	createPrivateKey,
	createPublicKey,
	diffieHellman,
	randomBytes,
	scrypt,
	sign,
	verify,
} from "node:crypto";

import type { Crypto, KeyAgreement, Random, SigningKey } from "../ports.ts";
import { blake2b, hkdf } from "./blake2b.ts";

const TAG = 16;

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
		verify(undefined, message, verifying.get(publicKey), signature),

	verifyLater: (publicKey, message, signature) =>
		new Promise((resolve, reject) => {
			verify(undefined, message, verifying.get(publicKey), signature, (error, isValid) => {
				if (error) reject(error);
				else resolve(isValid);
			});
		}),

	blake2b,

	hkdf,

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
		this.publicKey = publicKeyOf(this.#key);
	}

	agree(publicKey: Uint8Array): Uint8Array | undefined {
		const remote = agreeing.get(publicKey);
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
		this.publicKey = publicKeyOf(this.#key);
	}

	sign(message: Uint8Array): Uint8Array {
		return plain(sign(undefined, message, this.#key));
	}
}

/** Public keys as Node wants them: which are used once are soon used again. */
class PublicKeys {
	readonly #crv: string;
	readonly #most: number;
	/** The one that was not used for the longest time first. */
	readonly #keys = new Map<string, KeyObject>();

	constructor(crv: string, most: number) {
		this.#crv = crv;
		this.#most = most;
	}

	get(publicKey: Uint8Array): KeyObject {
		const x = base64(publicKey);
		const jwk = { kty: "OKP", crv: this.#crv, x };
		const key = this.#keys.get(x) ?? createPublicKey({ key: jwk, format: "jwk" });
		this.#keys.delete(x);
		this.#keys.set(x, key);
		const [oldest] = this.#keys.keys();
		if (this.#keys.size > this.#most && oldest !== undefined) this.#keys.delete(oldest);
		return key;
	}
}

/** Who signs one thing soon signs another; a handshake uses each key once or twice, and then never again. */
const verifying = new PublicKeys("Ed25519", 256);
const agreeing = new PublicKeys("X25519", 4);

/** The public key that belongs to a private one. */
function publicKeyOf(key: KeyObject): Uint8Array {
	const { x = "" } = key.export({ format: "jwk" });
	return plain(Buffer.from(x, "base64url"));
}

function base64(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64url");
}

/** A plain array with the bytes to itself: the slice of a Buffer is not a copy, and small ones share a pool. */
function plain(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(bytes);
}
