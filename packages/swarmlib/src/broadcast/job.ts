import { Hash, type RemoteNode, type Timer } from "@cicada/chordlib";

import type { RemotePeer } from "../remote-peer.ts";
import { Cover, type CoverPorts } from "./cover.ts";
import { Fetch, type Source } from "./fetch.ts";
import type { Interval } from "./interval.ts";
import {
	type Header,
	type Offer,
	type Progress,
	inlineSize,
	offerType,
	pieceSize,
	reportType,
	withdrawType,
} from "./messages.ts";
import type { BroadcastNetwork } from "./network.ts";
import { NOTHING, sum } from "./progress.ts";
import { isProven } from "./signature.ts";

/** What a job asks of the peer that it is part of. */
export interface JobPorts {
	readonly network: BroadcastNetwork;
	/** Bytes of the largest frame. */
	readonly frame: number;
	/** Takes a message into the inbox; false when it is full. */
	readonly accept: (source: RemotePeer, data: Uint8Array) => boolean;
	/** A number under which reports come back to `interval`. */
	readonly open: (interval: Interval) => number;
	readonly close: (ask: number) => void;
	/** It has expired, or nobody cares any more. */
	readonly ended: (job: Job) => void;
}

/** Times of a broadcast in milliseconds, as an offer has them. */
export type Times = Pick<Offer, "age" | "budget" | "patience">;

/** Who asked for an interval: another peer, or this one itself. */
interface Ask {
	readonly parent: RemoteNode | undefined;
	readonly number: number;
	readonly limit: bigint;
	/** What the cover of the job does up to here, and the tail from here on, is all of the interval. */
	boundary: bigint;
	tail: Cover | undefined;
	told: Progress;
	toldAt: number;
}

/** Places are distances clockwise from this peer: the next one, and all the way round. */
const START = 1n;
const FULL_CIRCLE = 1n << 256n;
/** Longest that a timer can run. */
const LONGEST = 2 ** 31 - 1;
/** Intervals that other peers may have asked for at once; the oldest goes. */
const ASKS = 64;
/** How long a peer may take to acknowledge, and the ring to say who owns an id. */
const ACKNOWLEDGE = 2_000;
const LOOKUP = 3_000;
/** What a slow line carries in a millisecond. */
const SLOW = 128;
/** Progress that is not the end is told once in so many milliseconds. */
const REPORT = 500;
/** A peer waits so much longer for progress than those that it asks, so that whoever is nearest to the trouble acts. */
const PATIENCE = { step: 300, least: 2_000, most: 120_000 } as const;
/** Without progress for so long, a payload that is being fetched is given up when there is need for room. */
const STALLED = 10_000;

/** How long an origin waits for progress. */
export function patienceFor(size: number): number {
	return 6_000 + size / SLOW;
}

/** One broadcast, as one peer serves it: gets the payload, takes it, and looks after the interval that was asked for. */
export class Job {
	readonly header: Header;
	/** When it began, on this peer's clock. */
	readonly began: number;
	/** Told of progress when this peer itself is the origin. */
	watcher: ((progress: Progress) => void) | undefined;
	payload: Uint8Array | undefined;
	readonly #ports: JobPorts;
	readonly #network: BroadcastNetwork;
	readonly #expires: number;
	readonly #patience: number;
	readonly #expiry: Timer;
	readonly #excluded: ReadonlySet<string>;
	/** Peers that were asked, and did not do it. */
	readonly #failed = new Set<string>();
	readonly #asks: Ask[] = [];
	/** Everything that anyone asked for, cut once. */
	readonly #cover: Cover;
	/** Those who are no members of the ring, and whom this peer serves. */
	readonly #leaves: Cover;
	readonly #coverPorts: CoverPorts;
	readonly #fetch: Fetch;
	#taken = false;
	#ended = false;
	#flushing = false;
	#report: Timer | undefined;

	constructor(header: Header, { age, budget, patience }: Times, ports: JobPorts) {
		const { network } = ports;
		const { clock } = network;
		this.header = header;
		this.#ports = ports;
		this.#network = network;
		this.began = clock.now() - age;
		this.#expires = clock.now() + budget;
		this.#patience = Math.min(Math.max(patience, PATIENCE.least), PATIENCE.most);
		this.#excluded = new Set(header.excluded.map((hash) => hash.toString()));
		this.#coverPorts = this.#forCovers();
		this.#cover = new Cover(this.#coverPorts, START);
		this.#leaves = new Cover(this.#coverPorts, START);
		this.#fetch = new Fetch(network, header, (payload) => {
			this.receive(payload);
		});
		this.#expiry = clock.schedule(Math.min(budget, LONGEST), () => {
			ports.ended(this);
		});
	}

	get isOwn(): boolean {
		return this.header.origin.equals(this.#network.self.hash);
	}

	/** True when it can be forgotten: all of it is done, or its payload does not come. */
	get isIdle(): boolean {
		if (this.payload !== undefined) return this.#asks.every((ask) => this.#progress(ask).done);
		return this.#network.clock.now() - this.#fetch.movedAt > STALLED;
	}

	excludes(peer: Hash): boolean {
		return this.#excluded.has(peer.toString());
	}

	/** Looks after the interval from here to `limit`; says how far that has come. */
	ask(parent: RemoteNode | undefined, number: number, limit: Hash): Progress {
		const to = this.#network.self.hash.distanceTo(limit) || FULL_CIRCLE;
		const isSame = (ask: Ask): boolean => ask.number === number && sameParent(ask.parent, parent);
		const known = this.#asks.find((ask) => ask.limit === to && isSame(ask));
		const ask = known ?? this.#add({ parent, number, limit: to }, isSame);
		ask.told = this.#progress(ask);
		ask.toldAt = this.#network.clock.now();
		return ask.told;
	}

	/** The payload is at hand at a peer. */
	offered(source: Source): void {
		if (this.payload === undefined) this.#fetch.add(source);
	}

	/** The payload is here. */
	receive(payload: Uint8Array): void {
		if (this.payload !== undefined || this.#ended) return;
		this.#fetch.cancel();
		this.payload = payload;
		this.take();
		for (const leaf of this.#network.leaves()) {
			const isOrigin = leaf.hash.equals(this.header.origin);
			if (!isOrigin && !this.excludes(leaf.hash)) this.#leaves.add(leaf);
		}
		// Those that were asked for the longest way first: the others share what that one does.
		for (const ask of this.#asks.toSorted((a, b) => (a.limit > b.limit ? -1 : 1))) {
			this.#serve(ask);
		}
		this.#changed();
	}

	/** Takes the message into the inbox, if it is not there and there is room. */
	take(): void {
		if (this.#taken || this.payload === undefined) return;
		const { origin, originAddress } = this.header;
		const verified = isProven(this.header);
		const source = { hash: origin, address: originAddress, verified };
		this.#taken = this.isOwn || this.#ports.accept(source, this.payload);
		if (this.#taken) this.#changed();
	}

	/** A peer asked for a piece of the payload. */
	pulled(from: RemoteNode, offset: number): Uint8Array | undefined {
		for (const interval of this.#intervals()) {
			if (interval.child?.hash.equals(from.hash)) interval.touch();
		}
		return this.payload?.subarray(offset, offset + pieceSize(this.#ports.frame));
	}

	/** The link to a peer is gone. */
	lost(peer: Hash): void {
		this.#drop((ask) => ask.parent?.hash.equals(peer) === true);
		for (const interval of this.#intervals()) interval.lost(peer);
	}

	/** A peer that asked no longer cares. When nobody else does, it is over. */
	withdrawn(parent: RemoteNode): void {
		const before = this.#asks.length;
		this.#drop((ask) => ask.parent?.hash.equals(parent.hash) === true);
		if (before === 0 || this.#asks.length > 0) return;
		this.withdraw();
		this.#ports.ended(this);
	}

	/** Tells those who were asked that nobody cares any more. */
	withdraw(): void {
		for (const interval of this.#intervals()) interval.withdraw();
	}

	/** Gives it to one other peer, who looks after nobody else. */
	giveTo(peer: RemoteNode): void {
		const limit = new Hash({ hashed: (peer.hash.toBigInt() + 1n) % FULL_CIRCLE });
		this.#network.ask(peer, offerType, this.#offer(limit, 0, false), ACKNOWLEDGE, () => {});
	}

	end(): void {
		this.#ended = true;
		this.#expiry.cancel();
		this.#report?.cancel();
		this.#fetch.cancel();
		for (const interval of this.#intervals()) interval.close();
	}

	#add(asked: Pick<Ask, "parent" | "number" | "limit">, instead: (ask: Ask) => boolean): Ask {
		this.#drop(instead);
		const [oldest] = this.#asks;
		if (this.#asks.length >= ASKS) this.#drop((ask) => ask === oldest);
		const nothing = { boundary: 0n, tail: undefined, told: NOTHING, toldAt: -Infinity };
		const ask: Ask = { ...asked, ...nothing };
		this.#asks.push(ask);
		if (this.payload !== undefined) this.#serve(ask);
		return ask;
	}

	#serve(ask: Ask): void {
		const { limit } = ask;
		if (limit >= this.#cover.to) {
			ask.boundary = limit;
			// Who is asked by the first to have it will hardly have it; later it is repair.
			this.#cover.extend(limit, this.#cover.to === START);
			return;
		}
		ask.boundary = this.#cover.boundaryBefore(limit);
		if (ask.boundary === limit) return;
		ask.tail = new Cover(this.#coverPorts, ask.boundary);
		ask.tail.extend(limit, false);
	}

	*#intervals(): Iterable<Interval> {
		yield* this.#cover;
		yield* this.#leaves;
		for (const { tail } of this.#asks) if (tail !== undefined) yield* tail;
	}

	#drop(which: (ask: Ask) => boolean): void {
		for (const ask of this.#asks.filter((ask) => which(ask))) {
			this.#asks.splice(this.#asks.indexOf(ask), 1);
			closeTail(ask);
		}
	}

	#progress({ boundary, tail, limit }: Ask): Progress {
		const held = this.payload !== undefined;
		if (!held) return NOTHING;
		const counted = this.isOwn ? 0 : 1;
		const own = {
			held: counted,
			reached: this.#taken ? counted : 0,
			spread: true,
			done: this.#taken,
			complete: true,
		};
		const leaves = this.#leaves.progress(FULL_CIRCLE);
		const parts = [own, leaves, this.#cover.progress(boundary)];
		if (tail !== undefined) parts.push(tail.progress(limit));
		return sum(parts);
	}

	/** Tells those who asked, when what runs now has finished. */
	#changed(): void {
		if (this.#flushing || this.#ended) return;
		this.#flushing = true;
		this.#network.clock.defer(() => {
			this.#flushing = false;
			if (!this.#ended) this.#flush();
		});
	}

	#flush(): void {
		const { clock } = this.#network;
		let later = false;
		for (const ask of [...this.#asks]) {
			const now = this.#progress(ask);
			if (same(now, ask.told)) continue;
			const turned = now.done !== ask.told.done || now.spread !== ask.told.spread;
			if (turned || ask.parent === undefined || clock.now() - ask.toldAt >= REPORT) {
				this.#tell(ask, now);
			} else {
				later = true;
			}
		}
		if (!later) return;
		this.#report?.cancel();
		this.#report = clock.schedule(REPORT, () => {
			this.#flush();
		});
	}

	#tell(ask: Ask, now: Progress): void {
		ask.told = now;
		ask.toldAt = this.#network.clock.now();
		if (ask.parent === undefined) this.watcher?.(now);
		else this.#network.tell(ask.parent, reportType, { ask: ask.number, ...now });
	}

	#offer(limit: Hash, ask: number, withData: boolean): Offer {
		const { clock } = this.#network;
		const { frame } = this.#ports;
		const { header, payload } = this;
		const small = header.size <= inlineSize(frame, header.excluded.length);
		return {
			...header,
			age: Math.max(0, Math.floor(clock.now() - this.began)),
			budget: Math.max(1, Math.floor(this.#expires - clock.now())),
			patience: Math.floor(this.#patience - PATIENCE.step),
			limit,
			ask,
			piece: pieceSize(frame),
			data: withData && small ? payload : undefined,
		};
	}

	#forCovers(): CoverPorts {
		const network = this.#network;
		const { clock, self } = network;
		const placeOf = (peer: Hash): bigint => self.hash.distanceTo(peer);
		const idAt = (place: bigint): Hash =>
			new Hash({ hashed: (self.hash.toBigInt() + place) % FULL_CIRCLE });
		return {
			patience: this.#patience,
			leftOut: (from, to) =>
				this.header.excluded
					.map((peer) => placeOf(peer))
					.filter((place) => place >= from && place < to)
					.toSorted((a, b) => (a < b ? -1 : 1)),
			failed: (peer) => this.#failed.has(peer.toString()),
			remember: ({ hash }) => this.#failed.add(hash.toString()),
			placeOf,
			cuts: (from, to) => this.#cuts(from, to),
			schedule: (delay, run) => clock.schedule(delay, run),
			lookup: (place, done) => network.lookup(idAt(place), LOOKUP, done),
			offer: (child, to, ask, withData, done) => {
				const offer = this.#offer(idAt(to), ask, withData);
				const budget = ACKNOWLEDGE + (offer.data?.length ?? 0) / SLOW;
				return network.ask(child, offerType, offer, budget, done);
			},
			open: this.#ports.open,
			close: this.#ports.close,
			withdraw: (child) => {
				network.tell(child, withdrawType, this.header);
			},
			changed: () => {
				this.#changed();
			},
		};
	}

	/** The peers at which a stretch is cut: the fingers in it, and the first that this peer knows of. */
	#cuts(from: bigint, to: bigint): readonly RemoteNode[] {
		const { hash } = this.#network.self;
		const cuts = new Map<bigint, RemoteNode>();
		const cutAt = (peer: RemoteNode): boolean => {
			const place = hash.distanceTo(peer.hash);
			const isInside = place >= from && place < to;
			if (!isInside || this.excludes(peer.hash) || this.#failed.has(peer.hash.toString())) {
				return false;
			}
			cuts.set(place, peer);
			return true;
		};
		this.#network.successors().find(cutAt);
		this.#network.fingers().forEach(cutAt);
		return [...cuts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, peer]) => peer);
	}
}

function sameParent(a: RemoteNode | undefined, b: RemoteNode | undefined): boolean {
	return a === undefined || b === undefined ? a === b : a.hash.equals(b.hash);
}

function same(a: Progress, b: Progress): boolean {
	return (
		a.held === b.held &&
		a.reached === b.reached &&
		a.spread === b.spread &&
		a.done === b.done &&
		a.complete === b.complete
	);
}

function closeTail(ask: Ask | undefined): void {
	for (const interval of ask?.tail ?? []) interval.close();
}
