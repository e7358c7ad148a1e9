/** Why an operation failed; the `code` of a {@link ChordError}. */
export type ChordErrorCode =
	/** A value that is no 256-bit hash. */
	| "INVALID_HASH"
	/** An argument of the wrong type or out of range; nothing was changed. */
	| "INVALID_ARGUMENT"
	/** `listen` comes first. */
	| "NOT_LISTENING"
	/** `listen` was called before. */
	| "ALREADY_LISTENING"
	/** The file of an identity cannot be read or written, is none, or is open to others. */
	| "IDENTITY_FILE"
	/** Another program holds the address. */
	| "ADDRESS_IN_USE"
	/** The address is not this machine's, or needs a privilege. */
	| "ADDRESS_NOT_AVAILABLE"
	/** The host name has no address. */
	| "UNRESOLVED"
	/** Nobody answers there. */
	| "UNREACHABLE"
	/** Others cannot dial this node where it says that it is: it can join as a leaf, or say another address. */
	| "NOT_DIALABLE"
	/** Something answers, but not our protocol, version or network. */
	| "INCOMPATIBLE"
	/** The ring could not answer, for example because it is being repaired. Trying again may help. */
	| "NO_ROUTE"
	/** The other node is not, or no longer, in a ring. */
	| "NOT_MEMBER"
	/** The other node has no handler for the message. */
	| "NOT_HANDLED"
	/** The other node's handler failed. */
	| "REMOTE"
	/** A value does not fit the message's bounds, or a message the frame. */
	| "TOO_LARGE"
	/** Bytes that are no valid message. */
	| "MALFORMED"
	/** Sealed or signed bytes that are not what who holds the key has sent: altered, replayed, or another's. */
	| "FORGED"
	/** A limit on what may be pending was reached. */
	| "BUSY"
	/** The time given ran out. */
	| "TIMEOUT"
	/** The node, or the link that was used, closed meanwhile. */
	| "CLOSED";

/** The one error class of this package. Tell errors apart by `code`, not by message. */
export class ChordError extends Error {
	/** Always `ChordError`. */
	override readonly name = "ChordError";
	/** What kind of error it is. */
	readonly code: ChordErrorCode;

	constructor(code: ChordErrorCode, message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.code = code;
	}
}

/** `INVALID_ARGUMENT`, to be thrown. */
export function invalid(message: string): ChordError {
	return new ChordError("INVALID_ARGUMENT", message);
}

/** True for bytes that were no valid message. */
export function isMalformed(error: unknown): boolean {
	return error instanceof ChordError && error.code === "MALFORMED";
}
