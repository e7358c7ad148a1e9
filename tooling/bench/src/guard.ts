import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

import type { LocalNodeOptions } from "@cicada/chordlib";

/** A node in a process of its own, to which strangers come. */
export class Guard {
	readonly port: number;
	readonly #child: ChildProcess;

	private constructor(child: ChildProcess, port: number) {
		this.#child = child;
		this.port = port;
	}

	/** The options have to fit JSON. */
	static async open(options: LocalNodeOptions): Promise<Guard> {
		const child = fork(new URL("guard-program.js", import.meta.url), [JSON.stringify(options)]);
		const [port] = (await once(child, "message")) as [number];
		return new Guard(child, port);
	}

	/** Microseconds of the processor that it has taken so far. */
	async cpu(): Promise<number> {
		const told = once(this.#child, "message") as Promise<[number]>;
		this.#child.send("cpu");
		const [cpu] = await told;
		return cpu;
	}

	async close(): Promise<void> {
		const ended = once(this.#child, "exit");
		this.#child.disconnect();
		await ended;
	}
}
