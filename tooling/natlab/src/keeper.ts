import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * A process that tidies up when the pipe to it closes: when it is told to, and also when this process is killed.
 */
export class Keeper {
	readonly #child: ChildProcess;
	readonly #ended: Promise<unknown>;

	constructor(folder: string, namespaces: readonly string[]) {
		const program = fileURLToPath(new URL("keep.js", import.meta.url));
		this.#child = spawn(process.execPath, [program, folder, ...namespaces], {
			stdio: ["pipe", "ignore", "inherit"],
			// A Ctrl-C in the terminal is for the tests, not for it.
			detached: true,
		});
		this.#ended = once(this.#child, "exit");
		this.#child.unref();
		(this.#child.stdin as unknown as { unref(): void }).unref();
	}

	async close(): Promise<void> {
		this.#child.ref();
		this.#child.stdin?.end();
		await this.#ended;
	}
}
