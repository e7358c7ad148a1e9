import { FairQueue, type Pair, TURN } from "./fair-queue.ts";
import type { Clock, Link } from "./ports.ts";
import type { Channel } from "./secure/channel.ts";

/**
 * What goes out over one link. The link is given no more than it sends in one turn; what is more waits here, where who
 * has little to say need not wait for who has much. While the link keeps up, nothing waits.
 */
export class Outlet {
	/** The network's end. Given before anything is sent. */
	link: Link | undefined;
	/** Seals what goes out, where links are encrypted. Given once the greeting is done. */
	channel: Channel | undefined;
	readonly #clock: Clock;
	/** Undefined until something has to wait. */
	#queue: FairQueue | undefined;
	#pumping = false;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** Bytes that the network has not taken yet. */
	get buffered(): number {
		return this.#given + this.waiting;
	}

	/** Of them, those that wait here for their turn. */
	get waiting(): number {
		return this.#queue?.size ?? 0;
	}

	get #given(): number {
		return (this.link?.buffered ?? 0) + (this.channel?.waiting ?? 0);
	}

	/** The longest frame that the link may be given now: any when it has nothing to send. */
	get #room(): number {
		const given = this.#given;
		return given === 0 ? Infinity : TURN - given;
	}

	/** Sends a frame in its turn: that of the pair whose message it carries, or, without one, of the ends of the link. */
	send(frame: Uint8Array, pair?: Pair): void {
		if (this.waiting === 0 && frame.length <= this.#room) {
			this.sendFirst(frame);
			return;
		}
		this.#queue ??= new FairQueue();
		this.#queue.push(frame, pair);
		this.#pumpLater();
	}

	/** Sends a frame before all that waits. */
	sendFirst(frame: Uint8Array): void {
		(this.channel ?? this.link)?.send(frame);
	}

	/** Lets all that waits go out, and no more after it. */
	finish(): void {
		for (let next = this.#queue?.take(); next !== undefined; next = this.#queue?.take()) {
			this.sendFirst(next);
		}
		this.channel?.flush();
		this.link?.close();
	}

	/** The link is gone. */
	drop(): void {
		this.#queue = undefined;
	}

	/** Gives the link of what waits as much as it sends in one turn: it has sent what it was given. */
	readonly pump = (): void => {
		this.#pumping = false;
		const queue = this.#queue;
		if (queue === undefined || queue.size === 0) return;
		for (let next = queue.take(this.#room); next !== undefined; next = queue.take(this.#room)) {
			this.sendFirst(next);
		}
		this.channel?.flush();
		this.#pumpLater();
	};

	/** A link that has something left says when it is gone. What is only to be sealed is gone when this has run. */
	#pumpLater(): void {
		if (this.#pumping || this.waiting === 0 || (this.link?.buffered ?? 0) > 0) return;
		this.#pumping = true;
		this.#clock.defer(this.pump);
	}
}
