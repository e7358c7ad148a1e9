import {
	type Address,
	type Clock,
	type LocalNode,
	type RemoteNode,
	formatAddress,
	sameAddress,
} from "@cicada/chordlib";

/** What came of dialling an address. */
export interface Dialled {
	/** Where. */
	readonly address: Address;
	/** Whether there is a link now. */
	readonly outcome: "dialling" | "linked" | "failed";
	/** Why it failed. */
	readonly why: string | undefined;
	/** Milliseconds since it ended, or since it began when it has not ended. */
	readonly age: number;
}

interface Attempt {
	readonly address: Address;
	/** Who wants to know when it ends; undefined once it has. */
	waiting: (() => void)[] | undefined;
	/** Why it failed: an error would keep its stack, and whatever that holds. */
	why: string | undefined;
	/** Who answered, as long as there is a link to him. */
	met: RemoteNode | undefined;
	at: number;
}

/** Milliseconds for which an address that could not be dialled is left alone. */
const AGAIN = 60_000;

/** Links to targets themselves, where they can be dialled; and what was learned where they cannot. */
export class Dialling {
	readonly #node: LocalNode;
	readonly #clock: Clock;
	/** Addresses of which it is remembered what came of dialling them. */
	readonly #most: number;
	/** By address; the one that was longest not dialled first. */
	readonly #attempts = new Map<string, Attempt>();

	constructor(node: LocalNode, clock: Clock, most: number) {
		this.#node = node;
		this.#clock = clock;
		this.#most = most;
		node.on("unlink", ({ peer }) => {
			for (const attempt of this.#attempts.values()) {
				if (attempt.met?.hash.equals(peer.hash) === true) attempt.met = undefined;
			}
		});
	}

	/** Sees to it that there is a link to a peer, if it can be had. Calls `done` when that is settled, never at once. */
	link(peer: RemoteNode, done: () => void): void {
		// A leaf.
		if (peer.address.port === 0) {
			this.#clock.defer(done);
			return;
		}
		const linked = this.#node.peers.some(({ hash }) => hash.equals(peer.hash));
		this.#reach(peer.address, linked ? peer : undefined, done);
	}

	/** Finds out who is at an address, over a link that is opened where there is none. Calls `done`, never at once. */
	meet(address: Address, done: (peer: RemoteNode | undefined) => void): void {
		const tell = (): void => {
			done(this.occupant(address));
		};
		if (this.occupant(address) !== undefined) this.#clock.defer(tell);
		else this.#reach(address, undefined, tell);
	}

	/** Who is at an address, as far as there is a link that shows it. */
	occupant(address: Address): RemoteNode | undefined {
		const { met } = this.#attempts.get(formatAddress(address)) ?? {};
		return met ?? this.#node.peers.find((peer) => sameAddress(peer.address, address));
	}

	/** What came of it the last time that an address was dialled; `undefined` when it is not known. */
	outcome(address: Address): Dialled | undefined {
		const attempt = this.#attempts.get(formatAddress(address));
		if (attempt === undefined) return undefined;
		const { waiting, why, at } = attempt;
		const ended = why === undefined ? "linked" : "failed";
		return {
			address,
			outcome: waiting === undefined ? ended : "dialling",
			why,
			age: this.#clock.now() - at,
		};
	}

	/** Forgets what was learned. */
	clear(): void {
		this.#attempts.clear();
	}

	/** Opens a link to an address, or to the peer that is known to be there. */
	#reach(address: Address, peer: RemoteNode | undefined, done: () => void): void {
		const key = formatAddress(address);
		const known = this.#attempts.get(key);
		if (known?.waiting !== undefined) {
			known.waiting.push(done);
			return;
		}
		if (known?.why !== undefined && this.#clock.now() - known.at < AGAIN) {
			this.#clock.defer(done);
			return;
		}
		const attempt: Attempt = {
			address,
			waiting: [done],
			why: undefined,
			met: known?.met,
			at: this.#clock.now(),
		};
		this.#remember(key, attempt);
		this.#node.link(peer ?? address).then(
			(link) => {
				attempt.met = link.peer;
				this.#ended(attempt, undefined);
			},
			(error: unknown) => {
				this.#ended(attempt, (error as Error).message);
			},
		);
	}

	#remember(key: string, attempt: Attempt): void {
		this.#attempts.delete(key);
		this.#attempts.set(key, attempt);
		const [oldest] = this.#attempts.keys();
		if (this.#attempts.size > this.#most && oldest !== undefined) this.#attempts.delete(oldest);
	}

	#ended(attempt: Attempt, why: string | undefined): void {
		const waiting = attempt.waiting ?? [];
		attempt.waiting = undefined;
		attempt.why = why;
		attempt.at = this.#clock.now();
		for (const done of waiting) done();
	}
}
