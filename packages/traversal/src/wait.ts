import { TraversalError } from "./errors.ts";
import type { Clock } from "./ports.ts";

/** How long an operation may take (milliseconds; 0 asks only for what is there already), and what may end it before. */
export interface Wait {
	/** Milliseconds; a default of the operation where not given. */
	readonly timeout?: number;
	/** Ends the operation, which rejects with its reason. */
	readonly signal?: AbortSignal;
}

/** The longest that a timer can wait. */
const FOREVER = 2 ** 31 - 1;

/** @throws TraversalError `INVALID_ARGUMENT` */
export function checkTimeout(timeout: number): void {
	if (typeof timeout !== "number" || Number.isNaN(timeout) || timeout < 0) {
		throw new TraversalError(
			"INVALID_ARGUMENT",
			"timeout must be a number of milliseconds, 0 or more",
		);
	}
}

/**
 * Runs something that may be ended before it is done: by its time-out, with `TIMEOUT`, or by one of
 * `signals`, with its reason. The promise rejects at once; `run` learns of it by the signal that it is given.
 */
export async function within<T>(
	clock: Clock,
	timeout: number,
	signals: readonly (AbortSignal | undefined)[],
	run: (signal: AbortSignal) => Promise<T>,
	expired: () => TraversalError = () =>
		new TraversalError("TIMEOUT", `not done within ${Math.round(timeout)} ms`),
): Promise<T> {
	checkTimeout(timeout);
	for (const signal of signals) signal?.throwIfAborted();
	// What is there already was looked for before.
	if (timeout === 0) throw expired();
	const controller = new AbortController();
	const listeners = new AbortController();
	return new Promise<T>((resolve, reject) => {
		const finish = (settle: () => void): void => {
			timer.cancel();
			listeners.abort();
			settle();
		};
		const stop = (reason: unknown): void => {
			finish(() => {
				reject(reason);
			});
			controller.abort(reason);
		};
		for (const signal of signals) {
			signal?.addEventListener(
				"abort",
				() => {
					stop(signal.reason);
				},
				{ signal: listeners.signal },
			);
		}
		const timer = clock.schedule(Math.min(timeout, FOREVER), () => {
			stop(expired());
		});
		run(controller.signal).then(
			(value) => {
				finish(() => {
					resolve(value);
				});
			},
			(error: unknown) => {
				finish(() => {
					reject(error);
				});
			},
		);
	});
}

/** Resolves after a time; rejects with the signal's reason when that aborts before. */
export async function pause(clock: Clock, delay: number, signal: AbortSignal): Promise<void> {
	signal.throwIfAborted();
	return new Promise((resolve, reject) => {
		const abort = (): void => {
			timer.cancel();
			reject(signal.reason);
		};
		const timer = clock.schedule(delay, () => {
			signal.removeEventListener("abort", abort);
			resolve();
		});
		signal.addEventListener("abort", abort, { once: true });
	});
}
