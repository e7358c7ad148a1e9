import type { Address, Clock, LocalNode, RemoteNode } from "@cicada/chordlib";
import { formatAddress } from "@cicada/chordlib";

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
	error: Error | undefined;
	at: number;
}

/** Milliseconds for which an address that could not be dialled is left alone. */
const AGAIN = 60_000;
/** Addresses whose outcome is remembered. */
const REMEMBERED = 1_024;

/** Links to targets themselves, where they can be dialled; and what was learned where they cannot. */
export class Dialling {
	readonly #node: LocalNode;
	readonly #clock: Clock;
	readonly #attempts = new Map<string, Attempt>();

	constructor(node: LocalNode, clock: Clock) {
		this.#node = node;
		this.#clock = clock;
	}

	/** Sees to it that there is a link to a peer, if it can be had. Calls `done` when that is settled, never at once. */
	link(peer: RemoteNode, done: () => void): void {
		// A leaf.
		if (peer.address.port === 0) {
			this.#clock.defer(done);
			return;
		}
		const key = formatAddress(peer.address);
		const known = this.#attempts.get(key);
		if (known?.waiting !== undefined) {
			known.waiting.push(done);
			return;
		}
		if (known?.error !== undefined && this.#clock.now() - known.at < AGAIN) {
			this.#clock.defer(done);
			return;
		}
		const attempt: Attempt = {
			address: peer.address,
			waiting: [done],
			error: undefined,
			at: this.#clock.now(),
		};
		this.#remember(key, attempt);
		this.#node.link(peer).then(
			() => {
				this.#ended(attempt, undefined);
			},
			(error: unknown) => {
				this.#ended(attempt, error as Error);
			},
		);
	}

	/** What came of it the last time that an address was dialled; `undefined` when it is not known. */
	outcome(address: Address): Dialled | undefined {
		const attempt = this.#attempts.get(formatAddress(address));
		if (attempt === undefined) return undefined;
		const { waiting, error, at } = attempt;
		const ended = error === undefined ? "linked" : "failed";
		return {
			address,
			outcome: waiting === undefined ? ended : "dialling",
			why: error?.message,
			age: this.#clock.now() - at,
		};
	}

	/** Forgets what was learned. */
	clear(): void {
		this.#attempts.clear();
	}

	#remember(key: string, attempt: Attempt): void {
		this.#attempts.delete(key);
		this.#attempts.set(key, attempt);
		const [oldest] = this.#attempts.keys();
		if (this.#attempts.size > REMEMBERED && oldest !== undefined) this.#attempts.delete(oldest);
	}

	#ended(attempt: Attempt, error: Error | undefined): void {
		const waiting = attempt.waiting ?? [];
		attempt.waiting = undefined;
		attempt.error = error;
		attempt.at = this.#clock.now();
		for (const done of waiting) done();
	}
}
