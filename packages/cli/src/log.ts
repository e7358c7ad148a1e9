import { printable } from "./printable.ts";

/** How much a line of the log matters, the most first. */
const levels = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];

/**
 * What a peer did, a line for each event: when, how much it matters, which peer, what. Messages themselves are
 * never written, only how long they are.
 */
export class Log {
	readonly #write: (line: string) => void;
	readonly #level: Level;
	readonly #peer: string;

	constructor(write: (line: string) => void, level: Level, peer = "-") {
		this.#write = write;
		this.#level = level;
		this.#peer = peer;
	}

	/** The same log, in which lines are a peer's. */
	of(peer: string): Log {
		return new Log(this.#write, this.#level, peer);
	}

	write(level: Level, message: string): void {
		if (levels.indexOf(level) > levels.indexOf(this.#level)) return;
		const time = new Date().toISOString();
		this.#write(`${time} ${level.padEnd(5)} ${this.#peer} ${printable(message)}\n`);
	}
}
