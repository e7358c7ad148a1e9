import { once } from "node:events";

import type { LocalNodeOptions } from "@cicada/chordlib";

import { Program } from "./program.ts";

/** A node in a process of its own, to which strangers come. */
export class Guard extends Program {
	/** The options have to fit JSON. */
	static async open(options: LocalNodeOptions): Promise<Guard> {
		return new Guard(...(await Guard.start("guard-program.js", [JSON.stringify(options)])));
	}

	/** Microseconds of the processor that it has taken so far. */
	async cpu(): Promise<number> {
		const told = once(this.child, "message") as Promise<[number]>;
		this.child.send("cpu");
		const [cpu] = await told;
		return cpu;
	}
}
