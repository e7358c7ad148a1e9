/**
 * Why a simulation refused or gave up.
 *
 * - `INVALID_ARGUMENT`: a value out of its range, or a name that is taken.
 * - `UNKNOWN_HOST`: a fault or a call named a host that does not exist.
 * - `LIMIT`: what `runUntil` waited for did not happen in time.
 * - `IDLE`: it cannot happen any more, because nothing is left to happen.
 * - `DIVERGED`: a replay did not do what the recording did.
 */
export type SimnetErrorCode = "INVALID_ARGUMENT" | "UNKNOWN_HOST" | "LIMIT" | "IDLE" | "DIVERGED";

/** Thrown by the simulation itself, to whoever drives it. A simulated process never sees one. */
export class SimnetError extends Error {
	/** Always `SimnetError`. */
	override readonly name = "SimnetError";
	/** What kind of error it is. */
	readonly code: SimnetErrorCode;

	constructor(code: SimnetErrorCode, message: string) {
		super(message);
		this.code = code;
	}
}

/** What a simulated process sees of the network's troubles, with the codes that Node uses. */
export type LinkErrorCode =
	| "ECONNREFUSED"
	| "ECONNRESET"
	| "ETIMEDOUT"
	| "EADDRINUSE"
	| "EADDRNOTAVAIL"
	| "ENOTFOUND";

/** A network error as a simulated process sees it: see {@link LinkErrorCode}. */
export class LinkError extends Error {
	/** Always `LinkError`. */
	override readonly name = "LinkError";
	/** What kind of trouble it is. */
	readonly code: LinkErrorCode;

	constructor(code: LinkErrorCode, what: string) {
		super(`${code}: ${what}`);
		this.code = code;
	}
}
