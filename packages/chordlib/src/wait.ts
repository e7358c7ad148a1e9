import { ChordError } from "./errors.ts";
import type { Clock } from "./ports.ts";
import type { Answer, Cancel } from "./protocol.ts";

/** How long an operation may take (milliseconds; 0 asks only for what is there already), and what may end it before. */
export interface Wait {
	/** Milliseconds; a default of the operation where not given. */
	readonly timeout?: number;
	/** Ends the operation, which rejects with its reason. */
	readonly signal?: AbortSignal;
}

/** The longest that a timer can run. */
const LONGEST = 2 ** 31 - 1;

/** A signal that operations wait with, and what they do when it aborts. */
interface Heeded {
	readonly aborts: Set<() => void>;
	readonly heard: () => void;
}

/**
 * Promises for operations that are written with callbacks. Each ends by itself, by its time-out, by its signal,
 * or by {@link closeAll}.
 */
export class Waits {
	readonly #clock: Clock;
	readonly #open = new Set<(error: Error) => void>();
	/** What ends when a signal aborts. One listener for all: Node takes eleven on one signal for a leak. */
	readonly #signals = new Map<AbortSignal, Heeded>();
	readonly #timedOut: () => void;

	/** `timedOut` is called each time that a time limit runs out. */
	constructor(clock: Clock, timedOut: () => void = () => {}) {
		this.#clock = clock;
		this.#timedOut = timedOut;
	}

	/**
	 * Starts something with a time limit. It is cancelled when the promise rejects first: with `TIMEOUT`, the
	 * signal's reason, or `CLOSED`.
	 */
	async run<T>(
		options: Wait | undefined,
		fallback: number,
		start: (budget: number, done: Answer<T, Error>) => Cancel,
	): Promise<T> {
		const { timeout = fallback, signal } = options ?? {};
		if (typeof timeout !== "number" || Number.isNaN(timeout) || timeout < 0) {
			throw new ChordError(
				"INVALID_ARGUMENT",
				"timeout must be a number of milliseconds, 0 or more",
			);
		}
		if (signal !== undefined && !(signal instanceof AbortSignal)) {
			throw new ChordError("INVALID_ARGUMENT", "signal must be an AbortSignal");
		}
		signal?.throwIfAborted();
		return new Promise<T>((resolve, reject) => {
			let cancel: Cancel | undefined;
			let release: Cancel | undefined;
			const end = (settle: () => void): void => {
				timer?.cancel();
				release?.();
				this.#open.delete(close);
				settle();
			};
			const stop = (error: unknown): void => {
				end(() => {
					// First: what is cancelled may answer that it was.
					reject(error);
					cancel?.();
				});
			};
			const abort = (): void => {
				stop(signal?.reason);
			};
			const close = (error: Error): void => {
				stop(error);
			};
			const limit = Math.min(timeout, LONGEST);
			const timer =
				timeout === Infinity
					? undefined
					: this.#clock.schedule(limit, () => {
							this.#timedOut();
							stop(new ChordError("TIMEOUT", `not done within ${Math.round(timeout)} ms`));
						});
			if (signal !== undefined) release = this.#heed(signal, abort);
			this.#open.add(close);
			try {
				cancel = start(limit, (error, value) => {
					end(() => {
						if (error !== undefined) reject(error);
						else resolve(value as T);
					});
				});
			} catch (error) {
				stop(error);
			}
		});
	}

	/** Ends all that is under way, with `CLOSED` where no other error is given. */
	closeAll(error: Error = new ChordError("CLOSED", "the node was closed")): void {
		for (const close of this.#open) close(error);
	}

	/** Calls `abort` when the signal aborts, until that is taken back. */
	#heed(signal: AbortSignal, abort: () => void): Cancel {
		const { aborts, heard } = this.#signals.get(signal) ?? this.#listenTo(signal);
		aborts.add(abort);
		return () => {
			aborts.delete(abort);
			if (aborts.size > 0) return;
			this.#signals.delete(signal);
			signal.removeEventListener("abort", heard);
		};
	}

	#listenTo(signal: AbortSignal): Heeded {
		const aborts = new Set<() => void>();
		const heard = (): void => {
			for (const abort of aborts) abort();
		};
		const heeded = { aborts, heard };
		this.#signals.set(signal, heeded);
		signal.addEventListener("abort", heard);
		return heeded;
	}
}
