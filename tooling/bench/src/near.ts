import { once } from "node:events";

import type { Speed } from "./far.ts";
import { Program } from "./program.ts";

/** What is sent over: a socket, one with TLS, a link in clear, a sealed one, or a swarm. */
export type NearKind = "tcp" | "tls" | "clear" | "sealed" | "send";

/** So many messages of one size, in one of the ways that there are. */
export interface Order {
	readonly way: string;
	readonly size: number;
	readonly count: number;
}

/**
 * A process that sends, to another that receives. Each kind has its own: what the engine has learned of one program, and
 * how it collects that one's garbage, is not to be the measure of another.
 */
export class Near extends Program {
	static async open(kind: NearKind): Promise<Near> {
		return new Near(...(await Near.start("near-program.js", [kind])));
	}

	async pour(order: Order): Promise<Speed> {
		const done = once(this.child, "message") as Promise<[Speed]>;
		this.child.send(order);
		const [speed] = await done;
		return speed;
	}
}
