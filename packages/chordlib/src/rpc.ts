import { ChordError, isMalformed } from "./errors.ts";
import type { Pair } from "./fair-queue.ts";
import type { Limits } from "./limits.ts";
import type { Clock, Timer } from "./ports.ts";
import type { Answer, Cancel, Handlers } from "./protocol.ts";
import type { LimitCounter } from "./stats.ts";
import type { FailureReason, Frame, Outgoing } from "./wire/messages.ts";
import type { Reader } from "./wire/reader.ts";
import type { Fill } from "./wire/writer.ts";

/** What the calls of all of a node's links have in common. */
export interface RpcContext<From> {
	readonly clock: Clock;
	readonly limits: Limits;
	readonly handlers: Handlers<From>;
	readonly counter: LimitCounter;
	/** Requests under way over all links: asked by us, and asked of us. */
	pending: { asked: number; serving: number };
	/** A handler threw something that is not about the bytes that it was given. */
	handlerFailed(error: unknown): void;
}

/**
 * A request that was asked, and one that is being served, with what to do when its asker takes it back. They are
 * emptied when they end: the tables that a busy Map of V8 leaves behind keep what was in them until the next full
 * collection.
 */
interface Call {
	done: Answer<Uint8Array> | undefined;
	timer: Timer | undefined;
}
interface Service {
	cancel: Cancel | undefined;
}

/**
 * Requests and answers over one link. An answer counts only if it comes over the link, and carries the
 * number, of a request that is still waited for; every request ends, by an answer, its deadline, its
 * cancellation or the end of the link.
 */
export class Rpc<From> {
	readonly #context: RpcContext<From>;
	readonly #from: From;
	readonly #send: (frame: Outgoing, pair?: Pair) => void;
	readonly #calls = new Map<number, Call>();
	readonly #serving = new Map<number, Service>();
	#next = 1;

	constructor(context: RpcContext<From>, from: From, send: (frame: Outgoing, pair?: Pair) => void) {
		this.#context = context;
		this.#from = from;
		this.#send = send;
	}

	/** True when nothing is under way in either direction. */
	get quiet(): boolean {
		return this.#calls.size === 0 && this.#serving.size === 0;
	}

	/** Asks, and calls `done` exactly once: never before this has returned, unless it is cancelled: then not at all. */
	request(tag: number, body: Uint8Array, budget: number, done: Answer<Uint8Array>): Cancel {
		const { clock, pending } = this.#context;
		if (!this.#hasRoom(this.#calls.size, pending.asked)) {
			const timer = clock.schedule(0, () => {
				done(new ChordError("BUSY", "too many requests are waiting for an answer"));
			});
			return () => {
				timer.cancel();
			};
		}
		const call = this.#next++ >>> 0;
		const timer = clock.schedule(budget, () => {
			if (!this.#settle(call)) return;
			this.#send({ kind: "cancel", call });
			done(new ChordError("TIMEOUT", `no answer within ${Math.round(budget)} ms`));
		});
		this.#calls.set(call, { done, timer });
		pending.asked++;
		this.#send({ kind: "request", call, tag, budget: Math.max(1, Math.floor(budget)), body });
		return () => {
			if (this.#settle(call)) this.#send({ kind: "cancel", call });
		};
	}

	/** Says something that is not answered; where that is a message that goes on, of which pair of peers. */
	notify(tag: number, body: Uint8Array | Fill, pair?: Pair): void {
		this.#send({ kind: "notice", tag, body }, pair);
	}

	/** @throws ChordError `MALFORMED` when a notice's body is not what its type says. */
	receive(frame: Frame): void {
		switch (frame.kind) {
			case "request":
				this.#serve(frame);
				break;
			case "response":
				this.#settle(frame.call)?.(undefined, frame.body.rest());
				break;
			case "failure":
				this.#settle(frame.call)?.(failureError(frame.reason, frame.explanation));
				break;
			case "cancel":
				this.#finish(frame.call)?.();
				break;
			case "notice":
				this.#note(frame.tag, frame.body);
				break;
			default:
		}
	}

	/** The link is gone: what was asked fails, what was being served is taken back. */
	close(why: () => ChordError): void {
		for (const call of this.#calls.keys()) this.#settle(call)?.(why());
		for (const call of this.#serving.keys()) this.#finish(call)?.();
	}

	/** Whether one more request may be pending in one direction, of this peer and of all. */
	#hasRoom(ofPeer: number, ofAll: number): boolean {
		const { limits, counter } = this.#context;
		if (ofPeer >= limits.requestsPerPeer) counter.count("requestsPerPeer");
		else if (ofAll >= limits.requests) counter.count("requests");
		else return true;
		return false;
	}

	#settle(call: number): Answer<Uint8Array> | undefined {
		const entry = this.#calls.get(call);
		if (entry === undefined) return undefined;
		this.#calls.delete(call);
		this.#context.pending.asked--;
		const { done } = entry;
		entry.timer?.cancel();
		entry.done = entry.timer = undefined;
		return done;
	}

	#finish(call: number): Cancel | undefined {
		const service = this.#serving.get(call);
		if (service === undefined) return undefined;
		this.#serving.delete(call);
		this.#context.pending.serving--;
		const { cancel } = service;
		service.cancel = undefined;
		return cancel;
	}

	#serve(request: Extract<Frame, { kind: "request" }>): void {
		const { call, tag, body, budget } = request;
		const { handlers, pending } = this.#context;
		if (this.#serving.has(call)) {
			throw new ChordError("MALFORMED", `request ${call} was asked twice`);
		}
		const handle = handlers.request(tag);
		if (handle === undefined) {
			this.#fail(call, "notHandled", "no handler for this message");
			return;
		}
		if (!this.#hasRoom(this.#serving.size, pending.serving)) {
			this.#fail(call, "busy", "too many requests are being served");
			return;
		}
		const service: Service = { cancel: undefined };
		this.#serving.set(call, service);
		pending.serving++;
		const answer: Answer<Uint8Array> = (error, value) => {
			if (!this.#serving.has(call)) return;
			this.#finish(call);
			if (error !== undefined) this.#fail(call, reasonOf(error), error.message);
			else this.#send({ kind: "response", call, body: value ?? new Uint8Array() });
		};
		try {
			const cancel = handle(body, this.#from, budget, answer);
			if (this.#serving.has(call)) service.cancel = cancel;
		} catch (error) {
			if (!isMalformed(error)) this.#context.handlerFailed(error);
			answer(error instanceof ChordError ? error : new ChordError("REMOTE", "the handler failed"));
		}
	}

	#note(tag: number, body: Reader): void {
		try {
			this.#context.handlers.notice(tag)?.(body, this.#from);
		} catch (error) {
			if (isMalformed(error)) throw error;
			this.#context.handlerFailed(error);
		}
	}

	#fail(call: number, reason: FailureReason, explanation: string): void {
		this.#send({ kind: "failure", call, reason, explanation: explanation.slice(0, 60) });
	}
}

function reasonOf(error: ChordError): FailureReason {
	switch (error.code) {
		case "MALFORMED":
			return "malformed";
		case "BUSY":
			return "busy";
		default:
			return "failed";
	}
}

function failureError(reason: FailureReason, explanation: string): ChordError {
	switch (reason) {
		case "notHandled":
			return new ChordError("NOT_HANDLED", `the other node answers: ${explanation}`);
		case "busy":
			return new ChordError("BUSY", `the other node answers: ${explanation}`);
		case "malformed":
		case "failed":
			return new ChordError("REMOTE", `the other node answers: ${explanation}`);
		default:
			return reason satisfies never;
	}
}
