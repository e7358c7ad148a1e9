import type { Answer, Cancel } from "@cicada/chordlib";

import type { RemotePeer } from "./remote-peer.ts";
import { Row } from "./row.ts";
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
	readonly #messages = new Row<Message>();
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
		return this.#messages.size;
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
		const { size } = this.#messages;
		const tooMany = size >= this.#limits.messages;
		if (tooMany || (bytes > this.#limits.bytes && size > 0)) {
			this.#reached(tooMany ? "inbox.messages" : "inbox.bytes");
			this.#refused = true;
			return false;
		}
		this.#messages.add(message);
		this.#bytes = bytes;
		return true;
	}

	/** Gives out the next message; `undefined` when there is none. */
	take(): Received | undefined {
		const messages = this.#messages;
		const message = messages.get(messages.first);
		if (message === undefined) return undefined;
		messages.remove(messages.first);
		const { source, data } = message;
		this.#bytes -= data.length;
		const received = { source, data, more: messages.size > 0 };
		if (this.#refused) {
			this.#refused = false;
			this.#onRoom();
		}
		return received;
	}

	/** Gives out the next message that comes, after those who wait already. A taker that cancels misses none. */
	wait(done: Answer<Received>): Cancel {
		this.#takers.add(done);
		return () => {
			this.#takers.delete(done);
		};
	}
}
