import type { Answer, Cancel, ChordError } from "@cicada/chordlib";

/**
 * What becomes of an operation of chordlib's, where promises end. One that is cancelled is not told of any more, and keeps
 * nobody; it ends by itself, at its time limit at the latest. An abort signal for each would take longer than most do.
 */
export function settle<T>(operation: Promise<T>, done: Answer<T>): Cancel {
	let wanted: Answer<T> | undefined = done;
	operation.then(
		(value) => {
			wanted?.(undefined, value);
		},
		(error: unknown) => {
			wanted?.(error as ChordError);
		},
	);
	return () => {
		wanted = undefined;
	};
}
