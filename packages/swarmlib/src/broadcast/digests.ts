import type { Hash, RemoteNode, Timer } from "@cicada/chordlib";

import type { Job } from "./job.ts";
import { type BroadcastId, DIGEST_LIMIT, type Recent, digestType } from "./messages.ts";
import type { BroadcastNetwork } from "./network.ts";

/** How often neighbours are told while there is something to tell, and how soon after they have changed. */
const INTERVAL = 5_000;
const SOON = 500;
/** How long a neighbour may take to answer. */
const PATIENCE = 2_000;

/** What the exchange asks of the peer that it is part of. */
export interface DigestPorts {
	readonly network: BroadcastNetwork;
	/** The broadcasts that it has, oldest first. */
	readonly jobs: () => Iterable<Job>;
	/** Whether one is under way here, or over. */
	readonly knows: (id: BroadcastId) => boolean;
}

/**
 * Tells both neighbours now and then which broadcasts this peer has, and gives them those that they lack. So whoever
 * all relays have missed, because the ring was being repaired or was in two, gets them as long as they last. Nothing is
 * said while there are none that the neighbour is not known to have.
 */
export class Digests {
	readonly #ports: DigestPorts;
	/** Since when this peer is in its ring: what began before is none of its concern. */
	#since: number;
	/** By neighbour: those that it has, by its own word. */
	readonly #known = new Map<string, WeakSet<Job>>();
	#timer: Timer | undefined;
	#due = Infinity;

	constructor(ports: DigestPorts) {
		this.#ports = ports;
		this.#since = ports.network.clock.now();
		ports.network.serve(digestType, (recent, _from, answer) => {
			answer(this.#lacking(recent));
		});
	}

	/** This peer has come into a ring. */
	joined(): void {
		this.#since = this.#ports.network.clock.now();
	}

	/** There is a broadcast to tell of. */
	start(): void {
		this.#schedule(INTERVAL * (0.75 + this.#ports.network.random.next() / 2));
	}

	/** The link to a peer is gone: it may begin anew. */
	lost(peer: Hash): void {
		this.#known.delete(peer.toString());
	}

	/** The neighbours are others. */
	hurry(): void {
		if (this.#timer !== undefined) this.#schedule(SOON);
	}

	stop(): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		this.#due = Infinity;
	}

	#schedule(delay: number): void {
		const { clock } = this.#ports.network;
		if (clock.now() + delay >= this.#due) return;
		this.#timer?.cancel();
		this.#due = clock.now() + delay;
		this.#timer = clock.schedule(delay, () => {
			this.stop();
			this.#tell();
		});
	}

	#tell(): void {
		const { network } = this.#ports;
		const jobs = [...this.#ports.jobs()].filter(({ payload }) => payload !== undefined);
		if (jobs.length === 0) return;
		this.start();
		const neighbours = new Map<string, RemoteNode>();
		for (const peer of [network.successors()[0], network.predecessor()]) {
			if (peer !== undefined) neighbours.set(peer.hash.toString(), peer);
		}
		for (const id of this.#known.keys()) if (!neighbours.has(id)) this.#known.delete(id);
		for (const [id, peer] of neighbours) this.#tellOne(id, peer, jobs);
	}

	#tellOne(id: string, neighbour: RemoteNode, all: readonly Job[]): void {
		const { network } = this.#ports;
		const { hash } = neighbour;
		const known = this.#known.get(id) ?? new WeakSet();
		this.#known.set(id, known);
		const jobs = all
			.filter((job) => !known.has(job) && !job.excludes(hash) && !job.header.origin.equals(hash))
			.slice(-DIGEST_LIMIT);
		if (jobs.length === 0) return;
		const now = network.clock.now();
		const recent = jobs.map(({ header: { key, epoch, number }, began }) => {
			const age = Math.max(0, Math.floor(now - began));
			return { key, epoch, number, age };
		});
		network.ask(neighbour, digestType, recent, PATIENCE, (_error, lacking) => {
			if (lacking === undefined) return;
			const lacks = new Set(lacking);
			jobs.forEach((job, place) => {
				if (lacks.has(place)) job.giveTo(neighbour);
				else known.add(job);
			});
		});
	}

	/** The places of those that this peer lacks and should have. */
	#lacking(recent: readonly Recent[]): number[] {
		const { network, knows } = this.#ports;
		const longest = network.clock.now() - this.#since;
		return recent.flatMap((one, place) => (one.age <= longest && !knows(one) ? [place] : []));
	}
}
