/**
 * What the two ends of a session say to each other before it is open, and what they say it in then; see `session.ts`.
 * All of it is routed, and relays can read it: what is not for them is sealed.
 *
 * @module
 */
import {
	type Codec,
	type NoticeType,
	RECORD_LIMIT,
	boolean,
	bytes,
	defineNotice,
	fixed,
	rest,
	struct,
	u48,
	u8,
} from "@cicada/chordlib";

/** "Who is there?" */
export interface Who {
	/** Of who asks: it comes back with the answer. */
	readonly number: number;
}

/** "I am." The answer to that, to a hello that is for somebody else, and to what is sealed for a session that is not there. */
export interface Here {
	/** The number that came with what is answered. */
	readonly number: number;
	/** Links that what is answered crossed. */
	readonly hops: number;
	/** Of who answers, signed; nothing where sessions are in clear. */
	readonly record: Uint8Array;
}

/** The first message of a handshake. */
export interface Hello {
	/** Chosen by the sender: what comes back to the session carries it. */
	readonly number: number;
	/** Whether a key of `trusted_hosts` is mixed in. */
	readonly trusted: boolean;
	readonly message: Uint8Array;
}

/** What a hello says to its target alone. */
export interface HelloContent {
	/** The record of who says it; nothing where sessions are in clear. */
	readonly record: Uint8Array;
	/** The target's number of the session that is to be replaced, or 0. */
	readonly before: number;
}

/** The second message. */
export interface Welcome {
	/** That of the hello. */
	readonly number: number;
	/** With a key of `trusted_hosts` a signature, so that who reads it knows a wrong key from an altered message. */
	readonly signature: Uint8Array;
	readonly message: Uint8Array;
}

/** What a welcome says to who sent the hello alone. */
export interface WelcomeContent {
	/** What goes to the target in the session carries it. */
	readonly number: number;
	/** Whether the session before is still there, and may go on. */
	readonly knowsBefore: boolean;
	/** Which life of the target this is, and milliseconds that it has lasted at least. */
	readonly life: number;
	readonly age: number;
}

/** "You are not on my list of trusted hosts, or I am not on yours": in place of a welcome, signed. */
export interface Refusal {
	readonly number: number;
	readonly signature: Uint8Array;
}

/** Something said in a session. */
export interface Sealed {
	/** The receiver's number of the session. */
	readonly session: number;
	/** Counts what this end has sealed in the session. */
	readonly number: number;
	readonly content: Uint8Array;
}

const SIGNATURE = 64;
/** The longest message of a handshake: keys, tags, a record, a number. */
export const HANDSHAKE_MESSAGE: number = RECORD_LIMIT + 128;

export const whoType: NoticeType<Who> = defineNotice("cicada/swarm/2/who", struct({ number: u48 }));

export const hereType: NoticeType<Here> = defineNotice(
	"cicada/swarm/2/here",
	struct({ number: u48, hops: u8, record: bytes(RECORD_LIMIT) }),
);

export const helloType: NoticeType<Hello> = defineNotice(
	"cicada/swarm/2/hello",
	struct({ number: u48, trusted: boolean, message: bytes(HANDSHAKE_MESSAGE) }),
);

export const welcomeType: NoticeType<Welcome> = defineNotice(
	"cicada/swarm/2/welcome",
	struct({ number: u48, signature: bytes(SIGNATURE), message: bytes(HANDSHAKE_MESSAGE) }),
);

export const refusalType: NoticeType<Refusal> = defineNotice(
	"cicada/swarm/2/refusal",
	struct({ number: u48, signature: fixed(SIGNATURE) }),
);

export const sealedType: NoticeType<Sealed> = defineNotice(
	"cicada/swarm/2/sealed",
	struct({ session: u48, number: u48, content: rest }),
);

export const helloContent: Codec<HelloContent> = struct({
	record: bytes(RECORD_LIMIT),
	before: u48,
});

export const welcomeContent: Codec<WelcomeContent> = struct({
	number: u48,
	knowsBefore: boolean,
	life: u48,
	age: u48,
});
