/** Why an operation failed; the `code` of a {@link TraversalError}. */
export type TraversalErrorCode =
	/** An argument of the wrong type or out of range; nothing was done. */
	| "INVALID_ARGUMENT"
	/** `open` or `create` comes first. */
	| "NOT_OPEN"
	/** It has no mapping of that local port. */
	| "NOT_MAPPED"
	/** No router that maps ports answered. */
	| "NO_GATEWAY"
	/** A router was found, but then did not answer, or not in time. */
	| "NO_ANSWER"
	/** A router answered with something that the protocol does not allow. */
	| "MALFORMED"
	/** A router answered, but cannot map ports, or not by this protocol. */
	| "UNSUPPORTED"
	/** The router will not do it: switched off, not authorized, or out of room. */
	| "REFUSED"
	/** Every external port that was tried is somebody else's. */
	| "PORT_TAKEN"
	/** The router has no public address itself, so that nobody outside can reach a port of it. */
	| "DOUBLE_NAT"
	/** The time given ran out. */
	| "TIMEOUT"
	/** It was closed, before or meanwhile. */
	| "CLOSED";

/** What one method, or one router, answered. */
export interface Evidence {
	/** How the router was asked. */
	readonly method: "UPnP" | "NAT-PMP";
	/** The router's address, where one was found. */
	readonly gateway: string | undefined;
	/** Why it did not work out. */
	readonly code: TraversalErrorCode;
	/** What it said, for people. */
	readonly answer: string;
}

/** The one error class of this package. Tell errors apart by `code`, not by message. */
export class TraversalError extends Error {
	/** Always `TraversalError`. */
	override readonly name = "TraversalError";
	/** What kind of error it is. */
	readonly code: TraversalErrorCode;
	/** What each method and router answered, where several were asked. */
	readonly evidence: readonly Evidence[];

	constructor(
		code: TraversalErrorCode,
		message: string,
		options: { cause?: unknown; evidence?: readonly Evidence[] } = {},
	) {
		super(message, "cause" in options ? { cause: options.cause } : {});
		this.code = code;
		this.evidence = options.evidence ?? [];
	}
}

// What tells the user most comes first.
const telling: readonly TraversalErrorCode[] = [
	"DOUBLE_NAT",
	"PORT_TAKEN",
	"REFUSED",
	"MALFORMED",
	"UNSUPPORTED",
	"NO_ANSWER",
	"TIMEOUT",
];

/** One error that says what each answered. Its code is the one that tells most. */
export function summarize(evidence: readonly Evidence[]): TraversalError {
	const code = telling.find((code) => evidence.some((one) => one.code === code)) ?? "NO_GATEWAY";
	const said = evidence.map(
		({ method, gateway, answer }) =>
			`${method}${gateway === undefined ? "" : ` (${gateway})`}: ${answer}`,
	);
	return new TraversalError(code, said.length > 0 ? said.join("; ") : "no router answered", {
		evidence,
	});
}

/** What there is to say of an error: its own evidence where it has some. */
export function evidenceOf(
	error: unknown,
	method: Evidence["method"],
	gateway?: string,
): readonly Evidence[] {
	if (error instanceof TraversalError) {
		if (error.evidence.length > 0) return error.evidence;
		return [{ method, gateway, code: error.code, answer: error.message }];
	}
	const answer = error instanceof Error ? error.message : String(error);
	return [{ method, gateway, code: "NO_ANSWER", answer }];
}
