import type { Answer, Cancel, ChordError } from "@cicada/chordlib";

/** Starts an operation of chordlib's, where promises end: what comes after a cancellation is not told. */
export function settle<T>(start: (signal: AbortSignal) => Promise<T>, done: Answer<T>): Cancel {
	const abort = new AbortController();
	let isWanted = true;
	const settled = (error: ChordError | undefined, value?: T): void => {
		if (!isWanted) return;
		isWanted = false;
		done(error, value);
	};
	start(abort.signal).then(
		(value) => {
			settled(undefined, value);
		},
		(error: unknown) => {
			settled(error as ChordError);
		},
	);
	return () => {
		if (!isWanted) return;
		isWanted = false;
		abort.abort();
	};
}
