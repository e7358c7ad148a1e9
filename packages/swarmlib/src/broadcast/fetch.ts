import type { Cancel, RemoteNode } from "@cicada/chordlib";

import { concat } from "../concat.ts";
import { type Header, pullType } from "./messages.ts";
import type { BroadcastNetwork } from "./network.ts";
import { isPayload } from "./signature.ts";

/** Who has a payload, and in pieces of which size. */
export interface Source {
	readonly peer: RemoteNode;
	readonly piece: number;
}

/** Pieces that are asked for at once: one is on its way while the next is being asked for. */
const WINDOW = 2;
/** Milliseconds that a piece may take. */
const PATIENCE = 5_000;
/** Peers that are remembered as sources. */
const SOURCES = 8;

/** Gets a payload, piece by piece, from one of those that have it, and from another when that one fails. */
export class Fetch {
	/** When it last came further, on the peer's clock. */
	movedAt: number;
	readonly #network: BroadcastNetwork;
	readonly #header: Header;
	readonly #done: (payload: Uint8Array) => void;
	/** The first is the one that is asked. */
	readonly #sources: Source[] = [];
	readonly #parts: Uint8Array[] = [];
	/** By offset: pieces that are asked for. */
	readonly #underWay = new Map<number, Cancel>();
	#received = 0;
	#next = 0;

	constructor(network: BroadcastNetwork, header: Header, done: (payload: Uint8Array) => void) {
		this.#network = network;
		this.#header = header;
		this.#done = done;
		this.movedAt = network.clock.now();
	}

	/** Another peer has it. */
	add(source: Source): void {
		const known = this.#sources.some(({ peer }) => peer.hash.equals(source.peer.hash));
		if (known || this.#sources.length >= SOURCES) return;
		this.#sources.push(source);
		if (this.#sources.length === 1) this.#pull();
	}

	cancel(): void {
		for (const cancel of this.#underWay.values()) cancel();
		this.#underWay.clear();
		this.#sources.length = 0;
	}

	#pull(): void {
		const [source] = this.#sources;
		if (source === undefined) return;
		const { key, epoch, number, size } = this.#header;
		while (this.#underWay.size < WINDOW && this.#next < size) {
			const offset = this.#next;
			const length = Math.min(source.piece, size - offset);
			this.#next += length;
			const pull = { key, epoch, number, offset };
			const cancel = this.#network.ask(source.peer, pullType, pull, PATIENCE, (_error, data) => {
				this.#underWay.delete(offset);
				if (data?.length === length && offset === this.#received) this.#take(data);
				else this.#nextSource();
			});
			this.#underWay.set(offset, cancel);
		}
	}

	#take(data: Uint8Array): void {
		this.movedAt = this.#network.clock.now();
		this.#parts.push(new Uint8Array(data));
		this.#received += data.length;
		if (this.#received < this.#header.size) {
			this.#pull();
			return;
		}
		const payload = concat(this.#parts);
		if (isPayload(this.#header, payload)) {
			this.cancel();
			this.#done(payload);
			return;
		}
		// Somebody gave other bytes, and nobody knows who: begins again with another.
		this.#parts.length = 0;
		this.#received = 0;
		this.#nextSource();
	}

	/** This one does not give what it should: goes on with another, or waits for one. */
	#nextSource(): void {
		for (const cancel of this.#underWay.values()) cancel();
		this.#underWay.clear();
		this.#next = this.#received;
		this.#sources.shift();
		this.#pull();
	}
}
