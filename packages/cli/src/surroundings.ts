import type { Readable, Writable } from "node:stream";

/** What a command has around it: a process's streams and environment, or a test's. */
export interface Surroundings {
	/** What is typed. */
	readonly stdin: Readable & { readonly isTTY?: boolean };
	/** What a command was run for. */
	readonly stdout: Writable & { readonly isTTY?: boolean };
	/** What went wrong, and the log. */
	readonly stderr: Writable & { readonly isTTY?: boolean };
	/** `NO_COLOR` and `CICADA_SECRET` mean something. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Aborts when the command is to end; the reason is an {@link Interruption}. */
	readonly interrupted: AbortSignal;
}

/** Why a command ended before it was done: somebody sent it a signal, or nobody reads what it writes. */
export class Interruption extends Error {
	/** Always `Interruption`. */
	override readonly name = "Interruption";
	/** What the command exits with. */
	readonly exitCode: number;

	constructor(message: string, exitCode: number) {
		super(message);
		this.exitCode = exitCode;
	}
}
