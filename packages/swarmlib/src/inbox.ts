import type { Answer, Cancel } from "@cicada/chordlib";

import type { RemotePeer } from "./remote-peer.ts";
import type { SwarmLimit } from "./stats.ts";

/** A message as the application gets it. */
export interface Received {
	/** Who sent it: the origin, not the last relay. */
	readonly source: RemotePeer;
	/** What was sent: bytes of your own. */
	readonly data: Uint8Array;
	/** Whether another message is waiting. */
	readonly more: boolean;
}

/** How much may wait for `recv`. */
export interface InboxLimits {
	/** Messages that may wait for `recv`. Default 1,024. */
	readonly messages: number;
	/** Bytes that may wait for `recv`. Default 16 MiB; a single larger message fits an empty inbox. */
	readonly bytes: number;
}

type Message = Omit<Received, "more">;

/** Messages that wait for the application, and applications that wait for messages; first come, first served. */
export class Inbox {
	readonly #limits: InboxLimits;
	readonly #messages: Message[] = [];
	readonly #takers = new Set<Answer<Received>>();
	readonly #onRoom: () => void;
	readonly #reached: (limit: SwarmLimit) => void;
	#bytes = 0;
	#refused = false;

	/** `onRoom` is called when there is room again after a message was refused. */
	constructor(limits: InboxLimits, onRoom: () => void, reached: (limit: SwarmLimit) => void) {
		this.#limits = limits;
		this.#onRoom = onRoom;
		this.#reached = reached;
	}

	/** Messages waiting. */
	get size(): number {
		return this.#messages.length;
	}

	/** Bytes of them. */
	get bytes(): number {
		return this.#bytes;
	}

	/** Takes a message in; false when there is no room for it. */
	put(message: Message): boolean {
		const [taker] = this.#takers;
		if (taker !== undefined) {
			this.#takers.delete(taker);
			taker(undefined, { ...message, more: false });
			return true;
		}
		const bytes = this.#bytes + message.data.length;
		const { length } = this.#messages;
		const tooMany = length >= this.#limits.messages;
		if (tooMany || (bytes > this.#limits.bytes && length > 0)) {
			this.#reached(tooMany ? "inbox.messages" : "inbox.bytes");
			this.#refused = true;
			return false;
		}
		this.#messages.push(message);
		this.#bytes = bytes;
		return true;
	}

	/** Gives out the next message, now or when it comes. A taker that cancels misses none. */
	take(done: Answer<Received>): Cancel {
		const message = this.#messages.shift();
		if (message === undefined) {
			this.#takers.add(done);
			return () => {
				this.#takers.delete(done);
			};
		}
		this.#bytes -= message.data.length;
		done(undefined, { ...message, more: this.#messages.length > 0 });
		if (this.#refused) {
			this.#refused = false;
			this.#onRoom();
		}
		return () => {};
	}
}
