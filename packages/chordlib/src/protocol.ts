import { ChordError } from "./errors.ts";
import { sha256 } from "./node/crypto.ts";
import { type Codec, encode, readAll } from "./wire/codec.ts";
import type { Reader } from "./wire/reader.ts";

/** A type of message that is answered. Make one with {@link defineRequest}. */
export interface RequestType<Request, Response> {
	/** Tells it from a notice. */
	readonly kind: "request";
	/** By which both ends know it. */
	readonly name: string;
	/** What stands for the name on the wire: 32 bits of its hash. */
	readonly tag: number;
	/** What is asked. */
	readonly request: Codec<Request>;
	/** What is answered. */
	readonly response: Codec<Response>;
}

/** A type of message that is not answered. Make one with {@link defineNotice}. */
export interface NoticeType<Body> {
	/** Tells it from a request. */
	readonly kind: "notice";
	/** By which both ends know it. */
	readonly name: string;
	/** What stands for the name on the wire: 32 bits of its hash. */
	readonly tag: number;
	/** What is said. */
	readonly body: Codec<Body>;
}

/**
 * Declares a message that is answered. Both ends declare it alike; the name, by which they find each other,
 * says whose protocol and which version it is.
 *
 * @example
 * ```ts
 * const get = defineRequest("example.org/store/1/get", { request: text(100), response: optional(bytes(4096)) });
 * ```
 */
export function defineRequest<Request, Response>(
	name: string,
	codecs: { request: Codec<Request>; response: Codec<Response> },
): RequestType<Request, Response> {
	return { kind: "request", name, tag: tagOf(name), ...codecs };
}

/** Declares a message that is not answered. */
export function defineNotice<Body>(name: string, body: Codec<Body>): NoticeType<Body> {
	return { kind: "notice", name, tag: tagOf(name), body };
}

/** What stands for a name on the wire: the first four bytes of its SHA-256. */
function tagOf(name: string): number {
	if (typeof name !== "string" || name === "") {
		throw new ChordError("INVALID_ARGUMENT", "a message type needs a name");
	}
	const [a = 0, b = 0, c = 0, d = 0] = sha256(name);
	return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Takes a finished answer, or the reason why there is none. Later calls are ignored. */
export type Answer<Response, Failure extends Error = ChordError> = (
	error: Failure | undefined,
	value?: Response,
) => void;

/** Takes back something that is under way. */
export type Cancel = () => void;

/** Answers requests of one type; what it returns is called when the asker no longer waits. */
export type RequestHandler<From> = (
	body: Reader,
	from: From,
	budget: number,
	answer: Answer<Uint8Array>,
) => Cancel | undefined;

export type NoticeHandler<From> = (body: Reader, from: From) => void;

/** Who handles which message. `From` is how handlers know the sender. */
export class Handlers<From> {
	readonly #requests = new Map<number, { name: string; handle: RequestHandler<From> }>();
	readonly #notices = new Map<number, { name: string; handle: NoticeHandler<From> }>();
	readonly #limit: number;

	constructor(frameLimit: number) {
		this.#limit = frameLimit;
	}

	request(tag: number): RequestHandler<From> | undefined {
		return this.#requests.get(tag)?.handle;
	}

	notice(tag: number): NoticeHandler<From> | undefined {
		return this.#notices.get(tag)?.handle;
	}

	/** @throws ChordError `INVALID_ARGUMENT` when the type, or another of the same tag, is handled already. */
	onRequest<Request, Response>(
		type: RequestType<Request, Response>,
		handle: (
			value: Request,
			from: From,
			budget: number,
			answer: Answer<Response>,
		) => Cancel | undefined,
	): Cancel {
		return register(this.#requests, type, (body, from, budget, answer) =>
			handle(readAll(type.request, body), from, budget, (error, value) => {
				if (error !== undefined) answer(error);
				else answer(undefined, encode(type.response, value as Response, this.#limit));
			}),
		);
	}

	/** @throws ChordError `INVALID_ARGUMENT` when the type, or another of the same tag, is handled already. */
	onNotice<Body>(type: NoticeType<Body>, handle: (value: Body, from: From) => void): Cancel {
		return register(this.#notices, type, (body, from) => {
			handle(readAll(type.body, body), from);
		});
	}
}

function register<Handle>(
	handlers: Map<number, { name: string; handle: Handle }>,
	type: { name: string; tag: number },
	handle: Handle,
): Cancel {
	const taken = handlers.get(type.tag);
	if (taken !== undefined) {
		throw new ChordError(
			"INVALID_ARGUMENT",
			taken.name === type.name
				? `${type.name} is handled already`
				: `${type.name} and ${taken.name} have the same tag: rename one`,
		);
	}
	const entry = { name: type.name, handle };
	handlers.set(type.tag, entry);
	return () => {
		if (handlers.get(type.tag) === entry) handlers.delete(type.tag);
	};
}
