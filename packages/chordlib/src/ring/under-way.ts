import type { Answer, Cancel } from "../protocol.ts";

/** Calls and lookups that somebody waits for. All of them can be ended at once, and then nobody hears of them again. */
export class UnderWay {
	readonly #work = new Set<{ cancel?: Cancel }>();

	/** Starts something; `done` hears of its end, unless it is cancelled before. */
	track<T>(start: (done: Answer<T>) => Cancel, done: Answer<T>): Cancel {
		const work: { cancel?: Cancel } = {};
		this.#work.add(work);
		work.cancel = start((error, value) => {
			if (this.#work.delete(work)) done(error, value);
		});
		return () => {
			if (this.#work.delete(work)) work.cancel?.();
		};
	}

	cancelAll(): void {
		for (const work of this.#work) {
			this.#work.delete(work);
			work.cancel?.();
		}
	}
}
