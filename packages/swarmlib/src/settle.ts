import type { Answer, Cancel, ChordError } from "@cicada/chordlib";

/**
 * What becomes of an operation of chordlib's, where promises end. One that is cancelled is not told of any more; it ends
 * by itself, at its time limit at the latest. An abort signal for each would take longer than most of them do.
 */
export function settle<T>(operation: Promise<T>, done: Answer<T>): Cancel {
	let isWanted = true;
	const settled = (error: ChordError | undefined, value?: T): void => {
		if (isWanted) done(error, value);
	};
	operation.then(
		(value) => {
			settled(undefined, value);
		},
		(error: unknown) => {
			settled(error as ChordError);
		},
	);
	return () => {
		isWanted = false;
	};
}
