import { ChordError } from "../errors.ts";
import { type Id, writeIdBytes } from "../id.ts";

/** For a value that cannot be written. */
export function invalid(what: string): ChordError {
	return new ChordError("INVALID_ARGUMENT", what);
}

/** By its size in bytes: the first number that is too large for an unsigned integer. */
const BOUNDS = [1, 2 ** 8, 2 ** 16, 2 ** 24, 2 ** 32, 2 ** 40, 2 ** 48] as const;

/** Writes what a message consists of. */
export type Fill = (writer: Writer) => void;

/** Memory, and from where on nobody uses it. */
interface Slab {
	readonly bytes: Uint8Array;
	free: number;
}

/** Memory that writers fill one after the other: to ask the system for some takes longer than to write into it. */
export class Slabs {
	/** Where what does not fit these may go. */
	readonly larger: Slabs | undefined;
	/** Where those go that nobody uses any part of, and come from. */
	readonly #whole: Slabs | undefined;
	readonly #size: number;
	readonly #least: number;
	readonly #most: number;
	readonly #spare: Slab[] = [];

	/** Bytes of each, how many have to be left of one that others are to have, and how many are kept for them. */
	constructor(
		size: number,
		least: number,
		most: number,
		{ larger, whole }: { readonly larger?: Slabs; readonly whole?: Slabs } = {},
	) {
		this.#size = size;
		this.#least = least;
		this.#most = most;
		this.larger = larger;
		this.#whole = whole;
	}

	take(): Slab {
		return (
			this.#spare.pop() ?? this.#whole?.take() ?? { bytes: new Uint8Array(this.#size), free: 0 }
		);
	}

	/** Whether one of these is right for so much: it fits, and most of the slab is used. */
	suits(size: number): boolean {
		return size <= this.#size && 2 * size > this.#size;
	}

	/** Of a slab the part from `free` on is for others. */
	give(slab: Slab, free: number): void {
		if (this.#size - free < this.#least || this.#spare.length >= this.#most) return;
		slab.free = free;
		this.#spare.push(slab);
	}

	/** Whether bytes are in memory of one of these: no other memory that links write into is of just their size. */
	hold({ buffer }: Uint8Array): boolean {
		return buffer.byteLength === this.#size;
	}

	/** Nobody uses these bytes any more, nor the memory that they are in, where that is one of these and all theirs. */
	reuse(bytes: Uint8Array): void {
		// What is before or behind them, others may have.
		const isShared = bytes.byteOffset > 0 || this.#size - bytes.length >= this.#least;
		if (!this.hold(bytes) || isShared) return;
		(this.#whole ?? this).give({ bytes: new Uint8Array(bytes.buffer), free: 0 }, 0);
	}
}

/**
 * For what is large, each in one of its own: a sealed record of the largest size fits. Such memory takes long to get, and
 * longer to have collected.
 */
export const LARGE: Slabs = new Slabs(66 * 1_024, 66 * 1_024, 16);

/** For single values, which may be kept, and their slab with them: so it is not large. */
const VALUES = new Slabs(16_384, 256, 4);

/** Collects bytes, up to a limit. */
export class Writer {
	#slabs: Slabs;
	/** Undefined once what is written has become too much for one. */
	#slab: Slab | undefined;
	/** The offset up to which it may write, and from which on that holds. */
	#limit: number;
	#from = 0;
	#bytes: Uint8Array;
	/** Where in it this writer began. */
	#base: number;
	#length = 0;
	#writing = false;

	/** `slabs` are those that it writes into. */
	constructor(limit: number, slabs: Slabs = VALUES) {
		this.#limit = limit;
		this.#slabs = slabs;
		const slab = slabs.take();
		this.#slab = slab;
		this.#bytes = slab.bytes;
		this.#base = slab.free;
	}

	/** Whether a part is being written. */
	get isWriting(): boolean {
		return this.#writing;
	}

	/** How many bytes were written. */
	get length(): number {
		return this.#length;
	}

	/** How many more bytes fit into the memory that it has. */
	get room(): number {
		return this.#bytes.length - this.#base - this.#length;
	}

	/**
	 * Begins a part, of at most `limit` bytes, behind what there is; gives where.
	 * @throws ChordError `INVALID_ARGUMENT` while another is being written
	 */
	begin(limit: number): number {
		if (this.#writing) throw invalid("a codec may not send while it writes");
		this.#writing = true;
		this.#from = this.#length;
		this.#limit = this.#length + limit;
		return this.#length;
	}

	/** Ends it; what was written from `length` on is taken back. */
	end(length: number = this.#length): void {
		this.#writing = false;
		this.#length = length;
	}

	/** Room for `length` more bytes; gives the offset in `#bytes` at which to write them. */
	#grow(length: number): number {
		const start = this.#length;
		const end = start + length;
		if (end > this.#limit) {
			throw new ChordError(
				"TOO_LARGE",
				`more than the ${this.#limit - this.#from} bytes that one frame may carry`,
			);
		}
		if (this.#base + end > this.#bytes.length) this.#move(Math.max(end, start * 2));
		this.#length = end;
		return this.#base + start;
	}

	/** Goes on in memory of its own. */
	#move(wanted: number): void {
		const size = Math.min(this.#limit, wanted);
		const { larger } = this.#slabs;
		const slab = larger?.suits(size) === true ? larger.take() : undefined;
		const bytes = slab?.bytes ?? new Uint8Array(size);
		bytes.set(this.view());
		this.#release(this.#base);
		this.#slabs = larger ?? this.#slabs;
		this.#slab = slab;
		this.#bytes = bytes;
		this.#base = 0;
	}

	/** An unsigned integer of 1 to 6 bytes. */
	uint(size: number, value: number): void {
		if (!Number.isInteger(value) || value < 0 || value >= BOUNDS[size]!) {
			throw invalid(`${String(value)} is not an unsigned integer of ${8 * size} bits`);
		}
		this.#put(this.#grow(size), size, value);
	}

	/** Writes an unsigned integer over what is at an offset. */
	replace(offset: number, size: number, value: number): void {
		this.#put(this.#base + offset, size, value);
	}

	#put(start: number, size: number, value: number): void {
		const bytes = this.#bytes;
		// What is put into an array of bytes is cut to its lowest.
		if (size === 4) {
			bytes[start] = value >>> 24;
			bytes[start + 1] = value >>> 16;
			bytes[start + 2] = value >>> 8;
			bytes[start + 3] = value;
			return;
		}
		let rest = value;
		for (let i = start + size - 1; i >= start; i--) {
			bytes[i] = rest;
			rest = Math.floor(rest / 256);
		}
	}

	/** Bytes as they are. */
	raw(bytes: Uint8Array): void {
		const start = this.#grow(bytes.length);
		this.#bytes.set(bytes, start);
	}

	/** Bytes, or what is to be written in their place. */
	body(body: Uint8Array | Fill): void {
		if (typeof body === "function") body(this);
		else this.raw(body);
	}

	/** An id: 32 bytes. */
	id(value: Id): void {
		const start = this.#grow(32);
		writeIdBytes(value, this.#bytes, start);
	}

	/** What was written from an offset on, until more is. */
	view(from = 0): Uint8Array {
		return this.#bytes.subarray(this.#base + from, this.#base + this.#length);
	}

	/** What was written: a view, of memory that others may have views of too. The writer is not used after this. */
	finish(): Uint8Array {
		const written = this.view();
		this.#release(this.#base + this.#length);
		return written;
	}

	/** What was written is not used any more, and neither is the writer. */
	drop(): void {
		this.#release(this.#base);
	}

	#release(free: number): void {
		if (this.#slab !== undefined) this.#slabs.give(this.#slab, free);
		this.#slab = undefined;
	}
}
