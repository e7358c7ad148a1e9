import { concat } from "./concat.ts";

/** Bytes that go out together. Pieces that follow each other in memory, as writers leave them, are joined uncopied. */
export class Batch {
	#pieces: Uint8Array[] = [];
	/** Where the last piece is, to which more may be joined. */
	#memory: ArrayBufferLike | undefined;
	#start = 0;
	#end = 0;
	#size = 0;

	/** How many bytes there are. */
	get size(): number {
		return this.#size;
	}

	/** Puts a piece, which the caller no longer changes, behind those before it. */
	add(piece: Uint8Array): void {
		const { buffer, byteOffset, length } = piece;
		this.#size += length;
		if (buffer !== this.#memory || byteOffset !== this.#end) {
			this.#endPiece();
			this.#memory = buffer;
			this.#start = byteOffset;
			this.#end = byteOffset;
		}
		this.#end += length;
	}

	/** All that was put in; nothing is left. */
	take(): Uint8Array {
		this.#endPiece();
		const pieces = this.#pieces;
		const [first = new Uint8Array(0)] = pieces;
		const whole = pieces.length > 1 ? concat(pieces) : first;
		this.#pieces = [];
		this.#size = 0;
		return whole;
	}

	#endPiece(): void {
		if (this.#memory === undefined) return;
		this.#pieces.push(new Uint8Array(this.#memory, this.#start, this.#end - this.#start));
		this.#memory = undefined;
	}
}
