import type { Answer, Cancel, ChordError } from "@cicada/chordlib";

/** Starts an operation of chordlib's, where promises end: what comes after a cancellation is not told. */
export function settle<T>(start: (signal: AbortSignal) => Promise<T>, done: Answer<T>): Cancel {
	const abort = new AbortController();
	const run = async (): Promise<void> => {
		let value: T;
		try {
			value = await start(abort.signal);
		} catch (error) {
			if (!abort.signal.aborted) done(error as ChordError);
			return;
		}
		if (!abort.signal.aborted) done(undefined, value);
	};
	void run();
	return () => {
		abort.abort();
	};
}
