import {
	type Interface,
	clearScreenDown,
	createInterface,
	cursorTo,
	moveCursor,
} from "node:readline";

import type { Surroundings } from "./surroundings.ts";
import { TypedKeys } from "./typed-keys.ts";

/** Where lines are typed and shown. */
export interface Screen {
	/** Shows a line, above what is being typed. */
	show(text: string): void;
	/** Calls `take` for each line typed, until there are no more or `ended` aborts. */
	lines(take: (line: string) => void | Promise<void>, ended: AbortSignal): Promise<void>;
	close(): void;
}

/** What a prompt needs to know of the conversation. */
export interface Prompting {
	readonly prompt: string;
	complete(line: string): [string[], string];
}

/** A terminal, with an input line that can be edited, and that what comes meanwhile does not tear. */
export class TerminalScreen implements Screen {
	readonly #terminal: Interface;
	readonly #output: NodeJS.WritableStream;
	readonly #prompting: Prompting;
	#closed = false;

	constructor({ stdin, stdout }: Surroundings, prompting: Prompting, interrupt: () => void) {
		this.#output = stdout;
		this.#prompting = prompting;
		const keys = new TypedKeys(stdin);
		this.#terminal = createInterface({
			input: keys,
			output: stdout,
			terminal: true,
			historySize: 1_000,
			completer: (line: string) => prompting.complete(line),
		});
		// In raw mode Ctrl-C is a key, not a signal.
		this.#terminal.on("SIGINT", interrupt);
		this.#terminal.on("close", () => {
			keys.end();
		});
	}

	show(text: string): void {
		if (this.#closed) {
			this.#output.write(`${text}\n`);
			return;
		}
		const { rows } = this.#terminal.getCursorPos();
		moveCursor(this.#output, 0, -rows);
		cursorTo(this.#output, 0);
		clearScreenDown(this.#output);
		// Redrawing goes up again by as many rows as the cursor was below the prompt.
		this.#output.write(`${text}\n${"\n".repeat(rows)}`);
		this.#terminal.prompt(true);
	}

	async lines(take: (line: string) => void | Promise<void>, ended: AbortSignal): Promise<void> {
		if (ended.aborted) return;
		const prompt = (): void => {
			this.#terminal.setPrompt(this.#prompting.prompt);
			this.#terminal.prompt();
		};
		await new Promise<void>((resolve) => {
			this.#terminal.on("close", () => {
				this.#closed = true;
				resolve();
			});
			ended.addEventListener("abort", () => {
				resolve();
			});
			this.#terminal.on("line", (line) => {
				void take(line);
				if (!ended.aborted) prompt();
			});
			prompt();
		});
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		// Where the prompt was, the shell's goes.
		cursorTo(this.#output, 0);
		clearScreenDown(this.#output);
		this.#terminal.close();
	}
}

/** Plain lines in and out, for pipes. The next line is read when what the one before said is done. */
export class PlainScreen implements Screen {
	readonly #around: Pick<Surroundings, "stdin" | "stdout">;
	readonly #input: Interface;

	constructor(around: Pick<Surroundings, "stdin" | "stdout">) {
		this.#around = around;
		this.#input = createInterface({ input: around.stdin, crlfDelay: Infinity });
	}

	show(text: string): void {
		this.#around.stdout.write(`${text}\n`);
	}

	async lines(take: (line: string) => void | Promise<void>, ended: AbortSignal): Promise<void> {
		if (ended.aborted) return;
		ended.addEventListener("abort", () => {
			this.#input.close();
		});
		for await (const line of this.#input) {
			if (ended.aborted) return;
			await take(line);
		}
	}

	close(): void {
		this.#input.close();
		this.#around.stdin.destroy();
	}
}

/** Whether a person types and reads there. */
export function isTerminal({ stdin, stdout }: Pick<Surroundings, "stdin" | "stdout">): boolean {
	return stdin.isTTY === true && stdout.isTTY === true;
}
