/**
 * What the command ends with. 128 and the number of a signal says that the signal ended it: 130 for Ctrl-C,
 * 143 for SIGTERM.
 */
export const exitCodes = {
	/** All was done. */
	DONE: 0,
	/** Something did not work out: a message that was not delivered, another one than expected, a time-out. */
	FAILED: 1,
	/** Wrong options, a file that cannot be read, or one with bad lines. Nothing was started. */
	USAGE: 2,
	/** The peer could not start: its port is taken, or nobody answers where it was to join. */
	NOT_STARTED: 3,
} as const;

/** The names of the exit codes. */
export type FailureCode = Exclude<keyof typeof exitCodes, "DONE">;

/** Why a command ends without having done what it was to do; its message is for people. */
export class Failure extends Error {
	override readonly name = "Failure";
	readonly code: FailureCode;

	constructor(code: FailureCode, message: string, options: { cause?: unknown } = {}) {
		super(message, options.cause === undefined ? {} : { cause: options.cause });
		this.code = code;
	}
}
