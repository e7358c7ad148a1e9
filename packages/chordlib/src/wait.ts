import { Deadlines } from "./deadlines.ts";
import { ChordError } from "./errors.ts";
import type { Clock, Timer } from "./ports.ts";
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

/** Starts an operation for at most so many milliseconds. */
type Start<T> = (budget: number, done: Answer<T, Error>) => Cancel;

/** Told once that an operation has ended; with an error it says with which one the promise rejects. */
export type Ended = (error?: unknown) => unknown;

/**
 * One operation under way; whatever ends it first settles its promise. Then it lets go of all that it holds: the tables
 * that a busy Set of V8 leaves behind keep what was in them until the next full collection.
 */
class Operation<T> {
	timer: Timer | undefined;
	/** No longer listens to the signal. */
	release: Cancel | undefined;
	cancel: Cancel | undefined;
	#resolve: ((value: T) => void) | undefined;
	#reject: ((error: unknown) => void) | undefined;
	#ended: Ended | undefined;

	constructor(resolve: (value: T) => void, reject: (error: unknown) => void, ended: Ended) {
		this.#resolve = resolve;
		this.#reject = reject;
		this.#ended = ended;
	}

	/** It has ended by itself. */
	end(error: Error | undefined, value: T | undefined): void {
		const resolve = this.#resolve;
		if (error !== undefined) {
			this.#fail(error);
			return;
		}
		const ended = this.#ended;
		this.#letGo();
		ended?.();
		resolve?.(value as T);
	}

	/** Ends it before that. */
	stop(error: unknown): void {
		const { cancel } = this;
		// First: what is cancelled may answer that it was.
		this.#fail(error);
		cancel?.();
	}

	/** Ends it, and tells nobody. */
	abandon(): void {
		const { cancel } = this;
		this.#letGo();
		cancel?.();
	}

	#fail(error: unknown): void {
		const [reject, ended] = [this.#reject, this.#ended];
		this.#letGo();
		reject?.(ended?.(error));
	}

	#letGo(): void {
		this.timer?.cancel();
		this.release?.();
		this.timer = this.release = this.cancel = undefined;
		this.#resolve = this.#reject = this.#ended = undefined;
	}
}

/**
 * Promises for operations that are written with callbacks. Each ends by itself, by its time-out, by its signal,
 * or by {@link closeAll}.
 */
export class Waits {
	readonly #deadlines: Deadlines;
	readonly #open = new Set<Pick<Operation<unknown>, "stop">>();
	/** What ends when a signal aborts. One listener for all: Node takes eleven on one signal for a leak. */
	readonly #signals = new Map<AbortSignal, Heeded>();

	constructor(clock: Clock) {
		this.#deadlines = new Deadlines(clock);
	}

	/**
	 * Starts something with a time limit. It is cancelled when the promise rejects first: with `TIMEOUT`, the
	 * signal's reason, or `CLOSED`. `ended` is told before that.
	 */
	run<T>(
		options: Wait | undefined,
		fallback: number,
		start: Start<T>,
		ended: Ended = (error) => error,
	): Promise<T> {
		return new Promise((resolve, reject) => {
			this.#begin(new Operation<T>(resolve, reject, ended), options, fallback, start);
		});
	}

	/**
	 * The same with a callback, for what is cancelled without a signal: `done` is not called then.
	 * @throws ChordError `INVALID_ARGUMENT`
	 */
	start<T>(timeout: number, start: Start<T>, done: Answer<T, Error>, ended: Ended): Cancel {
		checkWait(undefined, timeout);
		const resolve = (value: T): void => {
			done(undefined, value);
		};
		const reject = (error: unknown): void => {
			done(error as Error);
		};
		const operation = new Operation<T>(resolve, reject, ended);
		this.#begin(operation, undefined, timeout, start);
		return () => {
			if (this.#open.delete(operation)) operation.abandon();
		};
	}

	#begin<T>(
		operation: Operation<T>,
		options: Wait | undefined,
		fallback: number,
		start: Start<T>,
	): void {
		this.#open.add(operation);
		try {
			const { timeout, signal } = checkWait(options, fallback);
			const limit = Math.min(timeout, LONGEST);
			if (timeout !== Infinity) {
				operation.timer = this.#deadlines.schedule(limit, () => {
					const what = `not done within ${Math.round(timeout)} ms`;
					this.#stop(operation, new ChordError("TIMEOUT", what));
				});
			}
			if (signal !== undefined) {
				operation.release = this.#heed(signal, () => {
					this.#stop(operation, signal.reason);
				});
			}
			const cancel = start(limit, (error, value) => {
				this.#open.delete(operation);
				operation.end(error, value);
			});
			if (this.#open.has(operation)) operation.cancel = cancel;
		} catch (error) {
			this.#stop(operation, error);
		}
	}

	/** Ends all that is under way, with `CLOSED` where no other error is given. */
	closeAll(error: Error = new ChordError("CLOSED", "the node was closed")): void {
		for (const operation of this.#open) this.#stop(operation, error);
	}

	#stop(operation: Pick<Operation<unknown>, "stop">, error: unknown): void {
		this.#open.delete(operation);
		operation.stop(error);
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

/** @throws ChordError `INVALID_ARGUMENT`, and the signal's reason where that is aborted */
function checkWait(
	options: Wait | undefined,
	fallback: number,
): { readonly timeout: number; readonly signal: AbortSignal | undefined } {
	const { timeout = fallback, signal } = options ?? {};
	if (typeof timeout !== "number" || Number.isNaN(timeout) || timeout < 0) {
		throw new ChordError("INVALID_ARGUMENT", "timeout must be a number of milliseconds, 0 or more");
	}
	if (signal !== undefined && !(signal instanceof AbortSignal)) {
		throw new ChordError("INVALID_ARGUMENT", "signal must be an AbortSignal");
	}
	signal?.throwIfAborted();
	return { timeout, signal };
}
