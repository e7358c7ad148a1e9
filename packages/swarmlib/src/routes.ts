import {
	type Answer,
	type Cancel,
	type Clock,
	type Hash,
	type LocalNode,
	type LookupStep,
	type RemoteNode,
	type Timer,
	scopeOf,
	subnetOf,
} from "@cicada/chordlib";

import { settle } from "./settle.ts";

/** What routes ask of the ring. Times are milliseconds. */
export interface RouteNetwork {
	readonly clock: Clock;
	readonly self: Hash;
	/** True when the limits by IP address hold for loopback and private addresses too. */
	readonly limitLocal: boolean;
	/** Members that this peer points to, or has links to. */
	contacts(): readonly RemoteNode[];
	/** To whom a message for a target goes first, unless told otherwise. */
	nextHop(target: Hash): RemoteNode | undefined;
	/** Asks a peer whom it would ask for the owner of an id, over a link that is opened when there is none. */
	step(peer: RemoteNode, id: Hash, budget: number, done: Answer<LookupStep>): Cancel;
}

/** The same, of a node. */
export function routeNetwork(node: LocalNode, clock: Clock, limitLocal: boolean): RouteNetwork {
	return {
		clock,
		limitLocal,
		get self() {
			return node.hash;
		},
		contacts: () => {
			const { fingers, peers, predecessor, successors } = node;
			const all = [...successors, ...fingers, ...(predecessor ? [predecessor] : []), ...peers];
			return all.filter(({ address }) => address.port !== 0);
		},
		nextHop: (target) => node.nextHop(target),
		step: (peer, id, timeout, done) => settle(node.step(peer, id, { timeout }), done),
	};
}

/** A way to a target that has no relay in common with others of the same search. */
export interface DisjointRoute {
	/** Who hands what it is given straight to the target, one of its successors. */
	readonly via: RemoteNode;
	/** Who was asked for the way, each by the word of the one before; `via` is the last. */
	readonly helpers: readonly RemoteNode[];
}

/** How long one helper may take to answer, and how long a search may take. */
const STEP = 1_500;
const SEARCH = 5_000;
/** Helpers that one route may ask, and candidates that it keeps. */
const ASKED = 16;
const CANDIDATES = 64;
/** Helpers at one IP address, and in one subnet: who has many addresses near each other is to get few routes. */
const PER_IP = 1;
const PER_SUBNET = 2;

/** Who helped already. All routes share it, so that they are disjoint. */
class Helpers {
	readonly #network: RouteNetwork;
	readonly #taken = new Set<string>();
	readonly #places = new Map<string, number>();

	constructor(network: RouteNetwork) {
		this.#network = network;
	}

	/** Takes one who may help, unless it has, or too many from where it is have. */
	take({ hash, address: { host } }: RemoteNode): boolean {
		const id = hash.toString();
		if (this.#taken.has(id)) return false;
		const subnet = subnetOf(host);
		const counts = this.#network.limitLocal || scopeOf(host) === "public";
		const [atIp, inSubnet] = [this.#places.get(host) ?? 0, this.#places.get(subnet) ?? 0];
		if (counts && (atIp >= PER_IP || inSubnet >= PER_SUBNET)) return false;
		this.#taken.add(id);
		this.#places.set(host, atIp + 1);
		this.#places.set(subnet, inSubnet + 1);
		return true;
	}
}

/**
 * Looks for one route: asks who seems nearest before the target, then the nearest of those that it names, until one says
 * that the target is among its successors. Whoever lies spoils this route, and no other, since it heeds only those
 * whom its own helpers named, and all routes start from contacts of this peer.
 */
class Walk {
	readonly #network: RouteNetwork;
	readonly #target: Hash;
	readonly #used: Helpers;
	readonly #done: (route: DisjointRoute | undefined) => void;
	readonly #asked: RemoteNode[] = [];
	/** The best first. */
	#candidates: readonly RemoteNode[] = [];
	#cancel: Cancel = () => {};

	constructor(
		network: RouteNetwork,
		target: Hash,
		used: Helpers,
		done: (route: DisjointRoute | undefined) => void,
	) {
		this.#network = network;
		this.#target = target;
		this.#used = used;
		this.#done = done;
	}

	begin(): void {
		this.#learn(this.#network.contacts());
		this.#next();
	}

	cancel(): void {
		this.#cancel();
	}

	#learn(named: readonly RemoteNode[]): void {
		const others = named.filter(
			({ hash }) => !hash.equals(this.#target) && !hash.equals(this.#network.self),
		);
		this.#candidates = nearestBefore(this.#target, [...others, ...this.#candidates]).slice(
			0,
			CANDIDATES,
		);
	}

	#next(): void {
		const index = this.#candidates.findIndex((candidate) => this.#used.take(candidate));
		const helper = this.#candidates[index];
		if (helper === undefined || this.#asked.length === ASKED) {
			this.#done(undefined);
			return;
		}
		this.#candidates = this.#candidates.slice(index + 1);
		this.#asked.push(helper);
		this.#cancel = this.#network.step(helper, this.#target, STEP, (_error, step) => {
			if (step?.outcome === "last") {
				this.#done({ via: helper, helpers: this.#asked });
				return;
			}
			if (step?.outcome === "ask") this.#learn(step.nodes);
			this.#next();
		});
	}
}

/** `nodes` from the one that a message has least far to go from, clockwise. */
function nearestBefore(target: Hash, nodes: readonly RemoteNode[]): RemoteNode[] {
	return nodes
		.map((node) => ({ node, distance: node.hash.distanceTo(target) }))
		.toSorted((a, b) => (a.distance < b.distance ? -1 : 1))
		.map(({ node }) => node);
}

/** Sends a copy by way of a peer; false when there is no link to it any more. */
type Use = (via: RemoteNode) => boolean;

/** Milliseconds for which routes are believed to be good; and for which a message waits for those it is to take. */
const KEPT = 60_000;
const PREPARING = 1_000;
/** Routes that are known to one target at most. */
const ROUTES = 64;

/** The disjoint routes to one target: found when they are asked for, and kept for a while. */
export class Routes {
	readonly #network: RouteNetwork;
	readonly #target: Hash;
	#used: Helpers;
	#found: DisjointRoute[] = [];
	#since: number;
	/** No more are to be found. */
	#isAll = false;
	#walks = new Set<Walk>();
	#end: Timer | undefined;
	/** Called when the search that is under way is over. */
	#waiting: (() => void)[] = [];
	#preparing: Timer | undefined;

	constructor(network: RouteNetwork, target: Hash) {
		this.#network = network;
		this.#target = target;
		this.#used = new Helpers(network);
		this.#since = network.clock.now();
	}

	/** Whether messages that are to take several routes have to wait for them. */
	get preparing(): boolean {
		return this.#preparing !== undefined;
	}

	get found(): readonly DisjointRoute[] {
		return this.#found;
	}

	/** Looks for so many routes, where they are not known. `ready` is called once they are, or when it takes too long. */
	prepare(count: number, ready: () => void): void {
		this.#refresh();
		if (this.#target.equals(this.#network.self)) return;
		if (this.#preparing !== undefined || this.#isAll || this.#found.length >= count) return;
		const end = (): void => {
			if (this.#preparing !== timer) return;
			timer.cancel();
			this.#preparing = undefined;
			ready();
		};
		const timer = this.#network.clock.schedule(PREPARING, end);
		this.#preparing = timer;
		this.#search(count, end);
	}

	/** Sends so many copies by the routes from number `first` on, and says how many went: others go once routes are found. */
	send(first: number, count: number, use: Use): number {
		this.#refresh();
		const wanted = Math.min(first + count, ROUTES);
		if (this.#isAll || this.#found.length >= wanted) return this.#sendNow(first, count, use);
		const known = this.#found.length - first;
		const now = known > 0 ? this.#sendNow(first, known, use) : 0;
		const left = count - Math.max(0, known);
		this.#search(wanted, () => {
			this.#sendNow(first + count - left, left, use);
		});
		return now;
	}

	/** Ends the search that is under way. */
	stop(): void {
		for (const walk of this.#walks) walk.cancel();
		this.#walks.clear();
		this.#end?.cancel();
		this.#preparing?.cancel();
		this.#preparing = undefined;
		this.#waiting = [];
	}

	/** The routes in turn, from the first again after the last, but each once. */
	#sendNow(first: number, count: number, use: Use): number {
		const { length } = this.#found;
		const chosen = Array.from(
			{ length: Math.min(count, length) },
			(_, index) => this.#found[(first + index) % length] as DisjointRoute,
		);
		const gone = chosen.filter(({ via }) => !use(via));
		if (gone.length > 0) {
			this.#found = this.#found.filter((route) => !gone.includes(route));
			this.#isAll = false;
		}
		return chosen.length - gone.length;
	}

	/** The ring changes: what is known of it is forgotten in time. */
	#refresh(): void {
		const { clock } = this.#network;
		const isSearching = this.#walks.size > 0;
		const isEmpty = this.#isAll && this.#found.length === 0;
		const age = clock.now() - this.#since;
		if (isSearching || age < (isEmpty ? PREPARING : KEPT)) return;
		this.#since = clock.now();
		this.#found = [];
		this.#isAll = false;
		this.#used = new Helpers(this.#network);
	}

	/** Looks for routes until there are so many, or no more. What is under way goes on first. */
	#search(count: number, done: () => void): void {
		this.#waiting.push(done);
		if (this.#walks.size > 0) return;
		if (this.#found.length === 0) {
			this.#used = new Helpers(this.#network);
			// The usual route is one of them.
			const usual = this.#network.nextHop(this.#target);
			if (usual !== undefined) this.#used.take(usual);
		}
		this.#end = this.#network.clock.schedule(SEARCH, () => {
			for (const walk of this.#walks) walk.cancel();
			this.#finish();
		});
		for (let missing = count - this.#found.length; missing > 0; missing--) {
			const walk: Walk = new Walk(this.#network, this.#target, this.#used, (route) => {
				this.#walks.delete(walk);
				if (route === undefined) this.#isAll = true;
				else this.#found.push(route);
				if (this.#walks.size === 0) this.#finish();
			});
			this.#walks.add(walk);
		}
		for (const walk of [...this.#walks]) walk.begin();
	}

	#finish(): void {
		this.#end?.cancel();
		this.#walks.clear();
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const done of waiting) done();
	}
}
