import {
	type Answer,
	type Cancel,
	ChordError,
	Hash,
	Identity,
	type NoticeType,
	type RemoteNode,
	type RequestType,
	systemCrypto,
	verifySignature,
} from "@cicada/chordlib";
import type { SimHost, Simulation } from "@cicada/simnet";

import { Broadcast } from "../src/broadcast.ts";
import { type Offer, offerType } from "../src/broadcast/messages.ts";
import type { BroadcastNetwork } from "../src/broadcast/network.ts";
import { NOTHING } from "../src/broadcast/progress.ts";
import { checkLimits } from "../src/options.ts";

/** How long, in milliseconds, pointers go on naming one who has died, and links to one who fell silent stay. */
const NOTICED = { loud: 200, silent: 8_000 } as const;
const LINK_DEAD = 15_000;
const SUCCESSORS = 16;
const LOOKUP_FAILS = 1_500;

/** Acknowledges, and does nothing. */
const idle: Handler = (_value, _from, answer) => {
	answer({ state: "accepted", progress: NOTHING });
};

type Handler = (value: unknown, from: RemoteNode, answer: (response: unknown) => void) => void;

/**
 * Real broadcasts over a ring that is made up. Everyone's pointers are right, but for those who died lately; messages
 * take their time, and get lost with who was to get them. So a thousand peers cost about a second.
 */
export class ModelRing {
	readonly simulation: Simulation;
	/** One for all members: keys take longer to make than all the rest. So only one of them may broadcast. */
	readonly identity: Identity;
	/** In the order of their ids. */
	readonly peers: readonly ModelPeer[];
	/** Messages that held a payload or a piece of one, and messages of all kinds. */
	payloads = 0;
	messages = 0;
	readonly #leaves = new Map<string, ModelPeer>();

	constructor(simulation: Simulation, size: number) {
		this.simulation = simulation;
		this.identity = Identity.create(simulation.random);
		const hosts = Array.from({ length: size }, (_, index) => simulation.host(`peer ${index}`));
		const peers = hosts.map((host) => new ModelPeer(this, host));
		this.peers = peers.toSorted((a, b) => a.hash.compare(b.hash));
		for (const [place, peer] of this.peers.entries()) peer.place = place;
	}

	get live(): ModelPeer[] {
		return this.peers.filter(({ host }) => host.running);
	}

	/** The first peer at or after an id that pleases. */
	ownerOf(id: Hash, pleases: (peer: ModelPeer) => boolean): ModelPeer {
		let low = 0;
		let high = this.peers.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((this.peers[middle] as ModelPeer).hash.compare(id) < 0) low = middle + 1;
			else high = middle;
		}
		return this.from(low, 1, pleases);
	}

	/** The first peer from a place on, clockwise or the other way, that pleases. */
	from(place: number, step: 1 | -1, pleases: (peer: ModelPeer) => boolean): ModelPeer {
		const { length } = this.peers;
		for (let i = 0; i < length; i++) {
			const peer = this.peers[(((place + step * i) % length) + length) % length] as ModelPeer;
			if (pleases(peer)) return peer;
		}
		throw new Error("nobody is left");
	}

	peer(hash: Hash): ModelPeer {
		return this.#leaves.get(hash.toString()) ?? this.ownerOf(hash, () => true);
	}

	/** A peer without a place in the ring, which the owner of its id serves. */
	addLeaf(): ModelPeer {
		const host = this.simulation.host(`leaf ${this.#leaves.size}`);
		const leaf = new ModelPeer(this, host, Identity.create(this.simulation.random));
		leaf.isLeaf = true;
		this.#leaves.set(leaf.hash.toString(), leaf);
		this.ownerOf(leaf.hash, () => true).leaves.push(leaf);
		return leaf;
	}

	/** Calls `run` when a message has gone from one peer to another; none overtakes another. */
	carry(from: ModelPeer, to: ModelPeer, run: () => void): void {
		const { simulation } = this;
		this.messages++;
		const delay = 5 + ((from.place * 7_919 + to.place * 104_729) % 91);
		simulation.schedule(simulation.now + delay, run);
	}
}

/** A peer of the model, with its part of every broadcast. */
export class ModelPeer {
	readonly hash: Hash;
	readonly address: RemoteNode["address"];
	readonly host: SimHost;
	readonly network: BroadcastNetwork;
	readonly broadcast: Broadcast;
	readonly handlers: Map<number, Handler> = new Map();
	/** What it has got. */
	readonly got: string[] = [];
	/** False for one whose inbox is full. */
	hasRoom = true;
	/** True for one that acknowledges what it is offered, and does nothing. */
	isLazy = false;
	place = 0;
	/** Peers that it serves, and that have no place in the ring. */
	readonly leaves: ModelPeer[] = [];
	isLeaf = false;
	readonly #ring: ModelRing;
	readonly #links = new Set<ModelPeer>();
	#fingers: readonly Hash[] | undefined;
	/** When nobody's pointers name it any more. */
	#forgottenAt = Infinity;
	#lost: (peer: Hash) => void = () => {};
	/** Questions to others that are not answered yet, and to whom. */
	readonly #open = new Map<object, { readonly to: ModelPeer; fail: (error: ChordError) => void }>();

	constructor(ring: ModelRing, host: SimHost, identity: Identity = ring.identity) {
		this.#ring = ring;
		this.host = host;
		this.address = { host: host.ip, port: 7_000 };
		this.hash = new Hash({ value: `${host.ip}:7000` });
		this.network = this.#network(identity);
		this.broadcast = new Broadcast({
			network: this.network,
			limits: checkLimits({}),
			reached: () => {},
			accept: (_source, data) => {
				if (this.hasRoom) this.got.push(new TextDecoder().decode(data.subarray(0, 16)));
				return this.hasRoom;
			},
		});
	}

	/** Whether pointers still name it. */
	get isBelieved(): boolean {
		return this.#ring.simulation.now < this.#forgottenAt;
	}

	crash(silent: boolean): void {
		const { simulation } = this.#ring;
		this.host.crash({ silent });
		this.#forgottenAt = simulation.now + (silent ? NOTICED.silent : NOTICED.loud);
		for (const other of this.#links) {
			const gone = (): void => {
				other.linkLost(this);
			};
			if (silent) simulation.schedule(simulation.now + LINK_DEAD, gone);
			else this.#ring.carry(this, other, gone);
		}
	}

	linkLost(peer: ModelPeer): void {
		if (!this.host.running || !this.#links.delete(peer)) return;
		for (const { to, fail } of [...this.#open.values()]) {
			if (to === peer) fail(new ChordError("CLOSED", "the link is gone"));
		}
		this.#lost(peer.hash);
	}

	#link(to: ModelPeer): void {
		this.#links.add(to);
		to.#links.add(this);
	}

	#pointersAt(ids: readonly Hash[]): ModelPeer[] {
		const peers = ids.map((id) => this.#ring.ownerOf(id, ({ isBelieved }) => isBelieved));
		return [...new Set(peers)].filter((peer) => peer !== this);
	}

	#successors(): ModelPeer[] {
		const found: ModelPeer[] = [];
		for (let i = 1; i < this.#ring.peers.length && found.length < SUCCESSORS; i++) {
			const next = this.#ring.from(this.place + i, 1, () => true);
			if (next.isBelieved) found.push(next);
		}
		return found;
	}

	#network(identity: Identity): BroadcastNetwork {
		const ring = this.#ring;
		const { clock, random } = this.host;
		return {
			clock,
			random,
			self: this,
			identity,
			verify: (signed, done) => {
				done(verifySignature(systemCrypto, signed));
			},
			successors: () => (this.isLeaf ? [] : this.#successors()),
			fingers: () => {
				if (this.isLeaf) return [];
				const start = (exponent: number): Hash =>
					new Hash({ hashed: (this.hash.toBigInt() + (1n << BigInt(exponent))) % (1n << 256n) });
				this.#fingers ??= Array.from({ length: 24 }, (_, i) => start(255 - i));
				return this.#pointersAt(this.#fingers);
			},
			leaves: () => this.leaves,
			predecessor: () => ring.from(this.place - 1, -1, ({ isBelieved }) => isBelieved),
			lookup: (id, budget, done) => this.#lookup(id, budget, done),
			ask: (to, type, value, budget, done) =>
				this.#ask(ring.peer(to.hash), type, value, budget, done),
			tell: (to, type, value) => {
				this.#tell(ring.peer(to.hash), type, value);
			},
			serve: ({ tag }, handle) => this.handlers.set(tag, handle as Handler),
			hear: ({ tag }, handle) => this.handlers.set(tag, handle as Handler),
			watch: ({ lost }) => {
				this.#lost = lost;
			},
		};
	}

	/** Gets stuck where the ring has not noticed yet that somebody is dead. */
	#lookup(id: Hash, budget: number, done: Answer<RemoteNode>): Cancel {
		const ring = this.#ring;
		const { clock, random } = this.host;
		const owner = ring.ownerOf(id, ({ isBelieved }) => isBelieved);
		const delay = owner.host.running ? 10 + random.next() * 300 : Math.min(budget, LOOKUP_FAILS);
		ring.messages += 2;
		const timer = clock.schedule(delay, () => {
			if (owner.host.running) done(undefined, owner);
			else done(new ChordError("NO_ROUTE", "the owner does not answer"));
		});
		return () => {
			timer.cancel();
		};
	}

	#ask<Request, Response>(
		to: ModelPeer,
		type: RequestType<Request, Response>,
		value: Request,
		budget: number,
		done: Answer<Response>,
	): Cancel {
		const ring = this.#ring;
		const question = {};
		const settle = (error: ChordError | undefined, response?: Response): void => {
			if (!this.#open.delete(question)) return;
			timer.cancel();
			if (response instanceof Uint8Array) ring.payloads++;
			done(error, response);
		};
		const timer = this.host.clock.schedule(budget, () => {
			settle(new ChordError("TIMEOUT", "no answer"));
		});
		this.#open.set(question, { to, fail: settle });
		const hasData = (value as unknown as Partial<Offer>).data !== undefined;
		if (hasData && (to.host.running || this.#links.has(to))) ring.payloads++;
		ring.carry(this, to, () => {
			if (!to.host.running) {
				const refused = new ChordError("UNREACHABLE", "nobody is there");
				if (!this.#links.has(to) && !to.isBelieved) settle(refused);
				return;
			}
			if (!this.host.running) return;
			this.#link(to);
			const handle = to.isLazy && type.tag === offerType.tag ? idle : to.handlers.get(type.tag);
			const give = (response: unknown): void => {
				ring.carry(to, this, () => {
					if (this.host.running) settle(undefined, response as Response);
				});
			};
			handle?.(value, this, give);
		});
		return () => {
			timer.cancel();
			this.#open.delete(question);
		};
	}

	#tell<Body>(to: ModelPeer, type: NoticeType<Body>, value: Body): void {
		this.#ring.carry(this, to, () => {
			if (!to.host.running || !this.host.running) return;
			to.handlers.get(type.tag)?.(value, this, () => {});
		});
	}
}
