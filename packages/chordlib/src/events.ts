/** Takes a listener back. */
export type Unsubscribe = () => void;

/**
 * Typed events. A listener that throws, or whose promise rejects, is an `error` event and harms nothing else; when it
 * is a listener for errors that fails, there is nobody left to tell.
 */
export class Events<Types extends { error: unknown }> {
	readonly #listeners = new Map<keyof Types, Set<(event: never) => unknown>>();

	/** Calls `listener` for each event of a type, until it is taken back or `signal` aborts. */
	on<Type extends keyof Types>(
		type: Type,
		listener: (event: Types[Type]) => void,
		options: { signal?: AbortSignal } = {},
	): Unsubscribe {
		const { signal } = options;
		if (signal?.aborted === true) return () => {};
		const listeners = this.#listeners.get(type) ?? new Set();
		this.#listeners.set(type, listeners);
		// A listener that is added twice is called twice.
		const entry = (event: never): unknown => listener(event);
		listeners.add(entry);
		const remove = (): void => {
			listeners.delete(entry);
			signal?.removeEventListener("abort", remove);
		};
		signal?.addEventListener("abort", remove);
		return remove;
	}

	/** Calls the listeners of a type with an event, in the order in which they were added. */
	emit<Type extends keyof Types>(type: Type, event: Types[Type]): void {
		const failed = (error: unknown): void => {
			if (type !== "error") this.emit("error", error);
		};
		for (const listener of Array.from(this.#listeners.get(type) ?? [])) {
			guard(() => listener(event as never), failed);
		}
	}
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
	return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

/** Calls somebody else's function; what it throws, or rejects with, goes to `failed`. */
export function guard(run: () => unknown, failed: (error: unknown) => void): void {
	try {
		const result = run();
		if (isThenable(result)) result.then(undefined, failed);
	} catch (error) {
		failed(error);
	}
}
