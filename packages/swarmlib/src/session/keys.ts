import { Window } from "./window.ts";

/** What seals and opens one direction of a session, by number. chordlib's CipherState is one. */
export interface Cipher {
	encryptAt(number: number, plaintext: Uint8Array): Uint8Array;
	/** Throws when it does not open. */
	decryptAt(number: number, sealed: Uint8Array): Uint8Array;
	/** The same under the next key. */
	next(): Cipher;
}

/** What both ends of a handshake agree on. */
export interface Ciphers {
	readonly send: Cipher;
	readonly receive: Cipher;
}

/** Seals nothing: for simulations. */
export const inClear: Cipher = {
	encryptAt: (_number, plaintext) => plaintext,
	decryptAt: (_number, sealed) => sealed,
	next: () => inClear,
};

/** Messages of one direction that are sealed under one key: then comes the next. More than the replay window holds. */
export const REKEY = 4_096;

/** Numbers and seals what one end says in a session. */
export class Sealing {
	#cipher: Cipher;
	#next = 0;

	constructor(cipher: Cipher) {
		this.#cipher = cipher;
	}

	seal(plaintext: Uint8Array): { readonly number: number; readonly content: Uint8Array } {
		const number = this.#next++;
		if (number > 0 && number % REKEY === 0) this.#cipher = this.#cipher.next();
		return { number, content: this.#cipher.encryptAt(number, plaintext) };
	}
}

/**
 * Opens what the other end said, in any order, each once. Beside the key in use it keeps the one before, for what was
 * overtaken, and the one after, which comes into use when something opens under it.
 */
export class Opening {
	readonly #window = new Window();
	#epoch = 0;
	#before: Cipher | undefined;
	#current: Cipher;
	#after: Cipher;

	constructor(cipher: Cipher) {
		this.#current = cipher;
		this.#after = cipher.next();
	}

	/** What was sealed; or why there is nothing: it was opened before, or is too old to tell; or it was never sealed so. */
	open(number: number, content: Uint8Array): Uint8Array | "repeated" | "forged" {
		if (!this.#window.isFresh(number)) return "repeated";
		const ahead = Math.floor(number / REKEY) - this.#epoch;
		const cipher = [this.#before, this.#current, this.#after][ahead + 1];
		if (cipher === undefined) return "forged";
		let plaintext: Uint8Array;
		try {
			plaintext = cipher.decryptAt(number, content);
		} catch {
			return "forged";
		}
		this.#window.mark(number);
		if (ahead === 1) this.#advance();
		return plaintext;
	}

	#advance(): void {
		this.#epoch++;
		this.#before = this.#current;
		this.#current = this.#after;
		this.#after = this.#current.next();
	}
}
