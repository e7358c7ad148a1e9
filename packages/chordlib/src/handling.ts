import type { Connection } from "./connection.ts";
import type { RemoteNode } from "./contact.ts";
import { ChordError } from "./errors.ts";
import { type Unsubscribe, guard, isThenable } from "./events.ts";
import type { Answer, Handlers, NoticeType, RequestType } from "./protocol.ts";

/** Who sent a message that is being handled. */
export interface Sender {
	/** The node at the other end of the link. */
	readonly peer: RemoteNode;
}

/** A handler of the application's, which may return a promise, and fail. */
type Handler = (value: unknown, from: Sender & { signal: AbortSignal }) => unknown;

/** Hands notices to the application. What its handler throws goes to `failed`. */
export function handleNotice(
	handlers: Handlers<Connection>,
	type: NoticeType<unknown>,
	handler: Handler,
	failed: (error: unknown) => void,
): Unsubscribe {
	return handlers.onNotice(type, (value, connection) => {
		const { contact } = connection;
		if (contact === undefined) return;
		const { signal } = new AbortController();
		guard(() => handler(value, { peer: contact, signal }), failed);
	});
}

/** Has the application answer requests. What its handler throws goes to `failed`; the asker gets `REMOTE`. */
export function handleRequest(
	handlers: Handlers<Connection>,
	type: RequestType<unknown, unknown>,
	handler: Handler,
	failed: (error: unknown) => void,
): Unsubscribe {
	return handlers.onRequest(type, (value, connection, _budget, answer) => {
		const { contact } = connection;
		if (contact === undefined) return undefined;
		let abort: AbortController | undefined;
		let isWanted = true;
		const from = {
			peer: contact,
			// Few handlers look at it, and it costs more than the rest of all this.
			get signal(): AbortSignal {
				abort ??= new AbortController();
				if (!isWanted) abort.abort();
				return abort.signal;
			},
		};
		const fail = (error: unknown): void => {
			if (isWanted) failed(error);
			answer(new ChordError("REMOTE", "the handler failed"));
		};
		try {
			const response = handler(value, from);
			if (isThenable(response)) {
				response.then((later) => {
					give(answer, later, failed);
				}, fail);
			} else {
				give(answer, response, failed);
			}
		} catch (error) {
			fail(error);
		}
		return () => {
			isWanted = false;
			abort?.abort();
		};
	});
}

function give(answer: Answer<unknown>, response: unknown, failed: (error: unknown) => void): void {
	try {
		answer(undefined, response);
	} catch (error) {
		failed(error);
		answer(new ChordError("REMOTE", "the handler's response does not fit its type"));
	}
}
