/**
 * How a message gets to every peer. The ring is cut at this peer's fingers, and each of them looks after the piece
 * up to the next one in the same way, so that every peer is asked once. Who is asked answers when its whole piece
 * is served, with the number of peers that took the message; when it dies before, the next live peer after it
 * takes over its piece.
 */
import {
	type Answer,
	type Cancel,
	ChordError,
	Hash,
	type LocalNode,
	type RemoteNode,
	type RequestType,
	address,
	bytes,
	defineRequest,
	hash,
	list,
	optional,
	struct,
	u32,
	u48,
} from "@cicada/chordlib";

import type { RemotePeer } from "./remote-peer.ts";

/** Bytes of the largest broadcast. */
export const BROADCAST_LIMIT: number = 48 * 1024;
/** Peers that a broadcast may leave out. */
export const EXCLUDED_LIMIT: number = 256;

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

const spread: RequestType<Piece, { readonly reached: number }> = defineRequest(
	"cicada/swarm/1/broadcast",
	{
		request: struct({
			origin: hash,
			originAddress: optional(address),
			life: u48,
			number: u32,
			limit: hash,
			excluded: list(hash, EXCLUDED_LIMIT),
			budget: u32,
			data: bytes(BROADCAST_LIMIT),
		}),
		response: struct({ reached: u32 }),
	},
);

export interface BroadcastReport {
	/** Peers that took the message, the sender not counted; 0 when alone. */
	readonly reached: number;
}

/** What broadcast asks of the peer that it is part of. */
export interface BroadcastPorts {
	readonly node: LocalNode;
	readonly now: () => number;
	/** Resolves when the message is in the inbox; rejects when `signal` aborts before there was room for it. */
	readonly accept: (source: RemotePeer, data: Uint8Array, signal: AbortSignal) => Promise<void>;
}

/** Origins whose numbers are remembered, and how many numbers of each. */
const ORIGINS = 4_096;
const NUMBERS = 1_024;

/** Broadcasts from this peer, and others' that come by. */
export class Broadcast {
	readonly #ports: BroadcastPorts;
	readonly #seen = new Map<string, Set<number>>();
	#number = 0;

	constructor(ports: BroadcastPorts) {
		this.#ports = ports;
		ports.node.handle(spread, async (piece, { signal }) => {
			const [own, others] = await Promise.all([
				this.#take(piece, signal),
				this.#spread(piece, signal),
			]);
			return { reached: own + others };
		});
	}

	/** Sends `data` to every peer but those in `visited`; `progress` counts along. */
	send(
		data: Uint8Array,
		visited: readonly Hash[],
		budget: number,
		progress: { reached: number },
		done: Answer<BroadcastReport, Error>,
	): Cancel {
		const { node } = this.#ports;
		const abort = new AbortController();
		const piece: Piece = {
			origin: node.hash,
			originAddress: node.address,
			life: node.incarnation,
			number: this.#number++,
			limit: node.hash,
			excluded: visited,
			budget: Math.min(Math.floor(budget), 2 ** 31),
			data,
		};
		const run = async (): Promise<void> => {
			try {
				done(undefined, { reached: await this.#spread(piece, abort.signal, progress) });
			} catch (error) {
				done(error as Error);
			}
		};
		void run();
		return () => {
			abort.abort();
		};
	}

	/** The message itself, once, unless this peer is excluded. Gives the number of peers that took it here. */
	async #take(piece: Piece, signal: AbortSignal): Promise<number> {
		const { node, accept } = this.#ports;
		if (piece.excluded.some((excluded) => excluded.equals(node.hash))) return 0;
		if (piece.origin.equals(node.hash) || !this.#isNew(piece)) return 0;
		const source = { hash: piece.origin, address: piece.originAddress, verified: false };
		await accept(source, piece.data.slice(), signal);
		return 1;
	}

	/** Serves the piece of the ring between this peer and the limit. Gives the number of peers that took the message. */
	async #spread(
		piece: Piece,
		signal: AbortSignal,
		progress: { reached: number } = { reached: 0 },
	): Promise<number> {
		const deadline = this.#ports.now() + piece.budget;
		const children = await this.#cut(piece);
		await Promise.all(
			children.map(async (child, index) => {
				const limit = children[index + 1]?.hash ?? piece.limit;
				const reached = await this.#serve(child, { ...piece, limit }, deadline, signal);
				progress.reached += reached;
			}),
		);
		return progress.reached;
	}

	/** Hands a piece to `child`, and when that fails to whoever comes next in it. */
	async #serve(
		child: RemoteNode,
		piece: Piece,
		deadline: number,
		signal: AbortSignal,
	): Promise<number> {
		const { node, now } = this.#ports;
		let asked: RemoteNode | undefined = child;
		while (asked !== undefined) {
			const budget = Math.max(1, Math.floor(deadline - now()));
			try {
				const wait = { timeout: budget, signal };
				const { reached } = await node.request(asked, spread, { ...piece, budget }, wait);
				return reached;
			} catch (cause) {
				if (signal.aborted || now() >= deadline) {
					throw new ChordError("TIMEOUT", "not every peer took the message in time", { cause });
				}
				asked = await this.#after(asked, piece);
			}
		}
		return 0;
	}

	/** Where a piece is cut: at the first peer in it and at the fingers, clockwise, the excluded left out. */
	async #cut(piece: Piece): Promise<RemoteNode[]> {
		const { node } = this.#ports;
		const { successors, fingers } = node;
		const first = await this.#firstOf(successors, piece);
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

	/** The first of the successors that is in the piece; beyond the list, found by lookup. */
	async #firstOf(successors: readonly RemoteNode[], piece: Piece): Promise<RemoteNode | undefined> {
		const found = successors.find((successor) => this.#within(successor, piece));
		const last = successors.at(-1);
		if (found !== undefined || last === undefined) return found;
		const { hash } = this.#ports.node;
		const beyond = hash.distanceTo(last.hash) >= this.#length(piece);
		return beyond ? undefined : this.#after(last, piece);
	}

	/** The next peer after `gone` that is in the piece. */
	async #after(gone: RemoteNode, piece: Piece): Promise<RemoteNode | undefined> {
		const { node } = this.#ports;
		let last = gone.hash;
		for (;;) {
			const next = new Hash({ hashed: (last.toBigInt() + 1n) % (1n << 256n) });
			const { node: owner } = await node.lookup(next);
			const progress = node.hash.distanceTo(owner.hash) > node.hash.distanceTo(last);
			if (!progress || node.hash.distanceTo(owner.hash) >= this.#length(piece)) return undefined;
			if (this.#within(owner, piece)) return owner;
			last = owner.hash;
		}
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

	/** Whether this message has not come by before. */
	#isNew({ origin, life, number }: Piece): boolean {
		const key = `${origin.toString()} ${life}`;
		const numbers = this.#seen.get(key) ?? new Set();
		this.#seen.delete(key);
		this.#seen.set(key, numbers);
		const [oldest] = this.#seen.keys();
		if (this.#seen.size > ORIGINS && oldest !== undefined) this.#seen.delete(oldest);
		if (numbers.has(number)) return false;
		numbers.add(number);
		const [first] = numbers;
		if (numbers.size > NUMBERS && first !== undefined) numbers.delete(first);
		return true;
	}
}
