import type { Hash, RemoteNode, Timer } from "@cicada/chordlib";

import type { RemotePeer } from "../remote-peer.ts";
import { Cover } from "./cover.ts";
import { Fetch, type Source } from "./fetch.ts";
import type { Interval } from "./interval.ts";
import {
	type Header,
	type Name,
	type Offer,
	type Progress,
	SLOW,
	inlineSize,
	pieceSize,
	reportType,
} from "./messages.ts";
import type { BroadcastNetwork } from "./network.ts";
import { NOTHING, sum } from "./progress.ts";
import { isProven } from "./signature.ts";
import {
	FULL_CIRCLE,
	type Offering,
	Surroundings,
	type SurroundingsPorts,
} from "./surroundings.ts";

/** What a job asks of the peer that it is part of. */
export interface JobPorts extends SurroundingsPorts {
	/** Bytes of the largest frame. */
	readonly frame: number;
	/** Takes a message into the inbox; false when it is full. */
	readonly accept: (source: RemotePeer, data: Uint8Array) => boolean;
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
	/** Answers that it is looked after, as long as that has not been said. */
	acknowledge: Acknowledge | undefined;
	told: Progress;
	/** When it was asked for, or was last told of. */
	toldAt: number;
}

type Acknowledge = (progress: Progress) => void;

/** The place after this peer's own: how far that is clockwise from here. */
const START = 1n;
/** Longest that a timer can run. */
const LONGEST = 2 ** 31 - 1;
/** Intervals that other peers may have asked for at once; the oldest goes. */
const ASKS = 64;
/** Milliseconds until it is said that an interval is looked after: what is done by then needs no report of its own. */
const HOLD = 40;
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
export class Job implements Offering {
	readonly name: Name;
	readonly header: Header;
	/** When it began, on this peer's clock, and when this peer came to know of it. */
	readonly began: number;
	readonly #known: number;
	/** Told of progress when this peer itself is the origin. */
	watcher: ((progress: Progress) => void) | undefined;
	payload: Uint8Array | undefined;
	readonly #ports: JobPorts;
	readonly #network: BroadcastNetwork;
	readonly #expires: number;
	readonly #patience: number;
	readonly #expiry: Timer;
	readonly #excluded: ReadonlySet<string>;
	readonly #asks: Ask[] = [];
	/** Everything that anyone asked for, cut once. */
	readonly #cover: Cover;
	/** Those who are no members of the ring, and whom this peer serves. */
	readonly #leaves: Cover;
	readonly #surroundings: Surroundings;
	/** Where its payload did not come with the first offer. */
	#fetch: Fetch | undefined;
	#taken = false;
	#ended = false;
	#flushing = false;
	#report: Timer | undefined;
	/** When that timer runs. */
	#reportAt = Infinity;

	constructor(name: Name, header: Header, { age, budget, patience }: Times, ports: JobPorts) {
		const { network } = ports;
		const { clock } = network;
		this.name = name;
		this.header = header;
		this.#ports = ports;
		this.#network = network;
		this.#known = clock.now();
		this.began = this.#known - age;
		this.#expires = this.#known + budget;
		this.#patience = Math.min(Math.max(patience, PATIENCE.least), PATIENCE.most);
		this.#excluded = new Set(header.excluded.map((hash) => hash.toString()));
		this.#surroundings = new Surroundings(ports, this, this.#patience);
		this.#cover = new Cover(this.#surroundings, START);
		this.#leaves = new Cover(this.#surroundings, START);
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
		return this.#network.clock.now() - (this.#fetch?.movedAt ?? this.#known) > STALLED;
	}

	excludes(peer: Hash): boolean {
		return this.#excluded.has(peer.toString());
	}

	/**
	 * Looks after the interval from here to `limit`. How far that has come is acknowledged soon, so that what is done by then
	 * is said with it; at once where that is wanted, or it was asked for before.
	 */
	ask(
		parent: RemoteNode | undefined,
		number: number,
		limit: Hash,
		acknowledge?: Acknowledge,
		atOnce = false,
	): void {
		if (this.#ended) {
			acknowledge?.(NOTHING);
			return;
		}
		const to = this.#network.self.hash.distanceTo(limit) || FULL_CIRCLE;
		const isSame = (ask: Ask): boolean => ask.number === number && sameParent(ask.parent, parent);
		const known = this.#asks.find((ask) => ask.limit === to && isSame(ask));
		if (known !== undefined) {
			const progress = this.#note(known, this.#progress(known));
			known.acknowledge?.(progress);
			known.acknowledge = undefined;
			acknowledge?.(progress);
			return;
		}
		const ask = this.#add({ parent, number, limit: to }, isSame);
		ask.acknowledge = acknowledge;
		if (atOnce) this.#tell(ask, this.#progress(ask));
		this.changed();
	}

	/** The payload is at hand at a peer. */
	offered(source: Source): void {
		if (this.payload !== undefined) return;
		this.#fetch ??= new Fetch(this.#network, this.header, (payload) => {
			this.receive(payload);
		});
		this.#fetch.add(source);
	}

	/** The payload is here. */
	receive(payload: Uint8Array): void {
		if (this.payload !== undefined || this.#ended) return;
		this.#fetch?.cancel();
		this.#fetch = undefined;
		this.payload = payload;
		this.take();
		// Whoever takes it may let go of everything.
		if (this.#ended) return;
		for (const leaf of this.#network.leaves()) {
			const isOrigin = leaf.hash.equals(this.header.origin);
			if (!isOrigin && !this.excludes(leaf.hash)) this.#leaves.add(leaf);
		}
		// Those that were asked for the longest way first: the others share what that one does.
		for (const ask of this.#asks.toSorted((a, b) => (a.limit > b.limit ? -1 : 1))) {
			this.#serve(ask);
		}
		this.changed();
	}

	/** Takes the message into the inbox, if it is not there and there is room. */
	take(): void {
		if (this.#taken || this.payload === undefined) return;
		const { origin, originAddress } = this.header;
		const verified = isProven(this.header);
		const source = { hash: origin, address: originAddress, verified };
		this.#taken = this.isOwn || this.#ports.accept(source, this.payload);
		if (this.#taken) this.changed();
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
		const place = this.#surroundings.placeOf(peer.hash);
		this.#surroundings.offer(peer, place + 1n, 0, false, () => {});
	}

	end(): void {
		this.#ended = true;
		this.#expiry.cancel();
		this.#report?.cancel();
		this.#fetch?.cancel();
		for (const interval of this.#intervals()) interval.close();
		this.#drop(() => true);
	}

	#add(asked: Pick<Ask, "parent" | "number" | "limit">, instead: (ask: Ask) => boolean): Ask {
		this.#drop(instead);
		const [oldest] = this.#asks;
		if (this.#asks.length >= ASKS) this.#drop((ask) => ask === oldest);
		const ask: Ask = {
			parent: asked.parent,
			number: asked.number,
			limit: asked.limit,
			boundary: 0n,
			tail: undefined,
			acknowledge: undefined,
			told: NOTHING,
			toldAt: this.#network.clock.now(),
		};
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
		ask.tail = new Cover(this.#surroundings, ask.boundary);
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
			ask.acknowledge?.(this.#progress(ask));
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
	changed(): void {
		if (this.#flushing || this.#ended) return;
		this.#flushing = true;
		this.#network.clock.defer(() => {
			this.#flushing = false;
			if (!this.#ended) this.#flush();
		});
	}

	#flush(): void {
		const now = this.#network.clock.now();
		let soonest = Infinity;
		for (const ask of [...this.#asks]) {
			const progress = this.#progress(ask);
			const due = ask.toldAt + holdBack(ask, progress);
			if (due <= now) this.#tell(ask, progress);
			else soonest = Math.min(soonest, due);
		}
		if (soonest >= this.#reportAt) return;
		this.#report?.cancel();
		this.#reportAt = soonest;
		// A whole number: clocks that round it down would come back here without end.
		this.#report = this.#network.clock.schedule(Math.ceil(soonest - now), () => {
			this.#reportAt = Infinity;
			this.#flush();
		});
	}

	#tell(ask: Ask, progress: Progress): void {
		const { acknowledge, number, parent } = ask;
		this.#note(ask, progress);
		ask.acknowledge = undefined;
		if (acknowledge !== undefined) acknowledge(progress);
		else if (parent === undefined) this.watcher?.(progress);
		else this.#network.tell(parent, reportType, { ask: number, progress });
	}

	#note(ask: Ask, progress: Progress): Progress {
		ask.told = progress;
		ask.toldAt = this.#network.clock.now();
		return progress;
	}

	offer(limit: Hash, ask: number, withData: boolean): Offer {
		const { clock } = this.#network;
		const { frame } = this.#ports;
		const { header } = this;
		const isSmall = header.size <= inlineSize(frame, header.excluded.length);
		return {
			header,
			age: Math.max(0, Math.floor(clock.now() - this.began)),
			budget: Math.max(1, Math.floor(this.#expires - clock.now())),
			patience: Math.floor(this.#patience - PATIENCE.step),
			limit,
			ask,
			piece: pieceSize(frame),
			data: withData && isSmall ? this.payload : undefined,
		};
	}
}

/** For how long after it was last told of an interval a peer is not told of its progress. */
function holdBack({ acknowledge, parent, told }: Ask, now: Progress): number {
	if (now.done && !told.done) return 0;
	if (acknowledge !== undefined) return HOLD;
	if (same(now, told)) return Infinity;
	const hasTurned = now.done !== told.done || now.spread !== told.spread;
	return hasTurned || parent === undefined ? 0 : REPORT;
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
