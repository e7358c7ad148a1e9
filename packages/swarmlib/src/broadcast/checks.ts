import type { Hash } from "@cicada/chordlib";

import type { BroadcastLimits } from "./jobs.ts";
import type { Name } from "./messages.ts";

/** An offer whose signature is being checked. */
interface Check extends Name {
	/** Whether whoever made it still cares. */
	isWanted: boolean;
}

/**
 * Offers whose signatures are being checked, which takes a moment in which they may be taken back. Those that were count
 * until their checks end: otherwise who takes back what he asks could have any number checked.
 */
export class Checks {
	readonly #limits: BroadcastLimits;
	/** By who made them. */
	readonly #ofPeers = new Map<string, Set<Check>>();
	#count = 0;

	constructor(limits: BroadcastLimits) {
		this.#limits = limits;
	}

	/** The limit for which there is no room for one more offer of a peer. */
	limitFor(from: Hash): "checks" | "checksPerPeer" | undefined {
		const { size = 0 } = this.#ofPeers.get(from.toString()) ?? {};
		if (size >= this.#limits.checksPerPeer) return "checksPerPeer";
		return this.#count >= this.#limits.checks ? "checks" : undefined;
	}

	/** One begins. What is returned is called at its end, and says whether it is still wanted. */
	begin({ series, number }: Name, from: Hash): () => boolean {
		const id = from.toString();
		const ofPeer = this.#ofPeers.get(id) ?? new Set();
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
