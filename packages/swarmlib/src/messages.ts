import type { Wait } from "@cicada/chordlib";

import type { Received } from "./inbox.ts";

/** What iteration asks of the peer that it is about. */
export interface MessagesPorts {
	readonly recv: (wait: Wait) => Promise<Received>;
	readonly isClosed: () => boolean;
}

/** Messages as they come, until the peer is closed. Leaving the loop ends only the loop. */
export function messages({ recv, isClosed }: MessagesPorts): AsyncIterator<Received> {
	const left = new AbortController();
	const end: IteratorResult<Received> = { done: true, value: undefined };
	return {
		next: async () => {
			if (left.signal.aborted || isClosed()) return end;
			try {
				return { done: false, value: await recv({ signal: left.signal }) };
			} catch (error) {
				if (left.signal.aborted || isClosed()) return end;
				throw error;
			}
		},
		return: async () => {
			left.abort();
			return Promise.resolve(end);
		},
	};
}
