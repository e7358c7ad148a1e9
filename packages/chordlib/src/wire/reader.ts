import { ChordError } from "../errors.ts";
import { type Id, idFromBytes } from "../id.ts";

/** For bytes that are not what they should be. */
export function malformed(what: string): ChordError {
	return new ChordError("MALFORMED", what);
}

/** Takes bytes apart. What it gives out are views of the input. */
export class Reader {
	readonly #bytes: Uint8Array;
	#offset: number;
	readonly #end: number;

	/**
	 * Of `bytes` those from `start` (0) up to `end` (their length).
	 * @throws ChordError `INVALID_ARGUMENT` when there are none such
	 */
	constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
		if (!(start >= 0 && start <= end && end <= bytes.length)) {
			throw new ChordError("INVALID_ARGUMENT", `${start} to ${end} of ${bytes.length} bytes`);
		}
		this.#bytes = bytes;
		this.#offset = start;
		this.#end = end;
	}

	/** How many bytes are left. */
	get left(): number {
		return this.#end - this.#offset;
	}

	#take(length: number): number {
		const start = this.#offset;
		if (length > this.left) throw malformed(`the message ends ${length - this.left} bytes early`);
		this.#offset += length;
		return start;
	}

	/** An unsigned integer of so many bytes, big-endian. */
	uint(size: number): number {
		const start = this.#take(size);
		let value = 0;
		for (let i = 0; i < size; i++) value = value * 256 + this.#bytes[start + i]!;
		return value;
	}

	/** The unsigned integer that comes next, as if zeros followed the message; nothing is taken. */
	peek(size: number): number {
		let value = 0;
		for (let i = 0; i < size; i++) {
			value = value * 256 + (i < this.left ? this.#bytes[this.#offset + i]! : 0);
		}
		return value;
	}

	/** Takes `bytes` if they come next; false if not. */
	skip(bytes: Uint8Array): boolean {
		if (bytes.length > this.left) return false;
		for (let i = 0; i < bytes.length; i++) {
			if (this.#bytes[this.#offset + i] !== bytes[i]) return false;
		}
		this.#offset += bytes.length;
		return true;
	}

	/** So many bytes: a view, which holds as long as the packet. */
	raw(length: number): Uint8Array {
		const start = this.#take(length);
		return this.#bytes.subarray(start, start + length);
	}

	/** All that is left: a view, likewise. */
	rest(): Uint8Array {
		return this.raw(this.left);
	}

	/** An id: 32 bytes. */
	id(): Id {
		return idFromBytes(this.#bytes, this.#take(32));
	}

	/** Nothing more is to come. @throws ChordError `MALFORMED` when bytes are left. */
	end(): void {
		if (this.left > 0) throw malformed(`${this.left} bytes follow the message`);
	}
}
