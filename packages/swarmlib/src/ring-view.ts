import { Hash, type LocalNode, type RemoteNode, type Wait } from "@cicada/chordlib";

import { asSwarmError } from "./errors.ts";
import { checkWait, invalid } from "./options.ts";
import { type RemotePeer, remotePeer } from "./remote-peer.ts";

/** Who is responsible for an id. */
export interface Responsible {
	/** The first peer at or clockwise after the id; `undefined` when it is the one that asks. */
	readonly peer: RemotePeer | undefined;
	/** Links that the question crossed; 0 when the answer was here. */
	readonly hops: number;
}

/** A peer's place on the ring: whom it knows there, as of now, and the way to ask for others. */
export class RingView {
	readonly #node: LocalNode;

	constructor(node: LocalNode) {
		this.#node = node;
	}

	/** The peer before this one; `undefined` when alone, and while it is not known. */
	get predecessor(): RemotePeer | undefined {
		const { predecessor } = this.#node;
		return predecessor && remotePeer(predecessor);
	}

	/** The next peers clockwise, the nearest first; none when alone. */
	get successors(): readonly RemotePeer[] {
		return this.#node.successors.map((member) => remotePeer(member));
	}

	/** The peers further round that its fingers point to, each once. */
	get fingers(): readonly RemotePeer[] {
		return this.#node.fingers.map((member) => remotePeer(member));
	}

	/** All of these, each once: the members of its swarm that it knows. */
	get members(): readonly RemotePeer[] {
		const { predecessor, successors, fingers } = this.#node;
		const known = new Map<string, RemoteNode>();
		for (const member of [...successors, ...(predecessor ? [predecessor] : []), ...fingers]) {
			known.set(member.hash.toString(), member);
		}
		return [...known.values()].map((member) => remotePeer(member));
	}

	/**
	 * Finds the peer that is responsible for an id. It is that peer itself that answers.
	 * @throws SwarmError `INVALID_ARGUMENT`, `BUSY` while the ring is being repaired, `TIMEOUT` (default 10,000 ms),
	 * `CLOSED`
	 */
	async lookup(id: Hash, options?: Wait): Promise<Responsible> {
		if (!(id instanceof Hash)) throw invalid("lookup takes a Hash");
		const wait = checkWait(options);
		try {
			const { node, hops } = await this.#node.lookup(id, wait);
			return { peer: node === this.#node ? undefined : remotePeer(node), hops };
		} catch (error) {
			throw asSwarmError(error);
		}
	}
}
