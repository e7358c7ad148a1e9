import type { LinkEnd } from "./link.ts";
import type { Random } from "./ports.ts";

/** Where bytes that are intercepted come from and go. */
export interface Passage {
	/** `"out"`: the host sends them; `"in"`: they have reached it. */
	readonly direction: "out" | "in";
	/** The name of the host at the other end. */
	readonly peer: string;
	/** The number of the link; both ends have the same. */
	readonly link: number;
	/** Chance that belongs to the interception alone. */
	readonly random: Random;
}

/**
 * What becomes of bytes on their way: these bytes or others, `undefined` to lose them, or bytes that are held
 * back for `delay` milliseconds, and all that follows on the link with them.
 */
export type Fate = Uint8Array | undefined | { readonly bytes: Uint8Array; readonly delay: number };

/** Called with all that a host sends and gets. It must not change `chunk` itself, but may give back another. */
export type Intercept = (chunk: Uint8Array, passage: Passage) => Fate;

/** An interception, as links ask it. */
export class Interceptor {
	readonly #intercept: Intercept;
	readonly #random: Random;
	/** Microseconds that what was judged last is held back. */
	delay = 0;

	constructor(intercept: Intercept, random: Random) {
		this.#intercept = intercept;
		this.#random = random;
	}

	/** The bytes that go on, if any. */
	judge(end: LinkEnd, bytes: Uint8Array, direction: "out" | "in"): Uint8Array | undefined {
		const peer = end.peer?.machine.name ?? "";
		const fate = this.#intercept(bytes, { direction, peer, link: end.id, random: this.#random });
		this.delay = 0;
		if (fate === undefined || fate instanceof Uint8Array) return fate;
		this.delay = Math.max(0, Math.round(fate.delay * 1000));
		return fate.bytes;
	}
}
