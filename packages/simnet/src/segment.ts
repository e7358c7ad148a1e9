import type { Held } from "./gate.ts";
import type { LinkEnd } from "./link.ts";
import type { Task } from "./queue.ts";

/** What one end of a link tells the other. */
export type Signal = "accept" | "data" | "end" | "reset";

/** Something under way to one end of a link. */
export class Segment implements Task, Held {
	readonly dead = false;
	readonly #to: LinkEnd;
	readonly #signal: Signal;
	readonly #size: number;
	#bytes: Uint8Array | undefined;
	#step: "wire" | "download" | "kept" = "wire";

	constructor(to: LinkEnd, signal: Signal, bytes: Uint8Array | undefined) {
		this.#to = to;
		this.#signal = signal;
		this.#bytes = bytes;
		this.#size = bytes?.length ?? 0;
	}

	run(): void {
		const to = this.#to;
		const { machine } = to;
		if (!machine.up) {
			this.#lose();
			if (this.#signal !== "reset") to.peer?.persist();
			return;
		}
		if (this.#step === "wire" && this.#download()) return;
		if (to.closed) {
			// The kernel knows of no such link.
			if (this.#signal !== "reset") to.refuse();
			return;
		}
		if (this.#step !== "kept" && this.#keep()) return;
		if (this.#step === "kept") to.kept--;
		machine.admit(this);
	}

	perform(): void {
		const to = this.#to;
		if (to.closed) return;
		if (this.#signal === "accept") to.accepted();
		else if (this.#signal === "end") to.ended();
		else if (this.#signal === "reset") to.fail("ECONNRESET", "the other end is gone");
		else {
			if (to.machine.world.rules.window < Infinity) to.peer?.consumed(this.#size);
			if (this.#bytes !== undefined) to.arrived(this.#bytes);
		}
	}

	/** Whether it has to wait for the machine's downlink. */
	#download(): boolean {
		const { world, downlink } = this.#to.machine;
		if (downlink === undefined) return false;
		this.#step = "download";
		world.at(downlink.arrival(world.now, this.#size), this);
		return true;
	}

	/** Lets the machine's interception judge it. True when it is held back, or waits for what is. */
	#keep(): boolean {
		const to = this.#to;
		const { world, intercept } = to.machine;
		if (intercept !== undefined && this.#bytes !== undefined) {
			this.#bytes = intercept.judge(to, this.#bytes, "in");
			if (this.#bytes === undefined) this.#lose();
			if (intercept.delay > 0) to.keptUntil = Math.max(to.keptUntil, world.now + intercept.delay);
		}
		if (to.kept === 0 && to.keptUntil <= world.now) return false;
		this.#step = "kept";
		to.kept++;
		world.at(Math.max(to.keptUntil, world.now), this);
		return true;
	}

	#lose(): void {
		const { machine, id } = this.#to;
		machine.world.note("lost", machine, id, this.#size);
	}
}

/** The room that an end has again for bytes under way. */
export class Credit implements Task {
	readonly dead = false;
	readonly #end: LinkEnd;
	readonly #bytes: number;

	constructor(end: LinkEnd, bytes: number) {
		this.#end = end;
		this.#bytes = bytes;
	}

	run(): void {
		this.#end.credited(this.#bytes);
	}
}

/** The patience of an end that has closed: it does not wait for ever until the other end closes too. */
export class Linger implements Task, Held {
	readonly dead = false;
	readonly #end: LinkEnd;

	constructor(end: LinkEnd) {
		this.#end = end;
	}

	run(): void {
		if (!this.#end.closed) this.#end.machine.admit(this);
	}

	perform(): void {
		this.#end.destroy();
	}
}
