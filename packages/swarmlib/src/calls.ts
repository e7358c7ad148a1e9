/**
 * Requests to other peers, and answers to theirs. They travel as messages do, in sessions of their own: neither an inbox
 * that is full nor an application that does not call `recv` holds them up.
 *
 * @module
 */
import { type Answer, type Cancel, type Clock, type Random, type Timer } from "@cicada/chordlib";

import {
	type CallMessage,
	decodeCall,
	encodeCall,
	explanationOf,
	failureOf,
} from "./call-messages.ts";
import { SwarmError } from "./errors.ts";
import type { Started } from "./operations.ts";
import type { Outgoing, Route } from "./outgoing.ts";
import type { RemotePeer } from "./remote-peer.ts";
import type { SwarmLimit } from "./stats.ts";
import type { Destination } from "./target.ts";
import type { UnderWay } from "./under-way.ts";

/** A request as its handler gets it. */
export interface PeerRequest {
	/** Who asks. */
	readonly source: RemotePeer;
	/** What was asked: bytes of your own. */
	readonly data: Uint8Array;
	/** Aborts when nobody waits for the answer any more. */
	readonly signal: AbortSignal;
}

/** What came back. */
export interface PeerResponse {
	/** Who answered. */
	readonly source: RemotePeer;
	/** The answer: bytes of your own. */
	readonly data: Uint8Array;
	/** False when the request was for a bare `Hash` and the peer responsible for it answered. */
	readonly exact: boolean;
	/** Milliseconds from the request to the answer. */
	readonly rtt: number;
}

/** Answers requests with bytes or a string, or a promise of them. Nothing at all is an empty answer. */
export type RequestHandler = (
	request: PeerRequest,
) => Uint8Array | string | void | Promise<Uint8Array | string | void>;

/** How much may be under way. */
export interface CallLimits {
	/** Requests of one other peer that are being served. Default 256. */
	readonly perPeer: number;
	/** Requests in all: of others being served, and of ours that are not answered. Default 4,096 each. */
	readonly requests: number;
	/** Bytes of all requests being served, answers that are under way included. Default 16 MiB. */
	readonly bytes: number;
}

/** What calls ask of the peer that they are part of. */
export interface CallPorts {
	readonly clock: Clock;
	readonly random: Random;
	readonly send: (message: Outgoing) => Cancel;
	/** How answers go. */
	readonly route: Route;
	readonly limits: CallLimits;
	readonly reached: (limit: SwarmLimit) => void;
	/** Counts the requests that are being served. */
	readonly underWay: UnderWay;
	readonly handler: () => RequestHandler | undefined;
	/** An answer's bytes. @throws SwarmError `INVALID_ARGUMENT`, `TOO_LARGE` */
	readonly bytesOf: (answer: Uint8Array | string | void) => Uint8Array;
	/** A destination as it is known by now: an address, with the id of who is there. */
	readonly known: (destination: Destination) => Destination;
	/** Why a request was not taken yet, in words. */
	readonly progress: (destination: Destination) => string;
	/** A handler failed. */
	readonly failed: (error: unknown) => void;
	/** A request was turned away, and would be taken now. */
	readonly roomAgain: () => void;
}

/** A request of ours. */
interface Asked {
	readonly destination: Destination;
	readonly started: number;
	readonly done: Answer<PeerResponse, SwarmError>;
	/** Whether somebody has the request. */
	taken: boolean;
}

/** A request of another peer, until its answer is taken or no longer wanted. */
class Served {
	readonly source: RemotePeer;
	readonly call: number;
	readonly timer: Timer;
	bytes: number;
	/** Takes back the answer, once there is one. */
	cancel: Cancel | undefined;
	isOver = false;
	#abort: AbortController | undefined;

	constructor(source: RemotePeer, call: number, timer: Timer, bytes: number) {
		this.source = source;
		this.call = call;
		this.timer = timer;
		this.bytes = bytes;
	}

	/** Made when a handler looks at it: few do, and it takes longer than much of what is asked. */
	get signal(): AbortSignal {
		this.#abort ??= new AbortController();
		if (this.isOver) this.#abort.abort();
		return this.#abort.signal;
	}

	end(): void {
		this.isOver = true;
		this.timer.cancel();
		this.cancel?.();
		this.#abort?.abort();
	}
}

/** Milliseconds for which a peer is told that an answer is not wanted. */
const TAKING_BACK = 10_000;
/** Longest that a timer can run. */
const LONGEST = 2 ** 31 - 1;

/** Requests from this peer to others, and from others to this one. */
export class Calls {
	readonly #ports: CallPorts;
	readonly #asked = new Map<number, Asked>();
	readonly #served = new Map<string, Served>();
	readonly #servedOf = new Map<string, number>();
	#bytes = 0;
	#refused = false;

	constructor(ports: CallPorts) {
		this.#ports = ports;
	}

	/** Asks a peer, which is told that the asker waits for `budget` milliseconds, and when it does not any more. */
	ask(
		destination: Destination,
		data: Uint8Array,
		route: Route,
		budget: number,
		done: Answer<PeerResponse, SwarmError>,
	): Started {
		const { clock, limits, random, send } = this.#ports;
		if (this.#asked.size >= limits.requests) {
			this.#ports.reached("calls.requests");
			done(new SwarmError("BUSY", `${limits.requests} requests of this peer are unanswered`));
			return { cancel: () => {}, progress: () => "" };
		}
		// Whoever did not see the request cannot guess it, and so cannot answer in another's place.
		const call = random.bytes(6).reduce((value, byte) => value * 256 + byte, 0);
		const body = { kind: "request", call, budget: Math.min(budget, LONGEST), data } as const;
		const asked: Asked = {
			destination,
			started: clock.now(),
			done,
			taken: false,
		};
		this.#asked.set(call, asked);
		const cancel = send({
			destination,
			data: encodeCall(body),
			duplicates: 0,
			route,
			lane: "requests",
			done: (error) => {
				asked.taken = error === undefined;
				if (error !== undefined) this.#settle(call)?.done(error);
			},
		});
		return {
			cancel: () => {
				if (this.#settle(call) === undefined) return;
				cancel();
				this.#takeBack(destination, call, route);
			},
			progress: () =>
				asked.taken
					? `${destination.name} has the request, and has not answered`
					: this.#ports.progress(destination),
		};
	}

	/** A request came, or the word that one is not wanted any more; false when there is no room for it. */
	request(source: RemotePeer, bytes: Uint8Array): boolean {
		const message = decodeCall(bytes);
		if (message?.kind === "cancel") this.#end(keyOf(source, message.call));
		if (message?.kind !== "request") return true;
		const limit = this.#obstacle(source, bytes.length);
		if (limit !== undefined) {
			this.#ports.reached(limit);
			this.#refused = true;
			return false;
		}
		if (!this.#served.has(keyOf(source, message.call))) this.#serve(source, message);
		return true;
	}

	/** The limit for which a request of so many bytes is not served now. */
	#obstacle({ hash }: RemotePeer, bytes: number): SwarmLimit | undefined {
		const { limits } = this.#ports;
		const ofSource = this.#servedOf.get(hash.toString()) ?? 0;
		if (ofSource >= limits.perPeer) return "calls.perPeer";
		if (this.#served.size >= limits.requests) return "calls.requests";
		const fits = this.#bytes + bytes <= limits.bytes || this.#served.size === 0;
		return fits ? undefined : "calls.bytes";
	}

	/** Requests under way, and bytes of those that are being served. */
	get counts(): { asked: number; serving: number; bytes: number } {
		return { asked: this.#asked.size, serving: this.#served.size, bytes: this.#bytes };
	}

	/** An answer came. */
	response(source: RemotePeer, bytes: Uint8Array): void {
		const message = decodeCall(bytes);
		const asked = message && this.#asked.get(message.call);
		if (message === undefined || asked === undefined) return;
		const exact = source.hash.equals(this.#ports.known(asked.destination).hash);
		if (!exact && asked.destination.exact) return;
		this.#settle(message.call);
		const error = failureOf(message, asked.destination.name);
		const rtt = this.#ports.clock.now() - asked.started;
		// The application may keep and change what it is given.
		const data = new Uint8Array(message.data);
		if (error === undefined) asked.done(undefined, { source, data, exact, rtt });
		else asked.done(error);
	}

	/** Ends every request under way, in both directions. */
	reset(error: SwarmError): void {
		for (const call of this.#asked.keys()) this.#settle(call)?.done(error);
		for (const key of this.#served.keys()) this.#end(key);
	}

	#settle(call: number): Asked | undefined {
		const asked = this.#asked.get(call);
		this.#asked.delete(call);
		return asked;
	}

	/** Tells whoever has a request, or may have it, that no answer is wanted. Given up before long: who has it has a limit too. */
	#takeBack(destination: Destination, call: number, route: Route): void {
		const data = encodeCall({ kind: "cancel", call, budget: 0, data: new Uint8Array() });
		const timer = this.#ports.clock.schedule(TAKING_BACK, () => {
			cancel();
		});
		const done = (): void => {
			timer.cancel();
		};
		const message = { destination, data, duplicates: 0, route, lane: "requests", done } as const;
		const cancel = this.#ports.send(message);
	}

	#serve(source: RemotePeer, { call, budget, data }: CallMessage): void {
		const { bytesOf, clock, failed, handler, underWay } = this.#ports;
		const key = keyOf(source, call);
		const timer = clock.schedule(Math.min(budget, LONGEST), () => {
			this.#end(key);
		});
		const served = new Served(source, call, timer, data.length);
		this.#served.set(key, served);
		underWay.begin();
		this.#count(source, 1);
		this.#bytes += served.bytes;
		const handle = handler();
		if (handle === undefined) {
			this.#answer(key, "notHandled", new Uint8Array());
			return;
		}
		const run = async (): Promise<Uint8Array> =>
			bytesOf(
				await handle({
					source,
					data: new Uint8Array(data),
					get signal() {
						return served.signal;
					},
				}),
			);
		run().then(
			(bytes) => {
				this.#answer(key, "response", bytes);
			},
			(error: unknown) => {
				const told = error instanceof SwarmError && error.code === "REMOTE";
				if (!told && !served.isOver) failed(error);
				this.#answer(key, "failed", told ? explanationOf(error) : new Uint8Array());
			},
		);
	}

	/** Sends the answer to a request that is still being served. */
	#answer(key: string, kind: CallMessage["kind"], data: Uint8Array): void {
		const served = this.#served.get(key);
		if (served === undefined) return;
		const { limits, reached, route, send } = this.#ports;
		const { hash, address } = served.source;
		const destination = { hash, address, exact: true, name: hash.toString() };
		const fits = this.#bytes + data.length <= limits.bytes;
		if (!fits) reached("calls.bytes");
		const { call } = served;
		const message: CallMessage = fits
			? { kind, call, budget: 0, data }
			: { kind: "busy", call, budget: 0, data: new Uint8Array() };
		served.bytes += message.data.length;
		this.#bytes += message.data.length;
		served.cancel = send({
			destination,
			data: encodeCall(message),
			duplicates: 0,
			route,
			lane: "responses",
			done: () => {
				this.#end(key);
			},
		});
	}

	/** The answer is taken, or nobody wants it any more. */
	#end(key: string): void {
		const served = this.#served.get(key);
		if (served === undefined) return;
		this.#served.delete(key);
		this.#count(served.source, -1);
		this.#bytes -= served.bytes;
		this.#ports.underWay.end();
		served.end();
		if (!this.#refused) return;
		this.#refused = false;
		this.#ports.clock.defer(this.#ports.roomAgain);
	}

	#count({ hash }: RemotePeer, change: 1 | -1): void {
		const key = hash.toString();
		const count = (this.#servedOf.get(key) ?? 0) + change;
		if (count === 0) this.#servedOf.delete(key);
		else this.#servedOf.set(key, count);
	}
}

function keyOf({ hash }: RemotePeer, call: number): string {
	return `${call} ${hash.toString()}`;
}
