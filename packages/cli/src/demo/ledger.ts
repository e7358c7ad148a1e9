import type { Sending } from "../figures.ts";
import type { Arrival, Fate } from "./calls.ts";
import type { Peer } from "./swarm.ts";

/** A message that was sent, and what became of it as far as its sender knows. */
export interface Sent {
	readonly message: number;
	readonly from: Pick<Peer, "name" | "place">;
	readonly to: Pick<Peer, "name" | "place">;
	readonly fate: Exclude<Fate, { outcome: "linked" }>;
}

interface Broadcast {
	readonly message: number;
	readonly from: Pick<Peer, "name" | "place">;
	readonly to: readonly Pick<Peer, "name" | "place">[];
}

/** Holds what was sent against what was received: no end's word is taken for the other's. */
export class Ledger {
	#numbers = 0;
	readonly #failures: string[] = [];
	readonly #broadcasts: Broadcast[] = [];
	/** Peers that were asked, by id, with how often they received each message from whom. */
	readonly #received = new Map<string, Map<string, number>>();
	#garbled = 0;

	/** A number for a new message. */
	number(): number {
		return this.#numbers++;
	}

	/** A number for a message that all of `to` have to receive, as far as they live to tell. */
	broadcast(from: Broadcast["from"], to: Broadcast["to"]): number {
		const message = this.number();
		this.#broadcasts.push({ message, from, to });
		return message;
	}

	failed(what: string): void {
		this.#failures.push(what);
	}

	/** What a peer has received. */
	received(by: Sent["to"], arrivals: readonly Arrival[]): void {
		const counts = new Map<string, number>();
		for (const { message, from } of arrivals) {
			if (message < 0) this.#garbled++;
			const key = `${message} ${from}`;
			counts.set(key, (counts.get(key) ?? 0) + 1);
		}
		this.#received.set(by.place.id, counts);
	}

	sendings(sent: readonly Sent[]): Sending[] {
		return sent.map((one) => {
			const none = { hops: 0, rtt: 0, linked: false };
			const { hops, rtt, linked } = one.fate.outcome === "delivered" ? one.fate : none;
			return { delivered: this.#trouble(one) === undefined, hops, rtt, linked };
		});
	}

	/** Everything that went wrong, as sentences. */
	failures(sent: readonly Sent[]): string[] {
		const found = [...this.#failures];
		for (const one of sent) {
			const trouble = this.#trouble(one);
			if (trouble !== undefined) found.push(`${one.from.name} to ${one.to.name}: ${trouble}`);
		}
		for (const { message, from, to } of this.#broadcasts) {
			for (const peer of to) {
				const times = this.#times(message, from, peer);
				if (times === 1 || times === undefined) continue;
				found.push(`the broadcast of ${from.name} came to ${peer.name} ${times} times`);
			}
		}
		if (this.#garbled > 0) found.push(`${this.#garbled} messages arrived otherwise than sent`);
		return found;
	}

	/** Why a message does not count as delivered. */
	#trouble({ message, from, to, fate }: Sent): string | undefined {
		if (fate.outcome === "rejected") return fate.why;
		const times = this.#times(message, from, to);
		return times === 1 ? undefined : `acknowledged, and received ${times ?? 0} times`;
	}

	/** How often a message came to a peer; `undefined` of one that could not be asked any more. */
	#times(message: number, from: Sent["from"], to: Sent["to"]): number | undefined {
		const counts = this.#received.get(to.place.id);
		return counts && (counts.get(`${message} ${from.place.id}`) ?? 0);
	}
}
