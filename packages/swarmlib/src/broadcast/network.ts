import {
	type Answer,
	type Cancel,
	type Clock,
	type Hash,
	type LocalNode,
	type NoticeType,
	type Random,
	type RemoteNode,
	type RequestType,
	type Identity,
	type Signed,
	systemClock,
	systemCrypto,
	verifySignature,
	verifySignatureLater,
} from "@cicada/chordlib";

import { settle } from "../settle.ts";

/** What broadcasts ask of the ring: pointers, lookups, and messages over links. Times are milliseconds. */
export interface BroadcastNetwork {
	readonly clock: Clock;
	readonly random: Random;
	/** This peer, and its keys. */
	readonly self: RemoteNode;
	readonly identity: Identity;
	/** Whether something was signed by whom it says: known at once, or later; `undefined` where that cannot be told now. */
	verify(signed: Signed, done: (isSigned: boolean | undefined) => void): void;
	/** The next peers clockwise, and those further round. */
	successors(): readonly RemoteNode[];
	fingers(): readonly RemoteNode[];
	predecessor(): RemoteNode | undefined;
	/** Peers that cannot be dialled, and whose ids are this peer's to serve. */
	leaves(): readonly RemoteNode[];
	/** Who owns an id: the first peer at or after it that is alive. */
	lookup(id: Hash, budget: number, done: Answer<RemoteNode>): Cancel;
	/** Asks a peer, over a link that is opened when there is none. `done` is not called once it is cancelled. */
	ask<Request, Response>(
		to: RemoteNode,
		type: RequestType<Request, Response>,
		value: Request,
		budget: number,
		done: Answer<Response>,
	): Cancel;
	/** Tells a peer, likewise; nobody hears whether it arrived. */
	tell<Body>(to: RemoteNode, type: NoticeType<Body>, value: Body): void;
	serve<Request, Response>(
		type: RequestType<Request, Response>,
		handle: (value: Request, from: RemoteNode, answer: (response: Response) => void) => void,
	): void;
	hear<Body>(type: NoticeType<Body>, handle: (value: Body, from: RemoteNode) => void): void;
	/** Watches links that are lost, other neighbours, and that this peer comes into a ring. */
	watch(events: { lost: (peer: Hash) => void; neighbours: () => void; joined: () => void }): void;
}

/** The same, of a node. Here promises end: what comes after a cancellation is not told. */
export function networkOf(
	node: LocalNode,
	clock: Clock,
	random: Random,
	identity: Identity,
): BroadcastNetwork {
	return {
		clock,
		random,
		self: node,
		identity,
		verify: (signed, done) => {
			// Where time is simulated, nothing may happen outside of it.
			if (clock !== systemClock) {
				done(verifySignature(systemCrypto, signed));
				return;
			}
			settle(verifySignatureLater(systemCrypto, signed), (_error, isSigned) => {
				done(isSigned);
			});
		},
		successors: () => node.successors,
		fingers: () => node.fingers,
		predecessor: () => node.predecessor,
		leaves: () => node.leaves,
		lookup: (id, budget, done) =>
			settle(
				node.lookup(id, { timeout: budget }).then((found) => found.node),
				done,
			),
		ask: (to, type, value, budget, done) => node.ask(to, type, value, budget, done),
		tell: (to, type, value) => {
			node.notify(to, type, value).catch(() => {});
		},
		serve: (type, handle) => {
			node.handle(
				type,
				(value, { peer }) =>
					new Promise((resolve) => {
						handle(value, peer, resolve);
					}),
			);
		},
		hear: (type, handle) => {
			node.handle(type, (value, { peer }) => {
				handle(value, peer);
			});
		},
		watch: ({ lost, neighbours, joined }) => {
			node.on("unlink", ({ peer }) => {
				lost(peer.hash);
			});
			node.on("pointers", neighbours);
			node.on("standing", (now) => {
				if (now === "member") joined();
			});
		},
	};
}
