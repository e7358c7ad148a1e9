/**
 * What asker and asked say to each other; see `calls.ts`.
 *
 * @module
 */
import { type Codec, choice, decode, encode, rest, struct, u32, u48 } from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";

export interface CallMessage {
	/** The last three are answers too: there is no handler; too much is under way; the handler failed, and `data` says why. */
	readonly kind: "request" | "cancel" | "response" | "notHandled" | "busy" | "failed";
	/** The asker's number for it. */
	readonly call: number;
	/** Of a request: milliseconds that the asker waits. */
	readonly budget: number;
	readonly data: Uint8Array;
}

const callMessage: Codec<CallMessage> = struct({
	kind: choice(["request", "cancel", "response", "notHandled", "busy", "failed"]),
	call: u48,
	budget: u32,
	data: rest,
});

/** Bytes that a call takes besides its data. */
export const CALL_HEAD = 11;
/** Bytes of a failure's explanation. */
const EXPLANATION = 512;

export function encodeCall(message: CallMessage): Uint8Array {
	return encode(callMessage, message, CALL_HEAD + message.data.length);
}

/** `undefined` for what makes no sense. */
export function decodeCall(bytes: Uint8Array): CallMessage | undefined {
	try {
		return decode(callMessage, bytes);
	} catch {
		return undefined;
	}
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** An error's message, as far as it is told to the asker. */
export function explanationOf({ message }: Error): Uint8Array {
	return utf8.encode(message).subarray(0, EXPLANATION);
}

/** What an answer that is a failure means to the asker; `undefined` for one that is none. */
export function failureOf({ kind, data }: CallMessage, name: string): SwarmError | undefined {
	switch (kind) {
		case "response":
			return undefined;
		case "notHandled":
			return new SwarmError("NOT_HANDLED", `${name} answers no requests`);
		case "busy":
			return new SwarmError("BUSY", `${name} has too many answers under way`);
		default: {
			const why = text.decode(data.subarray(0, EXPLANATION)) || "the handler failed";
			return new SwarmError("REMOTE", `${name} answers: ${why}`);
		}
	}
}
