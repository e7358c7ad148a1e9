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

/** A handler of the application's for requests. */
type RequestHandler = (value: unknown, from: Sender & { signal: AbortSignal }) => unknown;

/** Hands notices to the application. What its handler throws goes to `failed`. */
export function handleNotice(
	handlers: Handlers<Connection>,
	type: NoticeType<unknown>,
	handler: (value: unknown, from: Sender) => unknown,
	failed: (error: unknown) => void,
): Unsubscribe {
	return handlers.onNotice(type, (value, connection) => {
		const { contact } = connection;
		if (contact === undefined) return;
		guard(() => handler(value, { peer: contact }), failed);
	});
}

/** Who waits for the answer to a request. Few handlers look at the signal, which would cost more than all else here. */
class Asker implements Sender {
	readonly peer: RemoteNode;
	isGone = false;
	#abort: AbortController | undefined;

	constructor(peer: RemoteNode) {
		this.peer = peer;
	}

	get signal(): AbortSignal {
		this.#abort ??= new AbortController();
		if (this.isGone) this.#abort.abort();
		return this.#abort.signal;
	}

	leave(): void {
		this.isGone = true;
		this.#abort?.abort();
	}
}

/** Has the application answer requests. What its handler throws goes to `failed`; the asker gets `REMOTE`. */
export function handleRequest(
	handlers: Handlers<Connection>,
	type: RequestType<unknown, unknown>,
	handler: RequestHandler,
	failed: (error: unknown) => void,
): Unsubscribe {
	return handlers.onRequest(type, (value, connection, _budget, answer) => {
		const { contact } = connection;
		if (contact === undefined) return undefined;
		const asker = new Asker(contact);
		const fail = (error: unknown): void => {
			if (!asker.isGone) failed(error);
			answer(new ChordError("REMOTE", "the handler failed"));
		};
		try {
			const response = handler(value, asker);
			if (isThenable(response)) {
				// Somebody's own promise may give another one.
				Promise.resolve(response).then((later) => {
					give(answer, later, failed);
				}, fail);
			} else {
				give(answer, response, failed);
			}
		} catch (error) {
			fail(error);
		}
		return () => {
			asker.leave();
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
