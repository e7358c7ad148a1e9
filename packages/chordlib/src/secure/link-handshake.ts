import { ChordError } from "../errors.ts";
import type { Crypto, KeyAgreement, Random } from "../ports.ts";
import { concat } from "../wire/concat.ts";
import type { CipherState } from "./cipher-state.ts";
import { Handshake } from "./noise.ts";
import type { NodeRecord } from "./record.ts";

/** What a node proves with on its links who it is, and asks of others. */
export interface LinkSecurity {
	readonly crypto: Crypto;
	readonly random: Random;
	/** The node's static key. */
	key(): KeyAgreement;
	/** Who holds it, signed. */
	record(): Uint8Array;
	/** Reads the other end's record, and checks that its key has signed it. @throws ChordError `MALFORMED`, `FORGED` */
	open(record: Uint8Array): NodeRecord;
	/** The network's keys, 32 bytes each: we dial with the first, and accept all. None: the network is open. */
	secrets(): readonly Uint8Array[];
}

/** What a handshake has come to. */
export interface Outcome {
	/** Who the other end is: it has proven that it holds the record's keys. */
	readonly record: NodeRecord;
	/** The network's key that both ends used; `undefined` in an open network. */
	readonly secret: Uint8Array | undefined;
	/** What seals the link. */
	readonly send: CipherState;
	readonly receive: CipherState;
}

/**
 * How the two ends of a link prove to each other who they are: `Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b`, and `Noise_XX_…` in an
 * open network. The dialler's hello is the prologue.
 *
 * ```text
 * dialler   psk e                                             ->
 *                <- e ee s es {the acceptor's hello and record}   acceptor
 *           s se {the dialler's record}                       ->
 * ```
 *
 * The first message is sealed under the secret alone: a stranger is refused before the acceptor does any
 * Diffie-Hellman for him.
 */
export class LinkHandshake {
	readonly #security: LinkSecurity;
	readonly #dialled: boolean;
	readonly #prologue: Uint8Array;
	#noise: Handshake | undefined;
	#secret: Uint8Array | undefined;
	#record: NodeRecord | undefined;

	constructor(security: LinkSecurity, dialled: boolean, diallersHello: Uint8Array) {
		this.#security = security;
		this.#dialled = dialled;
		this.#prologue = diallersHello;
	}

	/** The dialler's first message. */
	begin(): Uint8Array {
		[this.#secret] = this.#security.secrets();
		this.#noise = this.#start(this.#secret);
		return this.#noise.write();
	}

	/**
	 * Takes the other end's next message; gives what to answer.
	 * @throws ChordError `FORGED`; `MALFORMED` for a record that makes no sense; `INCOMPATIBLE` for a dialler that does not
	 * know the secret, or has one where there is none
	 */
	take(message: Uint8Array, acceptorsHello: Uint8Array): Uint8Array | undefined {
		if (this.#noise === undefined) {
			this.#noise = this.#recognise(message);
			return this.#noise.write(concat([acceptorsHello, this.#security.record()]));
		}
		const payload = this.#noise.read(message);
		if (!this.#dialled) {
			this.#meet(payload);
			return undefined;
		}
		// Its hello came in clear: here it says again what it said.
		if (acceptorsHello.some((byte, index) => byte !== payload[index])) {
			throw new ChordError("FORGED", "its hello was changed on the way");
		}
		this.#meet(payload.subarray(acceptorsHello.length));
		return this.#noise.write(this.#security.record());
	}

	/** What the handshake has come to; `undefined` until it is done. */
	get outcome(): Outcome | undefined {
		const record = this.#record;
		if (this.#noise?.done !== true || record === undefined) return undefined;
		return { record, secret: this.#secret, ...this.#noise.split() };
	}

	#start(psk: Uint8Array | undefined): Handshake {
		const { crypto, random } = this.#security;
		return new Handshake({
			pattern: psk === undefined ? "XX" : "XXpsk0",
			initiator: this.#dialled,
			crypto,
			random,
			prologue: this.#prologue,
			staticKey: this.#security.key(),
			psk,
		});
	}

	/** Reads a dialler's first message under the secret that it fits. */
	#recognise(message: Uint8Array): Handshake {
		const secrets = this.#security.secrets();
		for (const secret of secrets.length === 0 ? [undefined] : secrets) {
			const noise = this.#start(secret);
			try {
				// Nothing is said in it. What is more than a key, where there is no secret, is sealed under one.
				if (noise.read(message).length > 0) continue;
			} catch {
				continue;
			}
			this.#secret = secret;
			return noise;
		}
		throw new ChordError("INCOMPATIBLE", "its first message is not under this network's secret");
	}

	#meet(bytes: Uint8Array): void {
		const record = this.#security.open(bytes);
		const { remoteStatic } = this.#noise ?? {};
		if (record.exchangeKey.some((byte, index) => byte !== remoteStatic?.[index])) {
			throw new ChordError("FORGED", "its record is that of another key");
		}
		this.#record = record;
	}
}
