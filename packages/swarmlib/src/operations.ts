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
import { type Destination, destination } from "./target.ts";
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

	constructor(clock: Clock, transport: Transport) {
		this.names = new Names(transport);
		this.#clock = clock;
		this.#waits = new Waits(clock);
	}

	/** Something with a time limit, `timeout` where `wait` has none. */
	async run<T>(wait: Wait, timeout: number, start: Start<T>): Promise<T> {
		try {
			return await this.#waits.run<T>(wait, timeout, start);
		} catch (error) {
			throw asSwarmError(error);
		}
	}

	/** The same, which counts as under way, and keeps to the time itself. */
	async work<T>(wait: Wait, timeout: number, start: Start<T>): Promise<T> {
		const over = this.underWay.begin();
		try {
			return await this.run({ ...wait, timeout: Infinity }, timeout, (_budget, done) =>
				start(timeout, done),
			);
		} finally {
			over();
		}
	}

	/** Something about a target, whose name is resolved first. A time-out says how far it had come. */
	async about<T>(target: unknown, wait: Wait, timeout: number, start: StartAbout<T>): Promise<T> {
		const over = this.underWay.begin();
		let progress = "its name is not resolved yet";
		try {
			const found = destination(target, (host) => this.names.resolve(host));
			return await this.#waits.run<T>(wait, timeout, (_budget, done) => {
				let started: Started | undefined;
				let wanted = true;
				if (found instanceof Promise) {
					found.then((resolved) => {
						if (wanted) started = start(resolved, done);
					}, done);
				} else {
					started = start(found, done);
				}
				return () => {
					wanted = false;
					progress = started?.progress() ?? progress;
					started?.cancel();
				};
			});
		} catch (error) {
			if (!(error instanceof ChordError) || error.code !== "TIMEOUT") throw asSwarmError(error);
			throw new SwarmError("TIMEOUT", `${error.message}; ${progress}`, { cause: error });
		} finally {
			over();
		}
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
