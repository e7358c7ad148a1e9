import type { LimitCounts, NodeStats } from "@cicada/chordlib";

const LIMITS = [
	"message",
	"inbox.messages",
	"inbox.bytes",
	"outbox.messages",
	"outbox.bytes",
	"calls.perPeer",
	"calls.requests",
	"calls.bytes",
	"sessions",
	"handshakes.opening",
	"handshakes.rate",
	"reassembly.perPeer",
	"reassembly.bytes",
	"reassembly.early",
	"reassembly.stalled",
	"broadcasts.perKey",
	"broadcasts.bytesPerKey",
	"broadcasts.jobs",
	"broadcasts.bytes",
	"broadcasts.checks",
	"broadcasts.checksPerPeer",
] as const;

/** A limit of a peer, beside those on its links, by the name of the option that sets it. */
export type SwarmLimit = (typeof LIMITS)[number];

/** How a peer is doing. A copy: it does not change any more. */
export interface SwarmStats extends Omit<NodeStats, "reached"> {
	/** What waits for `recv`. */
	readonly inbox: { readonly messages: number; readonly bytes: number };
	/** Own messages that are not acknowledged yet. */
	readonly outbox: { readonly messages: number; readonly bytes: number };
	/** Own requests that are not answered, those of others that are being served, and bytes of these. */
	readonly calls: { readonly asked: number; readonly serving: number; readonly bytes: number };
	/** Others' sessions with this peer; bytes of their unfinished messages, and of chunks that came before their turn. */
	readonly sessions: { readonly open: number; readonly unfinished: number; readonly early: number };
	/** Broadcasts that are looked after. */
	readonly broadcasts: number;
	/** How often each limit was reached: what was refused, dropped, cut short or ended for it. */
	readonly reached: LimitCounts & Readonly<Record<SwarmLimit, number>>;
}

/** Counts how often each limit is reached. */
export class SwarmCounter {
	readonly #counts = Object.fromEntries(LIMITS.map((name) => [name, 0])) as Record<
		SwarmLimit,
		number
	>;

	readonly count = (limit: SwarmLimit): void => {
		this.#counts[limit]++;
	};

	get counts(): Readonly<Record<SwarmLimit, number>> {
		return { ...this.#counts };
	}
}
