import { Hash } from "@cicada/chordlib";
import type { Address } from "@cicada/swarmlib";

import { parseAddress } from "../arguments.ts";
import { Failure } from "../failure.ts";
import type { StartedPeer } from "../start-peer.ts";

/** The shell's own peers, which are named by any beginning of their ids that no other has. */
export class OwnPeers {
	/** By id, in the order in which they were made. */
	readonly #peers = new Map<string, StartedPeer>();

	get all(): readonly StartedPeer[] {
		return [...this.#peers.values()];
	}

	add(started: StartedPeer): void {
		this.#peers.set(started.peer.hash.toString(), started);
	}

	remove({ peer }: StartedPeer): void {
		this.#peers.delete(peer.hash.toString());
	}

	/** The only one where nothing is named. @throws Failure `FAILED` where that is none or more than one */
	named(prefix: string): StartedPeer {
		const [found, ...more] = this.#beginning(prefix);
		if (found === undefined) {
			throw new Failure(
				"FAILED",
				this.#peers.size === 0
					? "there is no peer: create"
					: `no peer's id begins with ${prefix}: list`,
			);
		}
		if (more.length === 0) return found;
		const ids = [found, ...more].map(({ peer }) => peer.hash.toString().slice(0, 12));
		throw new Failure("FAILED", `which one? ${ids.join(", ")}`);
	}

	/**
	 * What a word names: an own peer by a beginning of its id, an address, or any id in 64 hexadecimal digits.
	 * @throws Failure `FAILED`
	 */
	target(word: string): Address | Hash {
		const address = parseAddress(word);
		if (address !== undefined) return address;
		if (/^[0-9a-f]{64}$/i.test(word)) return new Hash({ hashed: word });
		if (word === "") throw new Failure("FAILED", "to whom? host:port, or an id");
		return this.named(word).peer.hash;
	}

	#beginning(prefix: string): StartedPeer[] {
		const lower = prefix.toLowerCase();
		return [...this.#peers].filter(([id]) => id.startsWith(lower)).map(([, started]) => started);
	}
}
