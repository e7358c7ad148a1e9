import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Address } from "@cicada/chordlib";

import type { Order, Word } from "./node.ts";

const PROGRAM = fileURLToPath(new URL("node.js", import.meta.url));

/** A process with one node. It ends at the latest with this one, whose end closes its channel. */
export class Child {
	readonly name: string;
	/** Resolves when it is gone, however it ended. */
	readonly ended: Promise<void>;
	/** Where its node listens, once it does. */
	address: Address | undefined;
	killed = false;
	readonly #process: ChildProcess;

	constructor(name: string, heard: (word: Word) => void) {
		this.name = name;
		this.#process = fork(PROGRAM, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
		this.#process.on("message", heard);
		this.ended = new Promise((resolve) => {
			// After this nothing is heard any more.
			this.#process.once("close", () => {
				resolve();
			});
		});
	}

	tell(order: Order): void {
		// One that is dead does not mind.
		this.#process.send(order, () => {});
	}

	kill(): void {
		this.killed = true;
		this.#process.kill("SIGKILL");
	}
}
