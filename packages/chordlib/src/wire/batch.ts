import { concat } from "./concat.ts";
import { type Outgoing, writeFrame } from "./messages.ts";
import { LARGE, Slabs, Writer } from "./writer.ts";

/** For links with little to say: very many of them may say something in one turn. */
const LITTLE = { size: 2_048, slabs: new Slabs(2_048, 512, 256, { larger: LARGE }) } as const;
/** Pieces below this are copied behind what there is; larger ones stay where they are. */
const SMALL = 24_576;

/** Frames that go out together, written one behind the other. */
export class Batch {
	#pieces: Uint8Array[] = [];
	/** What comes behind the pieces. */
	#writer: Writer | undefined;
	#size = 0;
	/** How many bytes there were the last time, where their memory is free again. */
	#before = 0;

	/** How many bytes there are. */
	get size(): number {
		return this.#size;
	}

	/**
	 * Writes a frame; gives how many bytes it has.
	 * @throws ChordError as {@link writeFrame}; nothing is left of the frame then
	 */
	write(frame: Outgoing, limit: number): number {
		const length = writeFrame(this.#open(), frame, limit);
		this.#size += length;
		return length;
	}

	/** Of what was written last so many bytes, until more is. */
	last(length: number): Uint8Array {
		const writer = this.#writer;
		return writer === undefined ? new Uint8Array(0) : writer.view(writer.length - length);
	}

	/** Takes them back. */
	takeBack(length: number): void {
		this.#writer?.end(this.#writer.length - length);
		this.#size -= length;
	}

	/** Puts a piece, which nobody else uses any more, behind what there is. */
	add(piece: Uint8Array): void {
		this.#size += piece.length;
		if (piece.length >= SMALL) {
			this.#endPiece();
			this.#pieces.push(piece);
			return;
		}
		const writer = this.#open();
		writer.begin(Infinity);
		writer.raw(piece);
		writer.end();
		LARGE.reuse(piece);
	}

	/** All that there is, until more is written. */
	get bytes(): Uint8Array {
		if (this.#pieces.length === 0) return this.last(this.#size);
		this.#endPiece();
		const [first = new Uint8Array(0)] = this.#pieces;
		return this.#pieces.length === 1 ? first : concat(this.#pieces);
	}

	/** Begins anew. Unless somebody still uses the bytes that there were, their memory is written over. */
	clear(used: boolean): void {
		if (used) this.#endPiece();
		else {
			for (const piece of this.#pieces) LARGE.reuse(piece);
			this.#writer?.drop();
		}
		this.#writer = undefined;
		this.#pieces = [];
		this.#before = used ? 0 : this.#size;
		this.#size = 0;
	}

	#open(): Writer {
		this.#writer ??= new Writer(0, this.#before > LITTLE.size ? LARGE : LITTLE.slabs);
		return this.#writer;
	}

	#endPiece(): void {
		const writer = this.#writer;
		this.#writer = undefined;
		if (writer === undefined) return;
		// All of it may have been taken back.
		if (writer.length === 0) writer.drop();
		else this.#pieces.push(writer.finish());
	}
}
