import {
	type Answer,
	type Cancel,
	ChordError,
	type Clock,
	type Transport,
	type Wait,
	Waits,
} from "@cicada/chordlib";

import { SwarmError, asSwarmError } from "./errors.ts";
import { Names } from "./names.ts";
import { type Destination, type Resolve, destination } from "./target.ts";
import { UnderWay } from "./under-way.ts";

/** Starts something with callbacks, for at most so many milliseconds. */
type Start<T> = (budget: number, done: Answer<T, Error>) => Cancel;

/** Something that is about a target, under way. */
export interface Started {
	readonly cancel: Cancel;
	/** How far it has come, in words: for the message of a time-out. */
	readonly progress: () => string;
}

type StartAbout<T> = (destination: Destination, done: Answer<T, SwarmError>) => Started;

/** A peer's operations that are under way: here promises begin. */
export class Operations {
	readonly names: Names;
	/** What this peer is asked to do, and what it serves for others. */
	readonly underWay: UnderWay = new UnderWay();
	readonly #clock: Clock;
	readonly #waits: Waits;
	readonly #resolve: Resolve;

	constructor(clock: Clock, transport: Transport) {
		this.names = new Names(transport);
		this.#resolve = (host) => this.names.resolve(host);
		this.#clock = clock;
		this.#waits = new Waits(clock);
	}

	/** Something with a time limit, `timeout` where `wait` has none. */
	run<T>(wait: Wait, timeout: number, start: Start<T>): Promise<T> {
		return this.#waits.run<T>(wait, timeout, start, asSwarmError);
	}

	/** The same, which counts as under way, and keeps to the time itself. */
	work<T>(wait: Wait, timeout: number, start: Start<T>): Promise<T> {
		this.underWay.begin();
		const untimed = { ...wait, timeout: Infinity };
		const begin: Start<T> = (_budget, done) => start(timeout, done);
		return this.#waits.run<T>(untimed, timeout, begin, (error) => {
			this.underWay.end();
			return asSwarmError(error);
		});
	}

	/** Something about a target, whose name is resolved first. A time-out says how far it had come. */
	about<T>(target: unknown, wait: Wait, timeout: number, start: StartAbout<T>): Promise<T> {
		// All that is sent comes through here: one promise, and few closures.
		this.underWay.begin();
		let started: Started | undefined;
		const begin: Start<T> = (_budget, done) => {
			const found = destination(target, this.#resolve);
			if (!(found instanceof Promise)) {
				started = start(found, done);
				return started.cancel;
			}
			let wanted = true;
			found.then((resolved) => {
				if (wanted) started = start(resolved, done);
			}, done);
			return () => {
				wanted = false;
				started?.cancel();
			};
		};
		return this.#waits.run<T>(wait, timeout, begin, (error) => {
			this.underWay.end();
			if (!(error instanceof ChordError) || error.code !== "TIMEOUT") return asSwarmError(error);
			const progress = started?.progress() ?? "its name is not resolved yet";
			return new SwarmError("TIMEOUT", `${error.message}; ${progress}`, { cause: error });
		});
	}

	/** Resolves when nothing is under way any more, or the time is over. */
	async settled(budget: number, wait: Wait): Promise<void> {
		await this.run<void>({ ...wait, timeout: Infinity }, budget, (_budget, done) => {
			const end = (): void => {
				timer.cancel();
				stop();
			};
			const finish = (): void => {
				end();
				done(undefined);
			};
			const timer = this.#clock.schedule(budget, finish);
			const stop = this.underWay.whenNone(() => {
				this.#clock.defer(finish);
			});
			return end;
		});
	}

	/** Ends all that waits. */
	close(error: SwarmError): void {
		this.#waits.closeAll(error);
	}
}
