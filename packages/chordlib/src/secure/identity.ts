import { ChordError } from "../errors.ts";
import { Hash } from "../hash.ts";
import { systemCrypto, systemRandom } from "../node/crypto.ts";
import type { Crypto, KeyAgreement, Random, SigningKey } from "../ports.ts";

/** Bytes of a secret key, and of a public one. */
export const KEY_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;

/** What an identity consists of; whoever has it is that node. */
export interface IdentitySecrets {
	/** Ed25519 (RFC 8032), 32 bytes. */
	readonly signing: Uint8Array;
	/** X25519 (RFC 7748), 32 bytes. Another key than that for signatures: neither is ever used as the other. */
	readonly exchange: Uint8Array;
	/** How many programs have begun with this identity, from 1 to 2^32 - 1. */
	readonly epoch: number;
}

/**
 * Who a node is: a key to sign with, and a key for its encrypted links. A signed record binds the two. The secrets
 * cannot be read from it.
 *
 * A new one for each start of the program by `Identity.create()`; one that stays the same by `loadIdentity`.
 */
export class Identity {
	/** The Ed25519 public key, 32 bytes: the node is known by it. */
	readonly publicKey: Uint8Array;
	/** The X25519 key pair: the static key of the node's Noise handshakes. */
	readonly exchange: KeyAgreement;
	/**
	 * Counts the programs that have begun with this identity. Who signs numbered messages puts it before the number:
	 * so none is given twice, however often the program starts and wherever the clock is set.
	 */
	readonly epoch: number;
	readonly #key: SigningKey;

	/** @throws ChordError `INVALID_ARGUMENT` */
	constructor({ signing, exchange, epoch }: IdentitySecrets, crypto: Crypto = systemCrypto) {
		for (const secret of [signing, exchange]) {
			if (!(secret instanceof Uint8Array) || secret.length !== KEY_LENGTH) {
				throw new ChordError("INVALID_ARGUMENT", "a secret key is a Uint8Array of 32 bytes");
			}
		}
		if (!Number.isInteger(epoch) || epoch < 1 || epoch >= 2 ** 32) {
			throw new ChordError("INVALID_ARGUMENT", "an epoch is an integer from 1 to 2^32 - 1");
		}
		this.#key = crypto.signing(signing);
		this.publicKey = this.#key.publicKey;
		this.exchange = crypto.agreement(exchange);
		this.epoch = epoch;
	}

	/** A new identity, which is gone when the program ends. */
	static create(random: Random = systemRandom, crypto: Crypto = systemCrypto): Identity {
		return new Identity(newSecrets(random), crypto);
	}

	/** SHA-256 of the public key: the id of a node that is known by its key, not by its address. */
	get hash(): Hash {
		return new Hash({ value: this.publicKey });
	}

	/**
	 * Signs `message`: 64 bytes. A signature for one `purpose` is none for any other.
	 * @throws ChordError `INVALID_ARGUMENT` for a purpose that is not 1 to 64 printable ASCII characters
	 */
	sign(purpose: string, message: Uint8Array): Uint8Array {
		return this.#key.sign(statement(purpose, message));
	}
}

/** True when the owner of `publicKey` signed `message` for `purpose` by {@link Identity.sign}. */
export function verifySignature(crypto: Crypto, signed: Signed): boolean {
	const { publicKey, purpose, message, signature } = signed;
	return canBeSigned(signed) && crypto.verify(publicKey, statement(purpose, message), signature);
}

/** The same as {@link verifySignature}, on another thread. What is `signed` must not be changed meanwhile. */
export async function verifySignatureLater(crypto: Crypto, signed: Signed): Promise<boolean> {
	const { publicKey, purpose, message, signature } = signed;
	if (!canBeSigned(signed)) return false;
	return crypto.verifyLater(publicKey, statement(purpose, message), signature);
}

function canBeSigned({ publicKey, signature }: Signed): boolean {
	return publicKey.length === KEY_LENGTH && signature.length === SIGNATURE_LENGTH;
}

/** A message, what it was signed for, by whom, and the signature. */
export interface Signed {
	/** Ed25519, 32 bytes. */
	readonly publicKey: Uint8Array;
	/** 1 to 64 printable ASCII characters. */
	readonly purpose: string;
	/** What was signed. */
	readonly message: Uint8Array;
	/** 64 bytes. */
	readonly signature: Uint8Array;
}

/** The secrets of a new identity. */
export function newSecrets(random: Random): IdentitySecrets {
	return { signing: random.bytes(KEY_LENGTH), exchange: random.bytes(KEY_LENGTH), epoch: 1 };
}

const utf8 = new TextEncoder();

/** What is signed: a line that says what for, ended by a zero, then the message. */
function statement(purpose: string, message: Uint8Array): Uint8Array {
	if (typeof purpose !== "string" || !/^[ -~]{1,64}$/.test(purpose)) {
		throw new ChordError("INVALID_ARGUMENT", "a purpose is 1 to 64 printable ASCII characters");
	}
	const head = utf8.encode(`cicada ${purpose}\0`);
	const whole = new Uint8Array(head.length + message.length);
	whole.set(head);
	whole.set(message, head.length);
	return whole;
}
