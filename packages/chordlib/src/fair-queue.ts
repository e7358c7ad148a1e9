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

/** Bytes of the memory that frames which wait are put into. */
const SLAB = 16_384;

/** Bytes from which on a pair's frames have memory of their own: very many pairs may have one frame that waits. */
const MUCH = 4_096;

/** Frames that wait for one turn after the other, first come, first served among themselves. */
class Flow {
	/** Its place among the others; `undefined` for what the ends of the link say. */
	readonly key: string | undefined;
	readonly #slabs: Slabs;
	/** Frames that follow each other in memory go out together. */
	readonly #pieces: Uint8Array[] = [];
	/** What comes behind the pieces. */
	#writer: Writer | undefined;
	/** Bytes that wait. */
	#size = 0;
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
		const next = this.#pieces[0] ?? this.#writer;
		return next === undefined || this.#sent + next.length > TURN;
	}

	endTurn(): void {
		this.#sent = 0;
	}

	/** Gives how many bytes the frame has. @throws ChordError as {@link writeFrame} */
	push(frame: Outgoing, limit: number): number {
		const length = this.#write(frame, limit);
		this.#size += length;
		const { room, length: written } = this.#writer!;
		// Another of that length would have it move all that there is, or be more than goes out in a turn.
		const isFull = room < length || written + length > TURN;
		if (isFull || this.#size < MUCH) this.#endPiece();
		return length;
	}

	#write(frame: Outgoing, limit: number): number {
		if (this.#writer !== undefined) return writeFrame(this.#writer, frame, limit);
		// Where it would fill a turn, what waits has memory that goes out uncopied.
		const writer = new Writer(0, this.#size < SLAB ? this.#slabs : LARGE);
		this.#writer = writer;
		try {
			return writeFrame(writer, frame, limit);
		} catch (error) {
			this.#writer = undefined;
			writer.drop();
			throw error;
		}
	}

	/** Of what came last so many bytes, until more does. */
	last(length: number): Uint8Array {
		const behind = this.#writer;
		if (behind !== undefined) return behind.view(behind.length - length);
		const piece = this.#pieces.at(-1)!;
		return piece.subarray(piece.length - length);
	}

	/** Takes frames that follow each other, where there is `room` for them. */
	take(room: number): Uint8Array | undefined {
		if (this.#pieces.length === 0) this.#endPiece();
		const [piece] = this.#pieces;
		if (piece === undefined || piece.length > room) return undefined;
		this.#pieces.shift();
		this.#size -= piece.length;
		this.#sent += piece.length;
		return piece;
	}

	#endPiece(): void {
		const piece = this.#writer?.finish();
		this.#writer = undefined;
		if (piece === undefined) return;
		const last = this.#pieces.at(-1);
		if (last === undefined || !follows(last, piece)) {
			this.#pieces.push(piece);
			return;
		}
		const { buffer, byteOffset, length } = last;
		this.#pieces.pop();
		this.#pieces.push(new Uint8Array(buffer, byteOffset, length + piece.length));
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
	readonly #slabs = new Slabs(SLAB, SLAB / 4, 1, LARGE);
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
	 * larger than `room`.
	 */
	take(room: number = Infinity): Uint8Array | undefined {
		const own = this.#own.isWaiting && (this.#ownTurn || this.#flows.size === 0);
		const flow = own ? this.#own : this.#front();
		const frames = flow?.take(room);
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
