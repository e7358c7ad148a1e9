import type { LinkEnd } from "./link.ts";
import type { Task } from "./queue.ts";

/** Microseconds before what was not acknowledged is sent again; twice as long after each time, up to the last. */
const FIRST = 1_000_000;
const LAST = 120_000_000;

/** A kernel that repeats what nobody acknowledged: it finds out that the other end is gone, or gives up. */
export class Persistence implements Task {
	readonly dead = false;
	readonly #end: LinkEnd;
	readonly #deadline: number;
	#wait = FIRST;

	constructor(end: LinkEnd) {
		const { world } = end.machine;
		this.#end = end;
		this.#deadline = world.now + world.rules.stallTimeout;
		this.#again();
	}

	run(): void {
		const end = this.#end;
		const { world } = end.machine;
		if (end.closed) return;
		const path = end.path();
		if (path === "clear") end.persistence = undefined;
		else if (path === "gone" || world.now >= this.#deadline) end.machine.admit(this);
		else this.#again();
	}

	perform(): void {
		const end = this.#end;
		if (end.path() === "gone") end.fail("ECONNRESET", "the other end is gone");
		else end.fail("ETIMEDOUT", "nothing is acknowledged");
	}

	#again(): void {
		const { world } = this.#end.machine;
		world.at(Math.min(world.now + this.#wait, this.#deadline), this);
		this.#wait = Math.min(this.#wait * 2, LAST);
	}
}
