/**
 * How a message gets to every peer.
 *
 * The ring is cut at this peer's fingers and its first successor, and each of them is asked to look after the interval
 * up to the next one. It gets the payload if it lacks it, does the same with its interval, acknowledges within a moment
 * how far that has come, and reports what is done later, to the end. So every peer is asked once, and gets the payload
 * once.
 *
 * Before an interval counts as done, whoever stands before the first cut in it is looked up, once those who are known
 * have had a moment: nobody behind a peer that is left out, or of whom nobody knew, is passed over. A peer that does
 * not acknowledge, makes no progress, or is lost is asked only for itself from then on, and the next live peer looks
 * after the rest. That one may have a part of it in hand already: it is asked for more, or for less, and does only what
 * is missing. What all of this misses, neighbours tell each other of. The origin signs its message, and who is left
 * out: a relay can hold it back, not change it. Counts are of intervals that do not overlap, so nobody is counted
 * twice; they rely on honest relays.
 *
 * What is said is in `broadcast/messages.ts`, one broadcast at one peer in `broadcast/job.ts`, one interval and who
 * looks after it in `broadcast/interval.ts`.
 *
 * @module
 */
import type { Answer, Cancel, Hash, RemoteNode } from "@cicada/chordlib";

import { Checks } from "./broadcast/checks.ts";
import { Digests } from "./broadcast/digests.ts";
import type { Interval } from "./broadcast/interval.ts";
import { Job, type JobPorts, type Times, patienceFor } from "./broadcast/job.ts";
import { type BroadcastLimits, Jobs } from "./broadcast/jobs.ts";
import {
	type Acknowledgement,
	type Header,
	type Name,
	type Offer,
	type Progress,
	type Report,
	inlineSize,
	isPiece,
	nameOf,
	offerType,
	pullType,
	reportType,
	withdrawType,
} from "./broadcast/messages.ts";
import type { BroadcastNetwork } from "./broadcast/network.ts";
import { NOTHING } from "./broadcast/progress.ts";
import { Seen } from "./broadcast/seen.ts";
import { digestOf, isPayload, sign, signedBy } from "./broadcast/signature.ts";
import { SwarmError } from "./errors.ts";
import type { RemotePeer } from "./remote-peer.ts";
import type { SwarmLimit } from "./stats.ts";

/** How far a broadcast came. */
export interface BroadcastReport {
	/** Peers that took the message, the sender not counted; 0 when alone. */
	readonly reached: number;
}

/** What broadcast asks of the peer that it is part of. */
export interface BroadcastPorts {
	readonly network: BroadcastNetwork;
	/** Takes a message into the inbox; false when it is full. */
	readonly accept: (source: RemotePeer, data: Uint8Array) => boolean;
	/** Bytes of the largest message, and of the largest frame. */
	readonly limits: {
		readonly message: number;
		readonly frame: number;
		readonly broadcasts: BroadcastLimits;
	};
	readonly reached: (limit: SwarmLimit) => void;
}

/** Offers whose acknowledgements are held back at once: whoever asks may have only so many requests open. */
const HELD = 32;

type AnswerOffer = (state: Acknowledgement["state"], progress?: Progress) => void;

/** Broadcasts from this peer, and others' that come by. */
export class Broadcast {
	readonly #ports: BroadcastPorts;
	readonly #jobPorts: JobPorts;
	/** Those that are looked after, and those that are over. */
	readonly #jobs: Jobs;
	readonly #seen = new Seen();
	readonly #checks: Checks;
	/** By number: intervals that others look after. */
	readonly #asked = new Map<number, Interval>();
	readonly #own = new Map<Job, (error: SwarmError) => void>();
	readonly #digests: Digests;
	#asks = 0;
	/** Offers that are looked after, and not acknowledged yet. */
	#held = 0;
	#number = 0;

	constructor(ports: BroadcastPorts) {
		const { network, accept, limits } = ports;
		this.#ports = ports;
		this.#checks = new Checks(limits.broadcasts);
		this.#jobs = new Jobs(limits.broadcasts, (job) => {
			this.#end(job);
		});
		this.#jobPorts = {
			network,
			frame: limits.frame,
			accept,
			open: (interval) => {
				this.#asks = (this.#asks + 1) >>> 0;
				this.#asked.set(this.#asks, interval);
				return this.#asks;
			},
			close: (ask) => {
				this.#asked.delete(ask);
			},
			ended: (job) => {
				this.#end(job);
			},
		};
		this.#digests = new Digests({
			network,
			jobs: () => this.#jobs.values(),
			knows: (id) => {
				const name = nameOf(id);
				return this.#jobs.get(name) !== undefined || this.#seen.has(name);
			},
		});
		network.serve(offerType, (offer, from, answer) => {
			this.#offered(offer, from, (state, progress = NOTHING) => {
				answer({ state, progress });
			});
		});
		network.serve(pullType, (pull, from, answer) => {
			answer(this.#jobs.get(nameOf(pull))?.pulled(from, pull.offset));
		});
		network.hear(reportType, (report, from) => {
			this.#reported(report, from);
		});
		network.hear(withdrawType, (id, from) => {
			const name = nameOf(id);
			this.#checks.withdraw(name, from.hash);
			this.#jobs.get(name)?.withdrawn(from);
		});
		network.watch({
			lost: (peer) => {
				this.#checks.lost(peer);
				this.#digests.lost(peer);
				for (const job of [...this.#jobs.values()]) job.lost(peer);
			},
			neighbours: () => {
				this.#digests.hurry();
			},
			joined: () => {
				this.#digests.joined();
			},
		});
	}

	/** Sends `data` to every peer but those in `visited`. Fails with `TIMEOUT` and the number reached by then. */
	send(
		data: Uint8Array,
		visited: readonly Hash[],
		budget: number,
		done: Answer<BroadcastReport, SwarmError>,
	): Cancel {
		const { clock, self, identity } = this.#ports.network;
		const header = sign(identity, {
			number: this.#number++,
			origin: self.hash,
			originAddress: self.address,
			excluded: visited,
			size: data.length,
			digest: digestOf(data),
		});
		const patience = patienceFor(data.length);
		const job = this.#begin(nameOf(header), header, {
			age: 0,
			budget: Math.floor(budget),
			patience,
		});
		if (job === undefined) {
			const timer = clock.schedule(0, () => {
				done(new SwarmError("BUSY", "too many broadcasts are under way here"));
			});
			return () => {
				timer.cancel();
			};
		}
		let reached = 0;
		this.#own.set(job, (error) => {
			this.#own.delete(job);
			done(error.code === "TIMEOUT" ? incomplete(reached) : error);
		});
		job.watcher = (progress) => {
			({ reached } = progress);
			if (!progress.done || !this.#own.delete(job)) return;
			if (progress.complete) done(undefined, { reached });
			else done(incomplete(reached));
		};
		job.ask(undefined, 0, self.hash);
		job.receive(data);
		return () => {
			if (!this.#own.delete(job)) return;
			job.withdraw();
			this.#end(job);
		};
	}

	/** Broadcasts that are looked after. */
	get count(): number {
		return this.#jobs.size;
	}

	/** There is room in the inbox again. */
	roomAgain(): void {
		for (const job of [...this.#jobs.values()]) job.take();
	}

	/** Ends what this peer is sending, and lets go of what it looks after. */
	reset(error: SwarmError): void {
		this.#checks.clear();
		for (const fail of [...this.#own.values()]) fail(error);
		for (const job of [...this.#jobs.values()]) this.#end(job);
	}

	/** Another peer asks this one to look after an interval. What is not known here is checked first. */
	#offered(offer: Offer, from: RemoteNode, answer: AnswerOffer): void {
		const { header } = offer;
		const name = nameOf(header);
		if (this.#jobs.get(name) !== undefined) {
			this.#accept(name, offer, from, answer);
			return;
		}
		const refusal = this.#refusal(name, header);
		if (refusal !== undefined) {
			answer(refusal);
			return;
		}
		const limit = this.#checks.limitFor(from.hash);
		if (limit !== undefined) {
			this.#ports.reached(`broadcasts.${limit}`);
			answer("busy");
			return;
		}
		const end = this.#checks.begin(name, from.hash);
		this.#ports.network.verify(signedBy(header), (isSigned) => {
			const isWanted = end();
			if (isSigned && isWanted) this.#accept(name, offer, from, answer);
			else answer(isSigned === undefined ? "busy" : "over");
		});
	}

	/** Why a broadcast that is not known here is not looked after, whoever signed it. */
	#refusal(name: Name, header: Header): "over" | "tooLarge" | undefined {
		const { hash } = this.#ports.network.self;
		const excluded = header.excluded.some((peer) => peer.equals(hash));
		if (excluded || header.origin.equals(hash) || this.#seen.has(name)) return "over";
		const { message, frame } = this.#ports.limits;
		const fits = inlineSize(frame, header.excluded.length) >= 0 && header.size <= message;
		if (fits) return undefined;
		this.#ports.reached("message");
		return "tooLarge";
	}

	/** Looks after an interval of a broadcast that was checked: now, or when it was first offered. */
	#accept(name: Name, offer: Offer, from: RemoteNode, answer: AnswerOffer): void {
		const { header, piece } = offer;
		const known = this.#jobs.get(name);
		// It may have been offered by others, and have ended, while this offer was being checked.
		if (known === undefined && this.#seen.has(name)) {
			answer("over");
			return;
		}
		const job = known ?? this.#begin(name, header, offer);
		if (job === undefined) {
			answer("busy");
			return;
		}
		const data = offer.data ?? (header.size === 0 ? new Uint8Array(0) : undefined);
		// A view would keep all that came with it.
		if (data !== undefined && isPayload(job.header, data)) job.receive(new Uint8Array(data));
		else if (isPiece(piece)) job.offered({ peer: from, piece });
		this.#held++;
		const acknowledge = (progress: Progress): void => {
			this.#held--;
			answer("accepted", progress);
		};
		job.ask(from, offer.ask, offer.limit, acknowledge, this.#held > HELD);
	}

	#reported({ ask, progress }: Report, from: RemoteNode): void {
		const interval = this.#asked.get(ask);
		if (interval?.child?.hash.equals(from.hash)) interval.hear(progress);
	}

	/** A new job, when there is room for it. */
	#begin(name: Name, header: Header, times: Times): Job | undefined {
		const limit = this.#jobs.makeRoom(name, header.size);
		if (limit !== undefined) {
			this.#ports.reached(`broadcasts.${limit}`);
			return undefined;
		}
		const job = new Job(name, copyOf(header), times, this.#jobPorts);
		this.#jobs.add(job);
		this.#digests.start();
		return job;
	}

	#end(job: Job): void {
		if (!this.#jobs.remove(job)) return;
		this.#seen.add(job.name);
		job.end();
		this.#own.get(job)?.(incomplete(0));
	}
}

/** A header without a view of the packet that it came in. */
function copyOf(header: Header): Header {
	const { epoch, number, origin, originAddress, excluded, size } = header;
	const key = new Uint8Array(header.key);
	const digest = new Uint8Array(header.digest);
	const signature = new Uint8Array(header.signature);
	return { key, epoch, number, origin, originAddress, excluded, size, digest, signature };
}

function incomplete(reached: number): SwarmError {
	return new SwarmError("TIMEOUT", `not every peer took it in time; at least ${reached} did`, {
		reached,
	});
}
