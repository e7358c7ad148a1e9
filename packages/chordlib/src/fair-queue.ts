import type { Id } from "./id.ts";
import { type Outgoing, writeFrame } from "./wire/messages.ts";
import { LARGE, Slabs, Writer } from "./wire/writer.ts";

/** Between whom a message goes that links carry on: those who say it take turns with each other. */
export interface Pair {
	readonly origin: { readonly id: Id };
	readonly target: Id;
}

/**
 * Bytes that a link is given to send before who else waits has his turn: one chunk of a large message. So is what goes
 * out in one turn.
 */
export const TURN = 49_152;

/** Bytes from which on a pair's frames have memory of their own: very many pairs may have one frame that waits. */
const MUCH = 4_096;

/** Bytes from which on small ones are put where a turn fits, which then goes out uncopied. */
const VERY_MUCH = 2 * TURN;

/** Memory that frames have waited in and that nobody uses any more, of all queues: each by itself may be empty for long. */
const WHOLE = new Slabs(16_384, 16_384, 64);

/** Frames in one memory, and where each of them ends. */
interface Piece {
	bytes: Uint8Array;
	ends: number[];
	/** How many in front are gone. */
	taken: number;
}

/** Frames that wait for one turn after the other, first come, first served among themselves. */
class Flow {
	/** Its place among the others; `undefined` for what the ends of the link say. */
	readonly key: string | undefined;
	readonly #slabs: Slabs;
	readonly #pieces: Piece[] = [];
	/** What comes behind the pieces, and where each frame of it ends. */
	#writer: Writer | undefined;
	#ends: number[] = [];
	/** Bytes that wait, and of the last frame. */
	#size = 0;
	#length = 0;
	/** Bytes that have gone out in this turn. */
	#sent = 0;

	constructor(key: string | undefined, slabs: Slabs) {
		this.key = key;
		this.#slabs = slabs;
	}

	get isWaiting(): boolean {
		return this.#pieces.length > 0 || this.#writer !== undefined;
	}

	/** Whether it has had its turn: what comes next is more than is left of it. */
	get isServed(): boolean {
		return !this.isWaiting || this.#sent + this.#next() > TURN;
	}

	/** Bytes in front that are better not cut. */
	#next(): number {
		const [piece] = this.#pieces;
		if (piece === undefined) return this.#ends[0] ?? 0;
		const { bytes, ends, taken } = piece;
		if (taken === 0 && LARGE.hold(bytes)) return bytes.length;
		return (ends[taken] ?? 0) - (ends[taken - 1] ?? 0);
	}

	endTurn(): void {
		this.#sent = 0;
	}

	/** Gives how many bytes the frame has. @throws ChordError as {@link writeFrame} */
	push(frame: Outgoing, limit: number): number {
		const isLarge = this.#size >= VERY_MUCH && this.#length < MUCH;
		const writer = this.#writer ?? new Writer(0, isLarge ? LARGE : this.#slabs);
		const isFirst = this.#writer === undefined;
		this.#writer = writer;
		let length = 0;
		try {
			length = writeFrame(writer, frame, limit);
		} catch (error) {
			if (isFirst) {
				this.#writer = undefined;
				writer.drop();
			}
			throw error;
		}
		this.#size += length;
		this.#length = length;
		this.#ends.push(writer.length);
		// Another of that length would have it move all that there is, or be more than a turn.
		const isFull = writer.room < length || writer.length + length > TURN;
		if (isFull || this.#size < MUCH) this.#endPiece();
		return length;
	}

	/** Of what came last so many bytes, until more does. */
	last(length: number): Uint8Array {
		const behind = this.#writer;
		if (behind !== undefined) return behind.view(behind.length - length);
		const { bytes } = this.#pieces.at(-1)!;
		return bytes.subarray(bytes.length - length);
	}

	/**
	 * Takes frames that follow each other, as many as fit into `room` and into a turn, one at least where that fits into
	 * `room`; else `undefined`. What would have to be cut, and so copied, waits for more room unless `mayCut`. Few bytes
	 * hold until the next frame is put behind the others: their memory is used again.
	 */
	take(room: number, mayCut: boolean): Uint8Array | undefined {
		if (this.#pieces.length === 0) this.#endPiece();
		const [piece] = this.#pieces;
		if (piece === undefined) return undefined;
		const { bytes, ends } = piece;
		const start = ends[piece.taken - 1] ?? 0;
		const left = bytes.length - start;
		const isLarge = LARGE.hold(bytes);
		if (isLarge && left > room && !mayCut) return undefined;
		const most = Math.min(room, Math.max(this.#next(), TURN - this.#sent));
		let end = start;
		for (let next = ends[piece.taken]; next !== undefined; next = ends[piece.taken]) {
			if (next - start > most) break;
			end = next;
			piece.taken++;
		}
		this.#sent += end - start;
		this.#size -= end - start;
		if (end === start) return undefined;
		// Who has sent what is in large memory has it used again, and all of it.
		const isPart = isLarge && end - start < bytes.length;
		const frames = isPart ? bytes.slice(start, end) : bytes.subarray(start, end);
		if (piece.taken === ends.length) {
			this.#pieces.shift();
			if (isPart) LARGE.reuse(bytes);
			else this.#slabs.reuse(bytes);
		}
		if (this.#size < MUCH) this.#settle();
		return frames;
	}

	/** Little may wait for long: it does not keep large memory. */
	#settle(): void {
		this.#endPiece();
		for (const piece of this.#pieces) {
			const { bytes, ends, taken } = piece;
			if (!LARGE.hold(bytes)) continue;
			const start = ends[taken - 1] ?? 0;
			piece.bytes = bytes.slice(start);
			piece.ends = ends.slice(taken).map((end) => end - start);
			piece.taken = 0;
			LARGE.reuse(bytes);
		}
	}

	#endPiece(): void {
		const writer = this.#writer;
		// What is put into a frame may be what ends the link.
		if (writer === undefined || writer.isWriting) return;
		this.#addPiece(writer.finish(), this.#ends);
		this.#writer = undefined;
		this.#ends = [];
	}

	#addPiece(bytes: Uint8Array, ends: number[]): void {
		const last = this.#pieces.at(-1);
		if (last === undefined || !follows(last.bytes, bytes)) {
			this.#pieces.push({ bytes, ends, taken: 0 });
			return;
		}
		const { buffer, byteOffset, length } = last.bytes;
		last.bytes = new Uint8Array(buffer, byteOffset, length + bytes.length);
		for (const end of ends) last.ends.push(length + end);
	}
}

/** Whether `next` begins where `bytes` end. */
function follows(bytes: Uint8Array, next: Uint8Array): boolean {
	return bytes.buffer === next.buffer && bytes.byteOffset + bytes.length === next.byteOffset;
}

/**
 * What waits for a link that does not keep up. Each pair of peers whose messages it carries has a turn, one after the
 * other, and what the ends of the link say to each other has every second one. So nobody waits for more than one turn
 * of each of the others, however much they have to say.
 */
export class FairQueue {
	/** For the frames of all pairs: they may wait for long, so that nothing else is part of their memory. */
	readonly #slabs = new Slabs(16_384, 4_096, 1, { larger: LARGE, whole: WHOLE });
	readonly #own = new Flow(undefined, this.#slabs);
	/** The one whose turn it is in front. */
	readonly #flows = new Map<string, Flow>();
	/** Whose message came last: often they have more to say. */
	#last: { readonly from: Id; readonly to: Id; readonly flow: Flow } | undefined;
	#ownTurn = false;
	#size = 0;

	/** Bytes that wait. */
	get size(): number {
		return this.#size;
	}

	/**
	 * Puts a frame of at most `limit` bytes behind those of the same pair; without one, behind what the ends of the link
	 * say. Gives how many bytes it has.
	 * @throws ChordError as {@link writeFrame}; nothing is put then
	 */
	push(frame: Outgoing, limit: number, pair: Pair | undefined): number {
		const flow = this.#flow(pair);
		const isNew = flow.key !== undefined && !flow.isWaiting;
		const length = flow.push(frame, limit);
		if (isNew) this.#flows.set(flow.key, flow);
		this.#size += length;
		return length;
	}

	/** Of what the same pair said last so many bytes, as they will go out, until it says more. */
	last(length: number, pair: Pair | undefined): Uint8Array {
		return this.#flow(pair).last(length);
	}

	/**
	 * Takes what goes out next, one frame or several that follow each other; `undefined` when none waits, or the first is
	 * larger than `room`. Without `mayCut` also when there is room only for a part of what is better not cut.
	 */
	take(room: number = Infinity, mayCut = true): Uint8Array | undefined {
		const own = this.#own.isWaiting && (this.#ownTurn || this.#flows.size === 0);
		const flow = own ? this.#own : this.#front();
		const frames = flow?.take(room, mayCut);
		if (flow === undefined || frames === undefined) return undefined;
		this.#size -= frames.length;
		if (flow.isServed) this.#endTurn(flow);
		return frames;
	}

	#front(): Flow | undefined {
		for (const flow of this.#flows.values()) return flow;
		return undefined;
	}

	/** Who has more to say goes behind the others. */
	#endTurn(flow: Flow): void {
		const { key } = flow;
		flow.endTurn();
		this.#ownTurn = key !== undefined;
		if (key === undefined) return;
		this.#flows.delete(key);
		if (flow.isWaiting) this.#flows.set(key, flow);
		else if (this.#last?.flow === flow) this.#last = undefined;
	}

	#flow(pair: Pair | undefined): Flow {
		if (pair === undefined) return this.#own;
		const { origin, target: to } = pair;
		const from = origin.id;
		const last = this.#last;
		if (last !== undefined && last.from === from && last.to === to) return last.flow;
		const key = from + to;
		const flow = this.#flows.get(key) ?? new Flow(key, this.#slabs);
		this.#last = { from, to, flow };
		return flow;
	}
}
