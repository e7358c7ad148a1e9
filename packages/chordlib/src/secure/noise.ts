/**
 * The Noise Protocol Framework, revision 34: handshakes in which two ends prove their static keys to
 * each other and agree on keys for what follows. One suite, `25519_ChaChaPoly_BLAKE2b`; the patterns
 * and modifiers of {@link HandshakePattern}.
 *
 * @see https://noiseprotocol.org/noise.html
 * @module
 */
import { ChordError } from "../errors.ts";
import type { Crypto, KeyAgreement, Random } from "../ports.ts";
import { concat } from "../wire/concat.ts";
import {
	CipherState,
	KEY,
	LONGEST_MESSAGE,
	TAG,
	checkKey,
	forged,
	misused,
} from "./cipher-state.ts";

const HASH = 64;
const NOTHING: Uint8Array = new Uint8Array(0);

type DhToken = "ee" | "es" | "se" | "ss";
type Token = "e" | "s" | "psk" | DhToken;

interface Pattern {
	/** Whose static keys the other end knows beforehand. */
	readonly known: readonly ("initiator" | "responder")[];
	/** The tokens of each message; the initiator sends the first, then they take turns. */
	readonly messages: string;
}

type PatternName = "N" | "NN" | "NK" | "NX" | "XK" | "XX" | "KK" | "IK";

/** Section 7 of the specification. */
const PATTERNS: Record<PatternName, Pattern> = {
	N: { known: ["responder"], messages: "e es" },
	NN: { known: [], messages: "e, e ee" },
	NK: { known: ["responder"], messages: "e es, e ee" },
	NX: { known: [], messages: "e, e ee s es" },
	XK: { known: ["responder"], messages: "e es, e ee, s se" },
	XX: { known: [], messages: "e, e ee s es, s se" },
	KK: { known: ["initiator", "responder"], messages: "e es ss, e ee se" },
	IK: { known: ["responder"], messages: "e es s ss, e ee se" },
};

/** A handshake pattern, with or without a pre-shared key at one of its places: `"XX"`, `"XXpsk0"`, … */
export type HandshakePattern = PatternName | `${PatternName}psk${0 | 1 | 2 | 3}`;

/** What a {@link Handshake} starts from. */
export interface HandshakeOptions {
	/** Which messages there are, and what they prove. */
	readonly pattern: HandshakePattern;
	/** Whether this end sends the first message. */
	readonly initiator: boolean;
	/** Such as `systemCrypto`. */
	readonly crypto: Crypto;
	/** Gives the ephemeral key. */
	readonly random: Random;
	/** What both ends know and have to agree on, if nothing else. */
	readonly prologue?: Uint8Array | undefined;
	/** This end's static key, where the pattern has one. */
	readonly staticKey?: KeyAgreement | undefined;
	/** The other end's static public key, 32 bytes, where the pattern knows it beforehand. */
	readonly remoteStatic?: Uint8Array | undefined;
	/**
	 * The pre-shared key, 32 bytes, where the pattern has one; or what gives it when its turn comes, for an end that
	 * learns only from the other's first message which one it is.
	 */
	readonly psk?: Uint8Array | (() => Uint8Array) | undefined;
}

/**
 * One end of a handshake (the specification's HandshakeState). The ends take turns to `write` and `read`
 * until both are `done`; then `split` gives what seals the messages that follow. A handshake that has failed
 * is of no more use: each further call throws.
 */
export class Handshake {
	readonly #options: HandshakeOptions;
	#symmetric: SymmetricState;
	#messages: Token[][];
	#ephemeral: KeyAgreement | undefined;
	#remoteEphemeral: Uint8Array | undefined;
	#remoteStatic: Uint8Array | undefined;
	#turn: "write" | "read" | "failed";

	/** @throws ChordError `INVALID_ARGUMENT` for an unknown pattern, or a key that is missing or not 32 bytes long */
	constructor(options: HandshakeOptions) {
		const { pattern, initiator, crypto, prologue = NOTHING, remoteStatic, staticKey } = options;
		const { known, messages } = patternOf(pattern);
		this.#options = options;
		this.#messages = messages;
		this.#turn = initiator ? "write" : "read";
		this.#symmetric = new SymmetricState(crypto, `Noise_${pattern}_25519_ChaChaPoly_BLAKE2b`);
		this.#symmetric.mixHash(prologue);
		for (const whose of known) {
			const own = (whose === "initiator") === initiator;
			if (!own) this.#remoteStatic = checkKey("remoteStatic", remoteStatic);
			const key = own ? staticKey?.publicKey : this.#remoteStatic;
			this.#symmetric.mixHash(checkKey("staticKey", key));
		}
		if (this.#usesPsk && typeof options.psk !== "function") checkKey("psk", options.psk);
	}

	/** True when all messages have been written and read. */
	get done(): boolean {
		return this.#messages.length === 0 && this.#turn !== "failed";
	}

	/** The other end's static public key, as far as it is known yet; proven once the handshake is done. */
	get remoteStatic(): Uint8Array | undefined {
		return this.#remoteStatic;
	}

	/** A hash of all that was said, 64 bytes: the same at both ends, and different for each handshake. */
	get hash(): Uint8Array {
		return new Uint8Array(this.#symmetric.hash);
	}

	/**
	 * The next message of this end, with `payload` in it. Who can read and forge a payload depends on the pattern
	 * and the message: section 7.7 of the specification.
	 * @throws ChordError `INVALID_ARGUMENT` when it is not this end's turn or a static key is missing, `TOO_LARGE`,
	 * `FORGED` when the other end's key was no proper one
	 */
	write(payload: Uint8Array = NOTHING): Uint8Array {
		return this.#step("write", (tokens) => {
			const parts: Uint8Array[] = [];
			for (const token of tokens) {
				if (token === "e") parts.push(this.#createEphemeral());
				else if (token === "s") parts.push(this.#symmetric.encrypt(this.#static().publicKey));
				else this.#mix(token);
			}
			parts.push(this.#symmetric.encrypt(payload));
			return checkLength(concat(parts));
		});
	}

	/**
	 * The payload of the other end's next message.
	 * @throws ChordError `FORGED` for a message that does not fit what was said before, or was altered;
	 * `INVALID_ARGUMENT` when it is not the other end's turn
	 */
	read(message: Uint8Array): Uint8Array {
		return this.#step("read", (tokens) => {
			if (message.length > LONGEST_MESSAGE) throw forged("it is too long");
			let rest = message;
			const take = (length: number): Uint8Array => {
				if (rest.length < length) throw forged("it is too short");
				const taken = rest.slice(0, length);
				rest = rest.subarray(length);
				return taken;
			};
			for (const token of tokens) {
				if (token === "e") this.#takeEphemeral(take(KEY));
				else if (token === "s") {
					const sealed = take(KEY + (this.#symmetric.sealing ? TAG : 0));
					this.#remoteStatic = this.#symmetric.decrypt(sealed);
				} else this.#mix(token);
			}
			return this.#symmetric.decrypt(rest);
		});
	}

	/**
	 * What seals this end's messages, and what opens the other's.
	 * @throws ChordError `INVALID_ARGUMENT` before the handshake is done
	 */
	split(): { readonly send: CipherState; readonly receive: CipherState } {
		if (!this.done) throw misused("split before the handshake is done");
		const [first, second] = this.#symmetric.split();
		return this.#options.initiator
			? { send: first, receive: second }
			: { send: second, receive: first };
	}

	/**
	 * Another end that stands where this one does. Where anybody can put a message in the other end's place, as over
	 * relays, read it with a fork: when it was forged, this one can still read the true one. A message is written once
	 * only, by the one or the other.
	 */
	fork(): Handshake {
		const fork = new Handshake(this.#options);
		fork.#symmetric = this.#symmetric.fork();
		fork.#messages = [...this.#messages];
		fork.#ephemeral = this.#ephemeral;
		fork.#remoteEphemeral = this.#remoteEphemeral;
		fork.#remoteStatic = this.#remoteStatic;
		fork.#turn = this.#turn;
		return fork;
	}

	get #usesPsk(): boolean {
		return this.#options.pattern.includes("psk");
	}

	/** One message; the turn passes to the other end when it went well. */
	#step(expected: "write" | "read", process: (tokens: readonly Token[]) => Uint8Array): Uint8Array {
		if (this.#turn !== expected || this.done) {
			throw misused(this.#turn === "failed" ? "it has failed before" : `${expected} out of turn`);
		}
		this.#turn = "failed";
		const result = process(this.#messages[0] ?? []);
		this.#messages.shift();
		this.#turn = expected === "write" ? "read" : "write";
		return result;
	}

	#createEphemeral(): Uint8Array {
		const { crypto, random } = this.#options;
		this.#ephemeral = crypto.agreement(random.bytes(KEY));
		this.#mixEphemeral(this.#ephemeral.publicKey);
		return this.#ephemeral.publicKey;
	}

	#takeEphemeral(key: Uint8Array): void {
		this.#remoteEphemeral = key;
		this.#mixEphemeral(key);
	}

	#mixEphemeral(key: Uint8Array): void {
		this.#symmetric.mixHash(key);
		// Section 9.2: without it, two handshakes under one psk could seal under the same key.
		if (this.#usesPsk) this.#symmetric.mixKey(key);
	}

	#mix(token: "psk" | DhToken): void {
		if (token === "psk") {
			const { psk } = this.#options;
			this.#symmetric.mixKeyAndHash(checkKey("psk", typeof psk === "function" ? psk() : psk));
			return;
		}
		// The first letter is the initiator's key, the second the responder's.
		const [ours, theirs] = this.#options.initiator ? token : [token[1], token[0]];
		const local = ours === "e" ? this.#ephemeral : this.#static();
		const remote = theirs === "e" ? this.#remoteEphemeral : this.#remoteStatic;
		const shared = remote && local?.agree(remote);
		if (shared === undefined) throw forged("a key in it is no proper one");
		this.#symmetric.mixKey(shared);
	}

	#static(): KeyAgreement {
		const { staticKey } = this.#options;
		if (staticKey === undefined) throw misused(`${this.#options.pattern} takes a staticKey`);
		return staticKey;
	}
}

/** Chaining key and hash of all that was said (the specification's SymmetricState). */
class SymmetricState {
	hash: Uint8Array;
	readonly #crypto: Crypto;
	#chainingKey: Uint8Array;
	#cipher: CipherState | undefined;

	constructor(crypto: Crypto, protocol: string) {
		const name = new TextEncoder().encode(protocol);
		// All our names are shorter than the hash, and then stand for themselves, padded.
		this.hash = new Uint8Array(HASH);
		this.hash.set(name);
		this.#crypto = crypto;
		this.#chainingKey = this.hash;
	}

	/** Whether there is a key yet; without one, what is encrypted goes as it is. */
	get sealing(): boolean {
		return this.#cipher !== undefined;
	}

	mixHash(data: Uint8Array): void {
		this.hash = this.#crypto.blake2b(this.hash, data);
	}

	mixKey(input: Uint8Array): void {
		const derived = this.#crypto.hkdf(this.#chainingKey, input, 2 * HASH);
		this.#chainingKey = derived.subarray(0, HASH);
		this.#cipher = new CipherState(this.#crypto, derived.subarray(HASH, HASH + KEY));
	}

	mixKeyAndHash(input: Uint8Array): void {
		const derived = this.#crypto.hkdf(this.#chainingKey, input, 3 * HASH);
		this.#chainingKey = derived.subarray(0, HASH);
		this.mixHash(derived.subarray(HASH, 2 * HASH));
		this.#cipher = new CipherState(this.#crypto, derived.subarray(2 * HASH, 2 * HASH + KEY));
	}

	encrypt(plaintext: Uint8Array): Uint8Array {
		const sealed = this.#cipher?.encrypt(plaintext, this.hash) ?? plaintext;
		this.mixHash(sealed);
		return sealed;
	}

	decrypt(sealed: Uint8Array): Uint8Array {
		const plaintext = this.#cipher?.decrypt(sealed, this.hash) ?? sealed;
		this.mixHash(sealed);
		return plaintext;
	}

	fork(): SymmetricState {
		const fork = new SymmetricState(this.#crypto, "");
		fork.hash = this.hash;
		fork.#chainingKey = this.#chainingKey;
		fork.#cipher = this.#cipher?.fork();
		return fork;
	}

	split(): [CipherState, CipherState] {
		const derived = this.#crypto.hkdf(this.#chainingKey, NOTHING, 2 * HASH);
		return [
			new CipherState(this.#crypto, derived.slice(0, KEY)),
			new CipherState(this.#crypto, derived.slice(HASH, HASH + KEY)),
		];
	}
}

/** The pattern's tokens, with the modifier's put in (section 9.4). */
function patternOf(full: HandshakePattern): { known: Pattern["known"]; messages: Token[][] } {
	const [name = "", place] = full.split("psk");
	if (!Object.hasOwn(PATTERNS, name)) throw misused(`there is no pattern ${full}`);
	const { known, messages } = PATTERNS[name as PatternName];
	const tokens = messages.split(", ").map((message) => message.split(" ") as Token[]);
	if (place === "0") tokens[0]?.unshift("psk");
	else if (place !== undefined) {
		const message = tokens[Number(place) - 1];
		if (message === undefined) throw misused(`${name} has no message ${place}`);
		message.push("psk");
	}
	return { known, messages: tokens };
}

function checkLength(message: Uint8Array): Uint8Array {
	if (message.length > LONGEST_MESSAGE) {
		throw new ChordError("TOO_LARGE", `a handshake message of ${message.length} bytes`);
	}
	return message;
}
