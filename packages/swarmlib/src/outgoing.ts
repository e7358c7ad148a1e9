import type { Answer } from "@cicada/chordlib";

import type { Lane } from "./delivery-messages.ts";
import type { SwarmError } from "./errors.ts";
import type { RemotePeer } from "./remote-peer.ts";
import type { Destination } from "./target.ts";

/** What a sender learns about a message that was taken. */
export interface Receipt {
	/** Who has taken it. */
	readonly target: RemotePeer;
	/** False when the message was for a bare `Hash` and went to the peer responsible for it. */
	readonly exact: boolean;
	/** How many copies were sent at first, by different routes. */
	readonly copies: number;
	/** Links that the acknowledged copy crossed; 0 to oneself, 1 to a neighbour. */
	readonly hops: number;
	/** Milliseconds from the first attempt to the acknowledgement. */
	readonly rtt: number;
}

/** How a message may go: straight to its target where that can be dialled, or over links that are there. */
export type Route = "auto" | "ring";

/** A message to be sent. `done` hears of its fate once, unless the sending is cancelled. */
export interface Outgoing {
	readonly destination: Destination;
	readonly data: Uint8Array;
	readonly duplicates: number;
	readonly route: Route;
	readonly lane: Lane;
	readonly done: Answer<Receipt, SwarmError>;
}

/** A message under way. */
export class Message {
	readonly destination: Destination;
	readonly data: Uint8Array;
	readonly duplicates: number;
	readonly route: Route;
	readonly done: Answer<Receipt, SwarmError>;
	/** Its number among all that were given. */
	readonly order: number;
	/** Its number among those that wait to be cut. */
	place = -1;
	/** Bytes that are in chunks, each sent at least once; all of them when `cut`. */
	offset = 0;
	cut = false;
	/** Chunks sent and not acknowledged. */
	untaken = 0;
	/** When its first chunk was first sent, and how many copies of that went. */
	started = 0;
	copies = 0;
	over = false;

	constructor(outgoing: Outgoing, order: number) {
		const { destination, data, duplicates, route, done } = outgoing;
		this.destination = destination;
		this.data = data;
		this.duplicates = duplicates;
		this.route = route;
		this.done = done;
		this.order = order;
	}

	/** Whether any of it was sent. */
	get isSent(): boolean {
		return this.offset > 0 || this.cut;
	}

	/** Nothing of it was sent, where that is to go now. */
	beginAgain(): void {
		this.offset = 0;
		this.cut = false;
		this.untaken = 0;
	}
}
