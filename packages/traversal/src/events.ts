/** Typed events. A listener that throws, or whose promise rejects, is reported to `failed` and harms nothing else. */
export class Events<Types extends object> {
	readonly #listeners = new Map<keyof Types, Set<(event: never) => unknown>>();
	readonly #failed: (error: unknown) => void;

	constructor(failed: (error: unknown) => void) {
		this.#failed = failed;
	}

	/** Calls `listener` for each event of a type, until it is taken back or `signal` aborts. */
	on<Type extends keyof Types>(
		type: Type,
		listener: (event: Types[Type]) => void,
		options: { signal?: AbortSignal } = {},
	): () => void {
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

	emit<Type extends keyof Types>(type: Type, event: Types[Type]): void {
		for (const listener of Array.from(this.#listeners.get(type) ?? [])) {
			try {
				const result = listener(event as never);
				if (result instanceof Promise) result.catch(this.#failed);
			} catch (error) {
				this.#failed(error);
			}
		}
	}
}
