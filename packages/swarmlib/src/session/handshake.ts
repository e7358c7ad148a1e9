/**
 * How the two ends of a session prove to each other who they are and agree on keys: `Noise_IK_25519_ChaChaPoly_BLAKE2b`, and
 * `Noise_IKpsk2_…` between trusted hosts.
 *
 * ```text
 * sender   e es s ss {its record}                          ->
 *                   <- e ee se (psk) {the session's number}   target
 * ```
 *
 * The target's key is known from its record. Its answer shows that it has that key, and the first message that
 * opens in the session shows that the sender is no recording.
 *
 * @module
 */
import {
	type Crypto,
	Handshake,
	type Identity,
	type NodeRecord,
	type Random,
	decode,
	encode,
	verifySignature,
} from "@cicada/chordlib";

import { concat } from "../concat.ts";
import type { Trust } from "../trusted-hosts.ts";
import { type Ciphers, inClear } from "./keys.ts";
import {
	HANDSHAKE_MESSAGE,
	type Hello,
	type HelloContent,
	type Refusal,
	type Welcome,
	type WelcomeContent,
	helloContent,
	welcomeContent,
} from "./messages.ts";

/** A hello, and what is to be known to read the answer. */
export interface Initiation {
	readonly hello: Hello;
	/** Whose key it was made for; `undefined` in clear. */
	readonly to: NodeRecord | undefined;
	/**
	 * What a welcome says. `"forged"` for one that is not the target's answer; then the true one can still be read.
	 * `"mistrusted"` for one that is, but under another key of `trusted_hosts`.
	 */
	read(welcome: Welcome): Agreed<WelcomeContent> | "forged" | "mistrusted";
	/** Whether it was the target that refused. */
	isRefusedBy(refusal: Refusal): boolean;
}

/** What a hello says, and how to answer it. */
export interface Reception {
	readonly content: HelloContent;
	/** Whether a record's key is that of who said hello. */
	isFrom(record: NodeRecord): boolean;
	/** Says welcome. `to` is who said hello; nobody knows in clear. */
	welcome(content: WelcomeContent, to: NodeRecord | undefined): Agreed<Welcome>;
	/** Says that one of the two ends trusts the other and the other does not. */
	refuse(): Refusal;
}

interface Agreed<Content> {
	readonly content: Content;
	readonly ciphers: Ciphers;
}

/** How sessions are opened. */
export interface Handshakes {
	/** False where sessions are in clear: then nothing is to be known of the target, and it says nothing of itself. */
	readonly sealing: boolean;
	initiate(number: number, to: NodeRecord | undefined, content: HelloContent): Initiation;
	/** `undefined` for a hello that is for somebody else, or was altered. */
	receive(hello: Hello): Reception | undefined;
	/** Whether a hello from the owner of a record has to have a key of `trusted_hosts` mixed in. */
	trusts(record: NodeRecord): boolean;
}

/** What sealed sessions are made from. */
export interface HandshakePorts {
	readonly crypto: Crypto;
	readonly random: Random;
	readonly identity: Identity;
	/** The swarm's name. */
	readonly network: string;
	readonly trust: Trust;
}

const NOTHING: Uint8Array = new Uint8Array(0);
const WELCOME = "session welcome";
const REFUSAL = "session refusal";

/** Sessions that are sealed. */
export function noiseHandshakes(ports: HandshakePorts): Handshakes {
	const { crypto, identity, network, random, trust } = ports;
	const common = (number: number) => ({
		crypto,
		random,
		staticKey: identity.exchange,
		prologue: new TextEncoder().encode(`cicada session\0${number}\0${network}`),
	});

	const initiate: Handshakes["initiate"] = (number, to, content) => {
		if (to === undefined) throw new TypeError("a hello is for somebody");
		const keys = trust.keysFor(to.contact.hash);
		const handshake = new Handshake({
			...common(number),
			pattern: keys === undefined ? "IK" : "IKpsk2",
			initiator: true,
			remoteStatic: to.exchangeKey,
			psk: keys?.outbound,
		});
		const message = handshake.write(encode(helloContent, content, HANDSHAKE_MESSAGE));
		const isSigned = (purpose: string, answer: Uint8Array, signature: Uint8Array): boolean => {
			const said = concat([message, answer]);
			return verifySignature(crypto, {
				publicKey: to.publicKey,
				purpose,
				message: said,
				signature,
			});
		};
		return {
			hello: { number, trusted: keys !== undefined, message },
			to,
			read: (welcome) => {
				const attempt = handshake.fork();
				try {
					const content = decode(welcomeContent, attempt.read(welcome.message));
					return { content, ciphers: attempt.split() };
				} catch {
					const { message: answer, signature } = welcome;
					const another = keys !== undefined && isSigned(WELCOME, answer, signature);
					return another ? "mistrusted" : "forged";
				}
			},
			isRefusedBy: ({ signature }) => isSigned(REFUSAL, NOTHING, signature),
		};
	};

	const receive: Handshakes["receive"] = ({ number, trusted, message }) => {
		let psk: Uint8Array = NOTHING;
		const handshake = new Handshake({
			...common(number),
			pattern: trusted ? "IKpsk2" : "IK",
			initiator: false,
			psk: () => psk,
		});
		let content: HelloContent;
		try {
			content = decode(helloContent, handshake.read(message));
		} catch {
			return undefined;
		}
		return {
			content,
			isFrom: ({ exchangeKey }) =>
				exchangeKey.every((byte, index) => byte === handshake.remoteStatic?.[index]),
			welcome: (answer, to) => {
				psk = (to && trust.keysFor(to.contact.hash)?.inbound) ?? NOTHING;
				const written = handshake.write(encode(welcomeContent, answer, HANDSHAKE_MESSAGE));
				const signature = trusted ? identity.sign(WELCOME, concat([message, written])) : NOTHING;
				return {
					content: { number, signature, message: written },
					ciphers: handshake.split(),
				};
			},
			refuse: () => ({ number, signature: identity.sign(REFUSAL, message) }),
		};
	};

	return {
		sealing: true,
		initiate,
		receive,
		trusts: ({ contact }) => trust.keysFor(contact.hash) !== undefined,
	};
}

const open: Ciphers = { send: inClear, receive: inClear };

/** Sessions in clear, for simulations: the same messages, and nothing is proven. */
export const clearHandshakes: Handshakes = {
	sealing: false,
	initiate: (number, to, content) => ({
		hello: { number, trusted: false, message: encode(helloContent, content, HANDSHAKE_MESSAGE) },
		to,
		read: ({ message }) => {
			const content = decoded(() => decode(welcomeContent, message));
			return content === undefined ? "forged" : { content, ciphers: open };
		},
		isRefusedBy: () => false,
	}),
	receive: ({ number, message }) => {
		const content = decoded(() => decode(helloContent, message));
		return (
			content && {
				content,
				isFrom: () => false,
				welcome: (answer) => ({
					content: {
						number,
						signature: NOTHING,
						message: encode(welcomeContent, answer, HANDSHAKE_MESSAGE),
					},
					ciphers: open,
				}),
				refuse: () => ({ number, signature: new Uint8Array(64) }),
			}
		);
	},
	trusts: () => false,
};

/** `undefined` for what makes no sense. */
function decoded<T>(read: () => T): T | undefined {
	try {
		return read();
	} catch {
		return undefined;
	}
}
