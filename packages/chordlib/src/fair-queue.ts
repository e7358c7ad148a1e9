import type { Id } from "./id.ts";
import { Slabs } from "./wire/writer.ts";

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

/** Frames that wait for one turn after the other, first come, first served among themselves. */
interface Flow {
	/** Its place among the others; `undefined` for what the ends of the link say. */
	readonly key: string | undefined;
	readonly frames: (Uint8Array | undefined)[];
	/** Of them, those in front that are gone. */
	taken: number;
	/** Bytes that have gone out in this turn. */
	sent: number;
}

/**
 * What waits for a link that does not keep up. Each pair of peers whose messages it carries has a turn, one after the
 * other, and what the ends of the link say to each other has every second one. So nobody waits for more than one turn
 * of each of the others, however much they have to say.
 */
export class FairQueue {
	/** For the frames: they may wait for long, so that nothing else is part of their memory. */
	readonly slabs: Slabs = new Slabs(16_384, 256, 1);
	readonly #own: Flow = { key: undefined, frames: [], taken: 0, sent: 0 };
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

	/** Puts a frame behind those of the same pair; without one, behind what the ends of the link say. */
	push(frame: Uint8Array, pair: Pair | undefined): void {
		this.#flow(pair).frames.push(frame);
		this.#size += frame.length;
	}

	/** Takes the frame that goes out next; `undefined` when none waits, or that one is larger than `room`. */
	take(room: number = Infinity): Uint8Array | undefined {
		const own = isWaiting(this.#own) && (this.#ownTurn || this.#flows.size === 0);
		const flow = own ? this.#own : this.#front;
		const frame = flow?.frames[flow.taken];
		if (flow === undefined || frame === undefined || frame.length > room) return undefined;
		flow.frames[flow.taken++] = undefined;
		this.#size -= frame.length;
		flow.sent += frame.length;
		if (!isWaiting(flow) || flow.sent >= TURN) this.#endTurn(flow);
		return frame;
	}

	get #front(): Flow | undefined {
		for (const flow of this.#flows.values()) return flow;
		return undefined;
	}

	/** Who has more to say goes behind the others. */
	#endTurn(flow: Flow): void {
		const { frames, key } = flow;
		flow.sent = 0;
		if (2 * flow.taken >= frames.length) {
			frames.splice(0, flow.taken);
			flow.taken = 0;
		}
		this.#ownTurn = key !== undefined;
		if (key === undefined) return;
		this.#flows.delete(key);
		if (isWaiting(flow)) this.#flows.set(key, flow);
		else if (this.#last?.flow === flow) this.#last = undefined;
	}

	#flow(pair: Pair | undefined): Flow {
		if (pair === undefined) return this.#own;
		const { origin, target: to } = pair;
		const from = origin.id;
		const last = this.#last;
		if (last !== undefined && last.from === from && last.to === to) return last.flow;
		const key = from + to;
		const flow = this.#flows.get(key) ?? { key, frames: [], taken: 0, sent: 0 };
		this.#flows.set(key, flow);
		this.#last = { from, to, flow };
		return flow;
	}
}

function isWaiting({ frames, taken }: Flow): boolean {
	return taken < frames.length;
}
