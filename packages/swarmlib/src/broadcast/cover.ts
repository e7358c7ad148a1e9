import type { RemoteNode } from "@cicada/chordlib";

import { Interval, type IntervalPorts, type Whole } from "./interval.ts";
import type { Progress } from "./messages.ts";
import { sum } from "./progress.ts";

/** What a cover asks of the broadcast that it is part of. */
export interface CoverPorts extends IntervalPorts {
	/** The peers from `from` to `to` at which that is cut, clockwise. */
	cuts(from: bigint, to: bigint): readonly RemoteNode[];
	/** The places from `from` to `to` of those who are left out, clockwise. */
	leftOut(from: bigint, to: bigint): readonly bigint[];
}

/** An interval, and what begins its work: at `first`, or later, when somebody else's is done again. */
type Part = readonly [interval: Interval, start: (first: boolean) => void];

/** Intervals that together are all of the ring from one place to another, but for those who are left out. */
export class Cover implements Whole {
	/** How far they go. */
	to: bigint;
	readonly #ports: CoverPorts;
	readonly #from: bigint;
	/** Clockwise. */
	#intervals: readonly Interval[] = [];

	constructor(ports: CoverPorts, from: bigint) {
		this.#ports = ports;
		this.#from = from;
		this.to = from;
	}

	divide(part: Interval, to: bigint): void {
		const at = this.#intervals.indexOf(part) + 1;
		const rest = this.#cut(part.to, to);
		this.#intervals = this.#intervals.toSpliced(at, 0, ...rest.map(([one]) => one));
		for (const [, start] of rest) start(false);
	}

	/** Covers more of the ring. Where this is the `first` time that somebody does, who is asked is given the payload at once. */
	extend(to: bigint, first: boolean): void {
		if (to <= this.to) return;
		const parts = this.#cut(this.to, to);
		this.to = to;
		this.#intervals = [...this.#intervals, ...parts.map(([part]) => part)];
		for (const [, start] of parts) start(first);
	}

	/** Covers one peer more, who is no member of the ring. */
	add(leaf: RemoteNode): void {
		const place = this.#ports.placeOf(leaf.hash);
		const part = new Interval(this.#ports, this, place, place + 1n);
		this.#intervals = [...this.#intervals, part];
		part.ask(leaf, true);
	}

	/** The end of the last interval that ends at or before a place. */
	boundaryBefore(place: bigint): bigint {
		return this.#intervals.findLast(({ to }) => to <= place)?.to ?? this.#from;
	}

	/** How far the intervals up to a boundary are served. */
	progress(boundary: bigint): Progress {
		const parts: Progress[] = [];
		for (const { to, progress } of this.#intervals) if (to <= boundary) parts.push(progress);
		return sum(parts);
	}

	/** Each of the intervals. */
	*[Symbol.iterator](): Iterator<Interval> {
		yield* this.#intervals;
	}

	/** Cuts a stretch at the peers that this one knows. Who is before the first of them is looked up. */
	#cut(from: bigint, to: bigint): Part[] {
		if (from >= to) return [];
		const children = this.#ports.cuts(from, to);
		const places = [...children.map(({ hash }) => this.#ports.placeOf(hash)), to];
		const asked = children.map((child, index): Part => {
			const part = new Interval(this.#ports, this, places[index] ?? to, places[index + 1] ?? to);
			return [part, (first) => part.ask(child, first)];
		});
		return [...this.#gaps(from, places[0] ?? to), ...asked];
	}

	/** What is between those who are left out, each part looked up by itself: a run of them is long to walk. */
	#gaps(from: bigint, to: bigint): Part[] {
		const ends = [...this.#ports.leftOut(from, to), to];
		return ends.map((end, index) => {
			const start = index === 0 ? from : (ends[index - 1] ?? from) + 1n;
			const part = new Interval(this.#ports, this, start, end);
			return [part, (first) => (first ? part.findSoon() : part.find())];
		});
	}
}
