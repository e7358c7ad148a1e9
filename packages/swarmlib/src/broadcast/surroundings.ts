import { type Answer, type Cancel, Hash, type RemoteNode, type Timer } from "@cicada/chordlib";

import type { CoverPorts } from "./cover.ts";
import type { Interval } from "./interval.ts";
import {
	type Acknowledgement,
	type Header,
	type Offer,
	SLOW,
	offerType,
	withdrawType,
} from "./messages.ts";
import type { BroadcastNetwork } from "./network.ts";

/** What the surroundings of a broadcast ask of the peer. */
export interface SurroundingsPorts {
	readonly network: BroadcastNetwork;
	/** A number under which reports come back to `interval`. */
	readonly open: (interval: Interval) => number;
	readonly close: (ask: number) => void;
}

/** What they ask of the broadcast. */
export interface Offering {
	readonly header: Header;
	excludes(peer: Hash): boolean;
	/** What is said to a peer that is to look after all up to `limit`. */
	offer(limit: Hash, ask: number, withData: boolean): Offer;
	/** An interval has come further. */
	changed(): void;
}

/** How far it is from any id all the way round to itself. */
export const FULL_CIRCLE: bigint = 1n << 256n;
/** How long a peer may take to answer, and the ring to say who owns an id. */
const ANSWER = 2_000;
const LOOKUP = 3_000;

/** The ring around this peer, as one broadcast sees it: who may be asked for what. Places are distances clockwise from here. */
export class Surroundings implements CoverPorts {
	readonly patience: number;
	readonly #ports: SurroundingsPorts;
	readonly #offering: Offering;
	/** Peers that were asked, and did not do it. */
	#failed: Set<string> | undefined;

	constructor(ports: SurroundingsPorts, offering: Offering, patience: number) {
		this.#ports = ports;
		this.#offering = offering;
		this.patience = patience;
	}

	placeOf(peer: Hash): bigint {
		return this.#ports.network.self.hash.distanceTo(peer);
	}

	#idAt(place: bigint): Hash {
		const { hash } = this.#ports.network.self;
		return new Hash({ hashed: (hash.toBigInt() + place) % FULL_CIRCLE });
	}

	leftOut(from: bigint, to: bigint): readonly bigint[] {
		return this.#offering.header.excluded
			.map((peer) => this.placeOf(peer))
			.filter((place) => place >= from && place < to)
			.toSorted((a, b) => (a < b ? -1 : 1));
	}

	failed(peer: Hash): boolean {
		return this.#failed?.has(peer.toString()) === true;
	}

	remember({ hash }: RemoteNode): void {
		this.#failed ??= new Set();
		this.#failed.add(hash.toString());
	}

	/** The peers at which a stretch is cut: the fingers in it, and the first that this peer knows of. */
	cuts(from: bigint, to: bigint): readonly RemoteNode[] {
		const { network } = this.#ports;
		const cuts: { readonly place: bigint; readonly peer: RemoteNode }[] = [];
		const cutAt = (peer: RemoteNode): boolean => {
			const place = this.placeOf(peer.hash);
			if (place < from || place >= to) return false;
			if (this.#offering.excludes(peer.hash) || this.failed(peer.hash)) return false;
			if (cuts.every((cut) => cut.place !== place)) cuts.push({ place, peer });
			return true;
		};
		network.successors().find(cutAt);
		network.fingers().forEach(cutAt);
		return cuts.toSorted((a, b) => (a.place < b.place ? -1 : 1)).map(({ peer }) => peer);
	}

	schedule(delay: number, run: () => void): Timer {
		return this.#ports.network.clock.schedule(delay, run);
	}

	lookup(place: bigint, done: Answer<RemoteNode>): Cancel {
		return this.#ports.network.lookup(this.#idAt(place), LOOKUP, done);
	}

	offer(
		child: RemoteNode,
		to: bigint,
		ask: number,
		withData: boolean,
		done: Answer<Acknowledgement>,
	): Cancel {
		const offer = this.#offering.offer(this.#idAt(to), ask, withData);
		const budget = ANSWER + (offer.data?.length ?? 0) / SLOW;
		return this.#ports.network.ask(child, offerType, offer, budget, done);
	}

	open(interval: Interval): number {
		return this.#ports.open(interval);
	}

	close(ask: number): void {
		this.#ports.close(ask);
	}

	withdraw(child: RemoteNode): void {
		this.#ports.network.tell(child, withdrawType, this.#offering.header);
	}

	changed(): void {
		this.#offering.changed();
	}
}
