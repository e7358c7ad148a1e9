import { once } from "node:events";

import { Program } from "./program.ts";

/** What the other process is: a plain server that takes frames apart, one with TLS, a node, a peer. */
export type FarKind = "tcp" | "tls" | "node" | "peer";

/** All that was expected has come, and took so many milliseconds of its processor. */
export interface Received {
	readonly cpu: number;
}

/** How fast messages went: how many a second, and microseconds of both processors for each. */
export interface Speed {
	readonly rate: number;
	readonly cpu: number;
}

/** A process that receives. */
export class Far extends Program {
	static async open(kind: FarKind, encryption: "off" | "required" = "required"): Promise<Far> {
		return new Far(...(await Far.start("far-program.js", [kind, encryption])));
	}

	/** Times how long it takes until `count` messages, which `send` sends, have arrived there. */
	async speed(count: number, send: () => Promise<unknown>): Promise<Speed> {
		const heard = once(this.child, "message");
		this.child.send({ expect: count });
		// It counts from now on: what came before it knew would be missing.
		await heard;
		const done = once(this.child, "message") as Promise<[Received]>;
		const cpu = process.cpuUsage();
		const started = performance.now();
		await send();
		const [{ cpu: theirs }] = await done;
		const { user, system } = process.cpuUsage(cpu);
		const seconds = (performance.now() - started) / 1_000;
		return { rate: count / seconds, cpu: ((user + system) / 1e3 + theirs) * (1_000 / count) };
	}
}
