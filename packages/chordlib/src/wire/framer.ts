import { ChordError } from "../errors.ts";
import { Reader } from "./reader.ts";
import type { Slabs } from "./writer.ts";

/** Bytes that say how long a frame is. */
export const HEADER = 4;

/** Bytes that {@link sized} adds. */
export const SIZE = 2;

/** A message of at most 65,535 bytes, and before it how many they are, in 16 bits: so handshakes and sealed records go. */
export function sized(message: Uint8Array): Uint8Array {
	const framed = new Uint8Array(SIZE + message.length);
	framed.set(message, SIZE);
	return withSize(framed);
}

/** The same, for a message before which the bytes that say how long it is were left free. */
export function withSize(framed: Uint8Array): Uint8Array {
	const length = framed.length - SIZE;
	framed[0] = length >>> 8;
	framed[1] = length;
	return framed;
}

/** Cuts a stream of bytes into the frames that were put in, however the network cut it. */
export class Framer {
	/** The largest frame that may come. */
	limit: number;
	/** True once one came that was larger. */
	exceeded = false;
	/** What has arrived of a frame that is not whole; allocated to its final size once that is known. */
	#partial: Uint8Array | undefined;
	#filled = 0;
	/** How many bytes say how long a frame is; how many of them have come, and what they say. */
	readonly #header: number;
	#headerFilled = 0;
	#announced = 0;
	/** Memory for frames that are not needed once they have been emitted. */
	readonly #slabs: Slabs | undefined;

	/**
	 * `header` is how many bytes say how long a frame is. With `slabs`, what is emitted may be written over as soon as
	 * `emit` has returned.
	 */
	constructor(limit: number, header: number = HEADER, slabs?: Slabs) {
		this.limit = limit;
		this.#header = header;
		this.#slabs = slabs;
	}

	/**
	 * Calls `emit` for each frame that `chunk` completes, until it returns false, with one that is to be read. Its bytes may
	 * be those of `chunk`.
	 * @throws ChordError `MALFORMED` for a frame that is empty or over the limit; the stream is lost then.
	 */
	push(chunk: Uint8Array, emit: (frame: Reader) => boolean): void {
		let offset = 0;
		while (offset < chunk.length) {
			if (this.#partial === undefined) {
				offset = this.#fillHeader(chunk, offset);
				if (this.#headerFilled < this.#header) return;
				const length = this.#takeLength();
				if (chunk.length - offset >= length) {
					const whole = new Reader(chunk, offset, offset + length);
					offset += length;
					if (!emit(whole)) return;
					continue;
				}
				this.#partial = this.#memory(length);
				this.#filled = 0;
			}
			const part = chunk.subarray(offset, offset + this.#partial.length - this.#filled);
			this.#partial.set(part, this.#filled);
			this.#filled += part.length;
			offset += part.length;
			if (this.#filled === this.#partial.length) {
				const whole = this.#partial;
				this.#partial = undefined;
				const goesOn = emit(new Reader(whole));
				this.#slabs?.reuse(whole);
				if (!goesOn) return;
			}
		}
	}

	#memory(length: number): Uint8Array {
		return this.#slabs?.suits(length) === true
			? this.#slabs.take().bytes.subarray(0, length)
			: new Uint8Array(length);
	}

	#fillHeader(chunk: Uint8Array, start: number): number {
		let offset = start;
		while (this.#headerFilled < this.#header && offset < chunk.length) {
			this.#announced = this.#announced * 256 + chunk[offset++]!;
			this.#headerFilled++;
		}
		return offset;
	}

	#takeLength(): number {
		const length = this.#announced;
		this.#announced = 0;
		this.#headerFilled = 0;
		if (length === 0 || length > this.limit) {
			this.exceeded = length > this.limit;
			throw new ChordError(
				"MALFORMED",
				`a frame of ${length} bytes; 1 to ${this.limit} are allowed`,
			);
		}
		return length;
	}
}
