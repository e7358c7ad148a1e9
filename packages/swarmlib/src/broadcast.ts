/**
 * How a message gets to every peer. The ring is cut at this peer's fingers, and each of them looks after the piece
 * up to the next one in the same way, so that every peer is asked once. Who is asked answers when its whole piece
 * is served, or when the time that it was given is nearly over, with the number of peers that took the message.
 * When it dies before, the next live peer after it takes over its piece.
 *
 * @module
 */
import {
	type Answer,
	type Cancel,
	ChordError,
	type Clock,
	Hash,
	type LocalNode,
	type RemoteNode,
	type RequestType,
	address,
	boolean,
	bytes,
	defineRequest,
	hash,
	list,
	optional,
	struct,
	u32,
	u48,
} from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";
import type { RemotePeer } from "./remote-peer.ts";

/** Peers that a broadcast may leave out. */
export const EXCLUDED_LIMIT: number = 256;

/** Bytes of the largest broadcast. */
const LARGEST: number = 48 * 1024;

/** Bytes of the largest broadcast that leaves out so many peers, where frames are so large. */
export function broadcastSize(frame: number, excluded: number): number {
	return Math.max(0, Math.min(LARGEST, frame - 256 - 32 * excluded));
}

interface Piece {
	/** Which message: its origin, that one's life, and a number. */
	readonly origin: Hash;
	readonly originAddress: RemotePeer["address"];
	readonly life: number;
	readonly number: number;
	/** The piece goes from the receiver to here, not included. */
	readonly limit: Hash;
	readonly excluded: readonly Hash[];
	/** Milliseconds that are left. */
	readonly budget: number;
	readonly data: Uint8Array;
}

interface Outcome {
	/** Peers of the piece that took the message. */
	readonly reached: number;
	/** Whether these are all that should. */
	readonly complete: boolean;
}

const spread: RequestType<Piece, Outcome> = defineRequest("cicada/swarm/1/broadcast", {
	request: struct({
		origin: hash,
		originAddress: optional(address),
		life: u48,
		number: u32,
		limit: hash,
		excluded: list(hash, EXCLUDED_LIMIT),
		budget: u32,
		data: bytes(LARGEST),
	}),
	response: struct({ reached: u32, complete: boolean }),
});

export interface BroadcastReport {
	/** Peers that took the message, the sender not counted; 0 when alone. */
	readonly reached: number;
}

/** What broadcast asks of the peer that it is part of. */
export interface BroadcastPorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	/** Takes a message into the inbox; false when it is full. */
	readonly accept: (source: RemotePeer, data: Uint8Array) => boolean;
	/** Tries now, and again whenever there is room in the inbox, until `attempt` is true or `signal` aborts. */
	readonly whenRoom: (attempt: () => boolean, signal: AbortSignal) => Promise<void>;
}

/** Messages that are remembered, so that none is taken twice. */
const SEEN = 16_384;
/** The part of its time that a peer gives to those it asks: the rest is for their answer to come back. */
const SHARE = 0.9;
/** Longest that a timer can run. */
const LONGEST = 2 ** 31 - 1;
/** How often a peer is asked that is there, but does not do it, and milliseconds between attempts. */
const ATTEMPTS = 3;
const PAUSE = 250;

/** A broadcast as one peer serves its piece of it. */
interface Job {
	readonly piece: Piece;
	readonly deadline: number;
	readonly signal: AbortSignal;
	reached: number;
	complete: boolean;
}

/** Broadcasts from this peer, and others' that come by. */
export class Broadcast {
	readonly #ports: BroadcastPorts;
	/** Messages that came by, and whether they are in the inbox. */
	readonly #seen = new Map<string, { taken: boolean }>();
	readonly #own = new Set<(error: SwarmError) => void>();
	#number = 0;

	constructor(ports: BroadcastPorts) {
		this.#ports = ports;
		ports.node.handle(spread, (piece, { signal }) => this.#handle(piece, signal));
	}

	/** Sends `data` to every peer but those in `visited`. Fails with `TIMEOUT` and the number reached by then. */
	send(
		data: Uint8Array,
		visited: readonly Hash[],
		budget: number,
		done: Answer<BroadcastReport, SwarmError>,
	): Cancel {
		const { node, clock } = this.#ports;
		const abort = new AbortController();
		const end = (): void => {
			this.#own.delete(fail);
			timer.cancel();
			abort.abort();
		};
		const fail = (error: SwarmError): void => {
			end();
			done(error);
		};
		const piece: Piece = {
			origin: node.hash,
			originAddress: node.address,
			life: node.incarnation,
			number: this.#number++,
			limit: node.hash,
			excluded: visited,
			budget: Math.floor(budget),
			data,
		};
		const job = this.#job(piece, abort.signal);
		const timer = clock.schedule(budget, () => {
			fail(incomplete(job.reached));
		});
		this.#own.add(fail);
		const run = async (): Promise<void> => {
			await this.#spread(job);
			if (abort.signal.aborted) return;
			end();
			if (job.complete) done(undefined, { reached: job.reached });
			else done(incomplete(job.reached));
		};
		void run();
		return end;
	}

	/** Ends what this peer is sending. */
	reset(error: SwarmError): void {
		for (const fail of this.#own) fail(error);
	}

	#job(piece: Piece, signal: AbortSignal): Job {
		const deadline = this.#ports.clock.now() + piece.budget;
		return { piece, deadline, signal, reached: 0, complete: true };
	}

	/** Serves a piece for another peer, as far as that goes in the time given. */
	async #handle(piece: Piece, asker: AbortSignal): Promise<Outcome> {
		const abort = new AbortController();
		const stop = (): void => {
			abort.abort();
		};
		asker.addEventListener("abort", stop);
		const timer = this.#ports.clock.schedule(Math.min(piece.budget, LONGEST), stop);
		const job = this.#job(piece, abort.signal);
		await Promise.all([this.#take(job), this.#spread(job)]);
		timer.cancel();
		asker.removeEventListener("abort", stop);
		const { reached, complete } = job;
		return { reached, complete };
	}

	/** The message itself, once, unless this peer is excluded. */
	async #take(job: Job): Promise<void> {
		const { node, accept, whenRoom } = this.#ports;
		const { origin, originAddress, excluded, data } = job.piece;
		if (origin.equals(node.hash) || excluded.some((hash) => hash.equals(node.hash))) return;
		const message = this.#seenBefore(job.piece);
		const source = { hash: origin, address: originAddress, verified: false };
		const attempt = (): boolean => {
			// Another piece may have brought it while this one waited for room.
			message.taken ||= accept(source, data);
			return message.taken;
		};
		try {
			await whenRoom(attempt, job.signal);
			job.reached++;
		} catch {
			job.complete = false;
		}
	}

	/** Serves the piece of the ring between this peer and the limit. Never rejects. */
	async #spread(job: Job): Promise<void> {
		const { piece } = job;
		try {
			const children = await this.#cut(job);
			await Promise.all(
				children.map(async (child, index) => {
					const limit = children[index + 1]?.hash ?? piece.limit;
					await this.#serve(child, limit, job);
				}),
			);
		} catch {
			job.complete = false;
		}
	}

	/** Hands a piece to `child`, and when that fails to whoever comes next in it. */
	async #serve(child: RemoteNode, limit: Hash, job: Job): Promise<void> {
		const { node } = this.#ports;
		let asked: RemoteNode | undefined = child;
		let attempts = 0;
		while (asked !== undefined) {
			attempts++;
			const budget = Math.floor((job.deadline - this.#ports.clock.now()) * SHARE);
			if (budget < 1 || job.signal.aborted) {
				job.complete = false;
				return;
			}
			try {
				const wait = { timeout: budget / SHARE, signal: job.signal };
				const outcome = await node.request(asked, spread, { ...job.piece, limit, budget }, wait);
				job.reached += outcome.reached;
				job.complete &&= outcome.complete;
				return;
			} catch (error) {
				if (job.signal.aborted) throw error;
				const next: RemoteNode | undefined = await this.#heir(asked, limit, job, error, attempts);
				if (next?.hash.equals(asked.hash) !== true) attempts = 0;
				asked = next;
			}
		}
	}

	/**
	 * Who looks after a piece in place of a peer that did not: that peer again, when it is still there and only the
	 * link to it was lost, else the next one.
	 */
	async #heir(
		gone: RemoteNode,
		limit: Hash,
		job: Job,
		error: unknown,
		attempts: number,
	): Promise<RemoteNode | undefined> {
		const willing = !(error instanceof ChordError) || !REFUSALS.has(error.code);
		if (willing && attempts < ATTEMPTS) {
			const owner = await this.#owner(gone.hash, job);
			if (owner.hash.equals(gone.hash)) {
				await this.#pause(job);
				return gone;
			}
		}
		return this.#after(gone, { ...job.piece, limit }, job);
	}

	/** Where a piece is cut: at the first peer in it and at the fingers, clockwise, the excluded left out. */
	async #cut(job: Job): Promise<RemoteNode[]> {
		const { piece } = job;
		const { node } = this.#ports;
		const { fingers } = node;
		const first = await this.#first(job);
		if (first === undefined) return [];
		const cuts = new Map([[first.hash.toString(), first]]);
		for (const finger of fingers) {
			if (this.#within(finger, piece)) cuts.set(finger.hash.toString(), finger);
		}
		const place = ({ hash }: RemoteNode): bigint => node.hash.distanceTo(hash);
		return [...cuts.values()]
			.filter((cut) => place(cut) >= place(first))
			.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
	}

	/**
	 * The first peer in the piece. Where the first successor is left out, the next one is looked up: what comes later
	 * in the list of successors is hearsay, and while peers join it has gaps.
	 */
	async #first({ piece, ...job }: Job): Promise<RemoteNode | undefined> {
		const { hash, successor } = this.#ports.node;
		if (successor === undefined || this.#within(successor, piece)) return successor;
		const beyond = hash.distanceTo(successor.hash) >= this.#length(piece);
		return beyond ? undefined : this.#after(successor, piece, job);
	}

	/** The next peer after `gone` that is in the piece. */
	async #after(
		gone: RemoteNode,
		piece: Piece,
		job: Pick<Job, "signal" | "deadline">,
	): Promise<RemoteNode | undefined> {
		const { hash } = this.#ports.node;
		let last = gone.hash;
		// Only the excluded are passed over, and each step goes on clockwise: it comes to an end.
		for (let step = 0; step <= EXCLUDED_LIMIT; step++) {
			const next = new Hash({ hashed: (last.toBigInt() + 1n) % (1n << 256n) });
			const owner = await this.#owner(next, job);
			const progress = hash.distanceTo(owner.hash) > hash.distanceTo(last);
			if (!progress || hash.distanceTo(owner.hash) >= this.#length(piece)) return undefined;
			if (this.#within(owner, piece)) return owner;
			last = owner.hash;
		}
		return undefined;
	}

	/** Who owns an id. While the ring cannot say, because it is being repaired, asks again. */
	async #owner(
		id: Hash,
		{ signal, deadline }: Pick<Job, "signal" | "deadline">,
	): Promise<RemoteNode | LocalNode> {
		const { node, clock } = this.#ports;
		for (;;) {
			signal.throwIfAborted();
			const timeout = Math.max(1, deadline - clock.now());
			try {
				return (await node.lookup(id, { timeout, signal })).node;
			} catch (error) {
				if (!(error instanceof ChordError) || error.code === "CLOSED") throw error;
				await this.#pause({ signal });
			}
		}
	}

	#pause({ signal }: Pick<Job, "signal">): Promise<void> {
		return new Promise((resolve, reject) => {
			const stop = (): void => {
				timer.cancel();
				reject(signal.reason);
			};
			const timer = this.#ports.clock.schedule(PAUSE, () => {
				signal.removeEventListener("abort", stop);
				resolve();
			});
			signal.addEventListener("abort", stop);
		});
	}

	/** How far the piece reaches from here; all round when its limit is this peer. */
	#length({ limit }: Piece): bigint {
		const length = this.#ports.node.hash.distanceTo(limit);
		return length === 0n ? 1n << 256n : length;
	}

	#within({ hash }: RemoteNode, piece: Piece): boolean {
		const distance = this.#ports.node.hash.distanceTo(hash);
		if (distance === 0n || distance >= this.#length(piece)) return false;
		return !piece.excluded.some((excluded) => excluded.equals(hash));
	}

	#seenBefore({ origin, life, number }: Piece): { taken: boolean } {
		const key = `${origin.toString()} ${life} ${number}`;
		const message = this.#seen.get(key) ?? { taken: false };
		this.#seen.delete(key);
		this.#seen.set(key, message);
		const [oldest] = this.#seen.keys();
		if (this.#seen.size > SEEN && oldest !== undefined) this.#seen.delete(oldest);
		return message;
	}
}

/** A peer that answers so would answer so again. */
const REFUSALS: ReadonlySet<string> = new Set(["NOT_HANDLED", "REMOTE", "TOO_LARGE"]);

function incomplete(reached: number): SwarmError {
	return new SwarmError("TIMEOUT", `not every peer took it in time; at least ${reached} did`, {
		reached,
	});
}
