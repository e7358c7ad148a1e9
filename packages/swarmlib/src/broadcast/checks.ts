import type { Hash } from "@cicada/chordlib";

import type { Name } from "./messages.ts";

/** Offers that are checked at once: those of one peer, who may ask no more at a time, and all. */
const LIMIT = { ofPeer: 256, ofAll: 1_024 } as const;

/** An offer whose signature is being checked. */
interface Check extends Name {
	/** Whether whoever made it still cares. */
	isWanted: boolean;
}

/** Offers whose signatures are being checked, which takes a moment in which they may be taken back. */
export class Checks {
	/** By who made them. */
	readonly #ofPeers = new Map<string, Set<Check>>();
	#count = 0;

	/** One begins, where there are not too many. What is returned is called at its end, and says whether it is still wanted. */
	begin({ series, number }: Name, from: Hash): (() => boolean) | undefined {
		const id = from.toString();
		const ofPeer = this.#ofPeers.get(id) ?? new Set();
		if (ofPeer.size >= LIMIT.ofPeer || this.#count >= LIMIT.ofAll) return undefined;
		const check: Check = { series, number, isWanted: true };
		this.#ofPeers.set(id, ofPeer);
		ofPeer.add(check);
		this.#count++;
		return () => {
			ofPeer.delete(check);
			this.#count--;
			if (ofPeer.size === 0) this.#ofPeers.delete(id);
			return check.isWanted;
		};
	}

	/** A peer takes back what it offered. */
	withdraw({ series, number }: Name, from: Hash): void {
		for (const check of this.#ofPeers.get(from.toString()) ?? []) {
			if (check.series === series && check.number === number) check.isWanted = false;
		}
	}

	/** The link to a peer is gone: it takes back everything. */
	lost(peer: Hash): void {
		for (const check of this.#ofPeers.get(peer.toString()) ?? []) check.isWanted = false;
	}

	/** Nothing is wanted any more. */
	clear(): void {
		for (const checks of this.#ofPeers.values()) {
			for (const check of checks) check.isWanted = false;
		}
	}
}
