import { ChordError } from "@cicada/chordlib";

/** Why an operation failed; the `code` of a {@link SwarmError}. */
export type SwarmErrorCode =
	/** An argument of the wrong type or out of range; nothing was changed. */
	| "INVALID_ARGUMENT"
	/** A port to bind that is neither 0 nor in [1025, 65535); one to connect or send to that is not in 1 to 65535. */
	| "INVALID_PORT"
	/** `bind` comes first. */
	| "NOT_BOUND"
	/** `bind` was called before. */
	| "ALREADY_BOUND"
	/** The file of the peer's identity cannot be read or written, is none, or is open to others. */
	| "IDENTITY_FILE"
	/** Another program holds the address. */
	| "ADDRESS_IN_USE"
	/** The address is not this machine's, or needs a privilege. */
	| "ADDRESS_NOT_AVAILABLE"
	/** The host name has no address. */
	| "UNRESOLVED"
	/** Nobody answers there, or the peer went away before it said that it took the message. */
	| "UNREACHABLE"
	/** Others cannot dial this peer at its address. With `nat: "auto"` it takes part all the same. */
	| "NOT_DIALABLE"
	/** Something answers, but not our protocol, version or network. */
	| "INCOMPATIBLE"
	/** No such peer is in the swarm. What was to be sent was certainly not delivered. */
	| "NOT_FOUND"
	/** Only one of the two ends has the other among its trusted hosts, or the keys are not the same. Nothing was sent. */
	| "TRUST_MISMATCH"
	/** The file of trusted hosts cannot be read, is none, or is open to others. */
	| "TRUSTED_HOSTS"
	/** The peer that was asked answers no requests. */
	| "NOT_HANDLED"
	/** The handler of the peer that was asked failed. A handler that throws this error chooses its message. */
	| "REMOTE"
	/** More data than one message may hold. */
	| "TOO_LARGE"
	/** The swarm could not do it just now: it is being repaired, or too much is under way. Try again. */
	| "BUSY"
	/** The time given ran out. */
	| "TIMEOUT"
	/** The peer was closed or has left the swarm meanwhile. */
	| "CLOSED";

/** The one error class of this package. Tell errors apart by `code`, not by message. */
export class SwarmError extends Error {
	/** Always `SwarmError`. */
	override readonly name = "SwarmError";
	/** What kind of error it is. */
	readonly code: SwarmErrorCode;
	/** Of a broadcast that timed out: how many peers are known to have taken it. */
	readonly reached: number | undefined;

	constructor(
		code: SwarmErrorCode,
		message: string,
		options: { cause?: unknown; reached?: number } = {},
	) {
		super(message, options.cause === undefined ? {} : { cause: options.cause });
		this.code = code;
		this.reached = options.reached;
	}
}

/** An error of the layer below in this package's terms; others (an abort's reason) stay as they are. */
export function asSwarmError(error: unknown): unknown {
	if (!(error instanceof ChordError)) return error;
	return new SwarmError(codeOf(error), error.message, { cause: error });
}

/** A promise of the layer below, which rejects in this package's terms. */
export async function withSwarmErrors<T>(promise: Promise<T>): Promise<T> {
	try {
		return await promise;
	} catch (error) {
		throw asSwarmError(error);
	}
}

function codeOf({ code }: ChordError): SwarmErrorCode {
	switch (code) {
		case "INVALID_HASH":
			return "INVALID_ARGUMENT";
		case "NOT_LISTENING":
			return "NOT_BOUND";
		case "ALREADY_LISTENING":
			return "ALREADY_BOUND";
		case "NO_ROUTE":
		case "NOT_MEMBER":
			return "BUSY";
		case "NOT_HANDLED":
		case "REMOTE":
		case "MALFORMED":
		case "FORGED":
			return "INCOMPATIBLE";
		default:
			return code;
	}
}
