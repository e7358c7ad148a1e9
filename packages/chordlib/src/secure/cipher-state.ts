import { ChordError } from "../errors.ts";
import type { Crypto } from "../ports.ts";

/** The longest message, of a handshake or after it, that Noise allows, in bytes. */
export const LONGEST_MESSAGE = 65_535;

/** What sealing adds to a message, in bytes. */
export const TAG = 16;

/** The size of every key, in bytes. */
export const KEY = 32;

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * A key and the count of what was sealed under it (the specification's CipherState). On a link, where messages
 * arrive in order, `encrypt` and `decrypt` count by themselves. Where they may be lost or overtake each other,
 * `encryptAt` and `decryptAt` take the number, which goes beside the message; they do not touch the count.
 */
export class CipherState {
	readonly #crypto: Crypto;
	readonly #nonce = new Uint8Array(12);
	#key: Uint8Array;
	#count = 0;

	/** For a key of 32 bytes. {@link Handshake.split} makes what is needed usually. */
	constructor(crypto: Crypto, key: Uint8Array) {
		this.#crypto = crypto;
		this.#key = checkKey("key", key);
	}

	/** Messages that were sealed, or opened, by count. */
	get count(): number {
		return this.#count;
	}

	/**
	 * Seals the next message: `plaintext` and 16 bytes more. `associated` is what the other end has to give too. It is written
	 * `into` just so many bytes where those are given.
	 * @throws ChordError `TOO_LARGE` for more than 65,519 bytes, `INVALID_ARGUMENT` where `into` has another size
	 */
	encrypt(plaintext: Uint8Array, associated?: Uint8Array, into?: Uint8Array): Uint8Array {
		return this.encryptAt(this.#count++, plaintext, associated, into);
	}

	/**
	 * Opens the next message. One that does not open is not counted.
	 * @throws ChordError `FORGED` when it is not the next, was altered, or was sealed under another key
	 */
	decrypt(sealed: Uint8Array, associated?: Uint8Array): Uint8Array {
		const plaintext = this.decryptAt(this.#count, sealed, associated);
		this.#count++;
		return plaintext;
	}

	/**
	 * Seals message number `nonce`, an integer from 0 to 2^53 - 1. **Never use a number twice under one key**: that gives
	 * away both messages, and lets others forge more.
	 * @throws ChordError `INVALID_ARGUMENT` for any other number, `TOO_LARGE` for more than 65,519 bytes
	 */
	encryptAt(
		nonce: number,
		plaintext: Uint8Array,
		associated: Uint8Array = NOTHING,
		into?: Uint8Array,
	): Uint8Array {
		if (plaintext.length > LONGEST_MESSAGE - TAG) {
			throw new ChordError("TOO_LARGE", `${plaintext.length} bytes do not fit a Noise message`);
		}
		if (into !== undefined && into.length !== plaintext.length + TAG) {
			throw misused(`${plaintext.length} bytes cannot be sealed into ${into.length}`);
		}
		return this.#crypto.seal(this.#key, this.#at(nonce), associated, plaintext, into);
	}

	/**
	 * Opens message number `nonce`. Whether it has come before is for the caller to know.
	 * @throws ChordError `FORGED`; `INVALID_ARGUMENT` for a number that cannot be
	 */
	decryptAt(nonce: number, sealed: Uint8Array, associated: Uint8Array = NOTHING): Uint8Array {
		const plaintext =
			sealed.length > LONGEST_MESSAGE
				? undefined
				: this.#crypto.open(this.#key, this.#at(nonce), associated, sealed);
		if (plaintext === undefined) throw forged("it does not open");
		return plaintext;
	}

	/**
	 * Goes on to another key (section 11.3), from which the one before cannot be had. Both ends have to at the same
	 * message. The count goes on.
	 */
	rekey(): void {
		this.#key = this.#nextKey();
	}

	/**
	 * Another state, under the key that {@link rekey} goes on to, while this one keeps its own: for messages that overtake
	 * each other at the change of keys. It counts from 0.
	 */
	next(): CipherState {
		return new CipherState(this.#crypto, this.#nextKey());
	}

	/** Another state under the same key, as far as this one has come. */
	fork(): CipherState {
		const fork = new CipherState(this.#crypto, this.#key);
		fork.#count = this.#count;
		return fork;
	}

	#nextKey(): Uint8Array {
		this.#nonce.fill(0xff, 4);
		const sealed = this.#crypto.seal(this.#key, this.#nonce, NOTHING, new Uint8Array(KEY));
		return sealed.slice(0, KEY);
	}

	/** 32 zero bits and the number, 64 bits, little-endian. */
	#at(nonce: number): Uint8Array {
		if (!Number.isSafeInteger(nonce) || nonce < 0) throw misused(`${nonce} numbers no message`);
		let rest = nonce;
		for (let place = 4; place < 12; place++) {
			this.#nonce[place] = rest % 256;
			rest = Math.floor(rest / 256);
		}
		return this.#nonce;
	}
}

/** @throws ChordError `INVALID_ARGUMENT` unless `key` is one. */
export function checkKey(what: string, key: Uint8Array | undefined): Uint8Array {
	if (!(key instanceof Uint8Array) || key.length !== KEY) {
		throw misused(`${what} must be ${KEY} bytes`);
	}
	return key;
}

/** For what does not authenticate. */
export function forged(why: string): ChordError {
	return new ChordError("FORGED", `a sealed message is not what was sent: ${why}`);
}

/** For what the caller did wrong. */
export function misused(how: string): ChordError {
	return new ChordError("INVALID_ARGUMENT", `Noise: ${how}`);
}
