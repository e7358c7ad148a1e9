import { ChordError } from "./errors.ts";
import type { Clock } from "./ports.ts";
import type { Answer, Cancel } from "./protocol.ts";

/** How long an operation may take (milliseconds; 0 asks only for what is there already), and what may end it before. */
export interface Wait {
	readonly timeout?: number;
	readonly signal?: AbortSignal;
}

/** The longest that a timer can run. */
const LONGEST = 2 ** 31 - 1;

/**
 * Promises for operations that are written with callbacks. Each ends by itself, by its time-out, by its signal,
 * or by {@link closeAll}.
 */
export class Waits {
	readonly #clock: Clock;
	readonly #open = new Set<(error: ChordError) => void>();

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
			const end = (settle: () => void): void => {
				timer?.cancel();
				signal?.removeEventListener("abort", abort);
				this.#open.delete(close);
				settle();
			};
			const stop = (error: unknown): void => {
				end(() => {
					cancel?.();
					reject(error);
				});
			};
			const abort = (): void => {
				stop(signal?.reason);
			};
			const close = (error: ChordError): void => {
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
			signal?.addEventListener("abort", abort);
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

	/** Ends all that is under way. */
	closeAll(): void {
		for (const close of this.#open) close(new ChordError("CLOSED", "the node was closed"));
	}
}
