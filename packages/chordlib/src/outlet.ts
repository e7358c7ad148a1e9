import { FairQueue, type Pair, TURN } from "./fair-queue.ts";
import type { Clock, Link } from "./ports.ts";
import type { Channel } from "./secure/channel.ts";
import { Batch } from "./wire/batch.ts";
import { concat } from "./wire/concat.ts";
import type { Outgoing } from "./wire/messages.ts";
import { LARGE } from "./wire/writer.ts";

/** A frame of so many bytes gains little from others that go out with it: the other end may as well begin. */
const LARGE_FRAME = 16_384;

/**
 * What goes out over one link. Frames that are sent while something runs go out together when it has finished: the
 * system, and sealing, take more time for a piece than for its bytes. The link is given no more than it sends in one
 * turn; what is more waits here, where who has little to say need not wait for who has much. While the link keeps up,
 * nothing waits, and a large frame does not even for the end of the turn.
 */
export class Outlet {
	/** The network's end. Given before anything is sent. */
	link: Link | undefined;
	/** Seals what goes out, where links are encrypted. Given once the greeting is done. */
	channel: Channel | undefined;
	/** The end of the greeting: goes out as it is, in one piece with what is sent first. */
	head: Uint8Array | undefined;
	/** Hears of each frame that is to be sent, as it goes out: a view, until the next one. */
	told: ((frame: Uint8Array) => void) | undefined;
	readonly #clock: Clock;
	readonly #flushed: () => void;
	readonly #batch = new Batch();
	#flushing = false;
	/** Bytes that went out before the end of this turn. */
	#early = 0;
	/** Large memory that the link was given and may still use, until it has nothing to send. */
	#lent: Uint8Array[] = [];
	/** Whether what is to go out together has waited, some of it. */
	#pumped = false;
	/** Undefined until something has to wait. */
	#queue: FairQueue | undefined;

	/** `flushed` is called when something has gone out that was sent. */
	constructor(clock: Clock, flushed: () => void) {
		this.#clock = clock;
		this.#flushed = flushed;
	}

	/** Bytes that the network has not taken yet. */
	get buffered(): number {
		return this.#given() + this.waiting;
	}

	/** Of them, those that wait here for their turn. */
	get waiting(): number {
		return this.#queue?.size ?? 0;
	}

	#given(): number {
		return (this.link?.buffered ?? 0) + this.#batch.size;
	}

	/** The longest frame that the link may be given now, which has so much: any when that is nothing. */
	#room(given: number): number {
		const all = given + this.#early;
		return all === 0 ? Infinity : TURN - all;
	}

	/**
	 * Sends a frame of at most `limit` bytes in its turn: that of the pair whose message it carries, or, without one, of
	 * the ends of the link. Gives how many bytes the network has not taken yet.
	 * @throws ChordError as `writeFrame`; nothing is sent then
	 */
	send(frame: Outgoing, limit: number, pair?: Pair): number {
		if (this.waiting === 0) {
			const given = this.#given();
			const room = this.#room(given);
			if (room > 0) {
				const length = this.#batch.write(frame, limit);
				if (length <= room) return this.#goesOut(length) ? this.buffered : given + length;
				this.#batch.takeBack(length);
			}
		}
		this.#queue ??= new FairQueue();
		const queue = this.#queue;
		const length = queue.push(frame, limit, pair);
		this.told?.(queue.last(length, pair));
		return this.buffered;
	}

	/** Sends a frame before all that waits. Gives how many bytes the network has not taken yet. */
	sendFirst(frame: Outgoing, limit: number): number {
		this.#goesOut(this.#batch.write(frame, limit));
		return this.buffered;
	}

	/** What was written last goes out at the end of this turn, or at once; gives whether it has. */
	#goesOut(length: number): boolean {
		this.#flushSoon();
		this.told?.(this.#batch.last(length));
		const isNow = length >= LARGE_FRAME && this.link?.buffered === 0;
		if (isNow) {
			this.#early += this.#batch.size;
			this.flush();
		}
		return isNow;
	}

	#flushSoon(): void {
		if (this.#flushing) return;
		this.#flushing = true;
		this.#clock.defer(this.#flushDeferred);
	}

	/** Sends now what was to go out together. */
	flush(): void {
		if (this.#batch.size === 0) return;
		this.#pumped = false;
		const { bytes } = this.#batch;
		const { channel, link } = this;
		// What a link cannot send yet may stay there for long: then it gets no part of a larger memory.
		const isBehind = link !== undefined && link.buffered > 0;
		if (channel !== undefined) {
			const comesBack = link?.copies === true && !isBehind;
			const memory = comesBack && LARGE.suits(bytes.length) ? LARGE.take().bytes : undefined;
			const records = channel.seal(bytes, memory);
			const { head } = this;
			this.head = undefined;
			if (head !== undefined) this.#give(concat([head, ...records]));
			else for (const record of records) if (!this.#give(record)) LARGE.reuse(record);
			this.#batch.clear(false);
		} else if (isBehind) {
			this.#give(bytes.slice());
			this.#batch.clear(false);
		} else {
			this.#batch.clear(this.#give(bytes));
		}
	}

	/** Gives the link bytes; gives whether they may still be of use to it. */
	#give(bytes: Uint8Array): boolean {
		const { link } = this;
		link?.send(bytes);
		if (link?.copies !== true) return true;
		if (link.buffered > 0) {
			// A link that is never quite done would keep all that it was ever given.
			if (LARGE.hold(bytes)) this.#lent.push(bytes);
			return true;
		}
		this.#takeBack();
		return false;
	}

	/** What the link was lent is of no more use to it. */
	#takeBack(): void {
		for (const bytes of this.#lent) LARGE.reuse(bytes);
		this.#lent = [];
	}

	/** The link has sent what it was given. */
	drained(): void {
		if (this.link?.buffered === 0) this.#takeBack();
		this.pump();
	}

	/** Gives the link of what waits as much as it sends in one turn: it has sent what it was given. */
	pump(): void {
		const queue = this.#queue;
		if (queue === undefined) return;
		for (;;) {
			const room = this.#room(this.#given());
			// What is cut is copied: not for little room, nor behind others that have waited.
			const next = queue.take(room, room >= TURN / 2 && !this.#pumped);
			if (next === undefined) return;
			this.#pumped = true;
			this.#batch.add(next);
			this.#flushSoon();
		}
	}

	/** Lets all that waits go out, and behind it a last frame, if there is one. */
	finish(last: Outgoing | undefined, limit: number): void {
		for (let next = this.#queue?.take(); next !== undefined; next = this.#queue?.take()) {
			this.#batch.add(next);
		}
		if (last !== undefined) this.sendFirst(last, limit);
		this.flush();
		this.link?.close();
	}

	/** The link is gone. */
	drop(): void {
		this.#queue = undefined;
	}

	readonly #flushDeferred = (): void => {
		this.#flushing = false;
		this.#early = 0;
		this.flush();
		this.#flushed();
		this.pump();
	};
}
