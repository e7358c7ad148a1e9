import { type Limits, defaultLimits } from "./limits.ts";

/** How often each limit was reached since the node began to listen. */
export type LimitCounts = Readonly<Record<keyof Limits, number>>;

/** How a node is doing. A copy: it does not change any more. */
export interface NodeStats {
	/** Links to peers, each open both ways. */
	readonly links: number;
	/** Accepted links that have not yet said who they are. */
	readonly pendingLinks: number;
	/** Addresses that are being dialled. */
	readonly dials: number;
	/** Bytes, over all links, that the network has not taken yet. */
	readonly buffered: number;
	/** Requests under way: ours to others, and theirs to us. */
	readonly requests: { readonly asked: number; readonly serving: number };
	/** IP addresses and subnets whose links, rates and offences are being counted; and how many are barred. */
	readonly hosts: { readonly known: number; readonly barred: number };
	/** How often each limit was reached: what was refused, dropped, cut short or ended for it. */
	readonly reached: LimitCounts;
}

/** Counts how often each limit is reached. */
export class LimitCounter {
	readonly #counts: Record<keyof Limits, number>;

	constructor() {
		const none = Object.keys(defaultLimits).map((name) => [name, 0]);
		this.#counts = Object.fromEntries(none) as Record<keyof Limits, number>;
	}

	count(limit: keyof Limits): void {
		this.#counts[limit]++;
	}

	get counts(): LimitCounts {
		return { ...this.#counts };
	}
}
