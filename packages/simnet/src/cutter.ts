import type { Held } from "./gate.ts";
import type { LinkEnd } from "./link.ts";
import type { SeededRandom } from "./prng.ts";
import type { Task } from "./queue.ts";

/** Cuts a stream where chance wants it: chunks come in pieces, and pieces of several chunks together. */
export class Cutter implements Task, Held {
	readonly dead = false;
	readonly #end: LinkEnd;
	readonly #random: SeededRandom;
	#rest: Uint8Array = new Uint8Array(0);
	#booked = false;
	#ended = false;

	constructor(end: LinkEnd, random: SeededRandom) {
		this.#end = end;
		this.#random = random;
	}

	add(bytes: Uint8Array): void {
		if (this.#rest.length === 0) {
			this.#rest = bytes;
		} else {
			const joined = new Uint8Array(this.#rest.length + bytes.length);
			joined.set(this.#rest);
			joined.set(bytes, this.#rest.length);
			this.#rest = joined;
		}
		this.#book();
	}

	/** The stream ends. True when something is still to come, after which the end is told that it has ended. */
	end(): boolean {
		if (this.#rest.length === 0) return false;
		this.#ended = true;
		return true;
	}

	run(): void {
		this.#booked = false;
		this.#end.machine.admit(this);
	}

	perform(): void {
		const end = this.#end;
		const { length } = this.#rest;
		if (end.closed || length === 0) return;
		// One byte, all of it, or anything between: the ends of the range find the most mistakes.
		const kind = this.#random.next();
		let size = length;
		if (kind < 0.2) size = 1;
		else if (kind < 0.8) size = 1 + Math.floor(this.#random.next() * length);
		// A copy: a piece shares no memory with the next one, as on a socket.
		const piece = this.#rest.slice(0, size);
		this.#rest = this.#rest.subarray(size);
		end.deliver(piece);
		if (this.#rest.length > 0) this.#book();
		else if (this.#ended && !end.closed) end.finished();
	}

	#book(): void {
		if (this.#booked) return;
		this.#booked = true;
		const { world } = this.#end.machine;
		world.at(world.now + Math.floor(this.#random.next() * 1000), this);
	}
}
