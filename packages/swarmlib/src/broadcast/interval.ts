import {
	type Answer,
	type Cancel,
	type ChordError,
	type Hash,
	type RemoteNode,
	type Timer,
} from "@cicada/chordlib";

import type { Acknowledgement, Progress } from "./messages.ts";
import { NOBODY, NOTHING } from "./progress.ts";

/** What an interval asks of the broadcast that it is part of. Places are distances clockwise from this peer. */
export interface IntervalPorts {
	/** How long to wait for progress before others are asked. */
	readonly patience: number;
	/** Whether a peer was asked before, and did not do it. */
	failed(peer: Hash): boolean;
	placeOf(peer: Hash): bigint;
	schedule(delay: number, run: () => void): Timer;
	lookup(place: bigint, done: Answer<RemoteNode>): Cancel;
	/** Asks a peer to look after what lies from it to `to`. */
	offer(
		child: RemoteNode,
		to: bigint,
		ask: number,
		withData: boolean,
		done: Answer<Acknowledgement>,
	): Cancel;
	/** A number under which reports come back to `interval`. */
	open(interval: Interval): number;
	close(ask: number): void;
	/** Nobody cares any more what `child` does. */
	withdraw(child: RemoteNode): void;
	/** Remembers that `child` was asked, and did not do it. */
	remember(child: RemoteNode): void;
	changed(): void;
}

/** What an interval is a part of. */
export interface Whole {
	/** Others look after what lies between the end of `part` and `to`. */
	divide(part: Interval, to: bigint): void;
}

/** Milliseconds for which nobody is looked up: those who are known are to have the message first. */
const KNOWN_FIRST = 25;
/** Milliseconds before something is tried again: at first, and at most. */
const PAUSE = { first: 250, most: 4_000 } as const;
/** How often somebody who only waits for room is asked how it goes. */
const REFRESH = 5_000;
/** Answers that say that somebody takes no part in broadcasts. */
const STRANGERS: ReadonlySet<string> = new Set(["NOT_HANDLED", "REMOTE", "TOO_LARGE"]);

/**
 * A part of the ring that one other peer, the child, looks after: from its place on, up to `to`. Where the child is not
 * known, nobody who is left out is in it.
 *
 * A child that is not known is looked up. One that does not acknowledge, that makes no progress, or to
 * whom the link is lost has failed: from then on it is asked for nothing but itself, as long as it is there, and
 * others are asked for the rest.
 */
export class Interval {
	/** Nobody is between the end of the interval before and here. */
	from: bigint;
	to: bigint;
	progress: Progress = NOTHING;
	child: RemoteNode | undefined;
	readonly #ports: IntervalPorts;
	readonly #whole: Whole;
	/** All who were passed over here did so as they should. */
	#complete = true;
	#ask: number | undefined;
	#pause: number = PAUSE.first;
	/** Takes back the lookup or the offer that is under way. */
	#cancel: Cancel | undefined;
	#timer: Timer | undefined;

	constructor(ports: IntervalPorts, whole: Whole, from: bigint, to: bigint) {
		this.#ports = ports;
		this.#whole = whole;
		this.from = from;
		this.to = to;
	}

	/** The same as {@link find}, a moment later. */
	findSoon(): void {
		this.#timer = this.#ports.schedule(KNOWN_FIRST, () => {
			this.find();
		});
	}

	/** Finds out who comes first in it, and asks that one. */
	find(): void {
		this.#idle();
		if (this.from >= this.to) {
			this.#end();
			return;
		}
		this.#cancel = this.#ports.lookup(this.from, (_error, owner) => {
			if (owner === undefined) this.#later();
			else this.#take(owner);
		});
	}

	/** Asks `child`, who is the first in it as far as this peer knows. */
	ask(child: RemoteNode, withData: boolean): void {
		this.#idle();
		this.child = child;
		this.from = this.#ports.placeOf(child.hash);
		this.#ask ??= this.#ports.open(this);
		this.#cancel = this.#ports.offer(child, this.to, this.#ask, withData, (error, answer) => {
			if (answer === undefined) this.#refused(child, error);
			else this.#answered(child, answer);
		});
	}

	/** The child reports. */
	hear(told: Progress): void {
		const before = this.progress;
		const { held, reached, done } = told;
		const spread = told.spread || this.#isAlone;
		const complete = told.complete && this.#complete;
		this.progress = { held, reached, spread, done, complete };
		if (done) this.#idle();
		else if (held > before.held || spread) this.touch();
		this.#ports.changed();
	}

	/** The child goes on: it is given more time. */
	touch(): void {
		const { patience } = this.#ports;
		this.#timer?.cancel();
		this.#timer = this.#ports.schedule(this.progress.spread ? REFRESH : patience, () => {
			const { child } = this;
			if (child === undefined) return;
			if (this.progress.spread) this.ask(child, false);
			else this.#fail(child);
		});
	}

	/** The link to a peer is gone. */
	lost(peer: Hash): void {
		const { child } = this;
		if (!this.progress.done && child?.hash.equals(peer)) this.#fail(child);
	}

	/** Stops, and takes back what was asked. */
	close(): void {
		this.#idle();
		this.#forget();
	}

	/** Stops, and tells the child that nobody cares any more. */
	withdraw(): void {
		if (this.child !== undefined && !this.progress.done) this.#ports.withdraw(this.child);
		this.close();
	}

	#idle(): void {
		this.#cancel?.();
		this.#timer?.cancel();
		this.#cancel = this.#timer = undefined;
	}

	#forget(): void {
		if (this.#ask !== undefined) this.#ports.close(this.#ask);
		this.#ask = undefined;
		this.child = undefined;
	}

	#take(owner: RemoteNode): void {
		const place = this.#ports.placeOf(owner.hash);
		// Whoever comes next is beyond the end, or this peer itself: nobody is left.
		if (place < this.from || place >= this.to) {
			this.#end();
			return;
		}
		this.from = place;
		if (this.#ports.failed(owner.hash)) this.#shrink();
		this.ask(owner, false);
	}

	#answered(child: RemoteNode, { state, progress }: Acknowledgement): void {
		if (state === "busy") {
			this.#fail(child);
		} else if (state === "accepted") {
			this.#cancel = undefined;
			this.hear(progress);
			if (this.#timer === undefined && !progress.done) this.touch();
		} else {
			this.#complete &&= state !== "tooLarge";
			this.#skip();
		}
	}

	#refused(child: RemoteNode, error: ChordError | undefined): void {
		if (error !== undefined && STRANGERS.has(error.code)) this.#skip();
		else this.#fail(child);
	}

	/** Who comes first takes no part. */
	#skip(): void {
		this.#idle();
		this.#shrink();
		this.#end();
	}

	/** The child has not done it. */
	#fail(child: RemoteNode): void {
		this.#idle();
		this.#forget();
		this.#ports.remember(child);
		this.#shrink();
		this.#ports.changed();
		this.#later();
	}

	/** Only a child that has failed is in it: nobody else waits for that one. */
	get #isAlone(): boolean {
		return this.to === this.from + 1n;
	}

	/** Leaves all but the first place to others. */
	#shrink(): void {
		const { to } = this;
		this.to = this.from + 1n;
		this.progress = { ...NOTHING, spread: true };
		this.#whole.divide(this, to);
	}

	#later(): void {
		const delay = this.#pause;
		this.#pause = Math.min(2 * delay, PAUSE.most);
		this.#timer = this.#ports.schedule(delay, () => {
			this.find();
		});
	}

	#end(): void {
		this.#forget();
		this.progress = { ...NOBODY, complete: this.#complete };
		this.#ports.changed();
	}
}
