import type { Fault } from "@cicada/simnet";

import type { NetworkName } from "./latency.ts";

/**
 * `fail-stop`: what the proof of the ring allows; every rule holds at every moment. `hostile`: anything; the local rules
 * hold at every moment, and the ring is ideal again some time after the trouble has ended.
 */
export type Regime = "fail-stop" | "hostile";

export const REGIMES: readonly Regime[] = ["fail-stop", "hostile"];

/** Something that happens to a host, or that its user does. */
export type Action =
	| Fault
	/** A host's node joins a ring: its process is started first when there is none. */
	| { readonly kind: "join"; readonly host: string }
	/** A host's node leaves in good order, and its process lives on. */
	| { readonly kind: "leave"; readonly host: string }
	/** A member is told of a node of another ring, which it is to join with its own. */
	| { readonly kind: "bridge"; readonly host: string; readonly to: string };

export type TimedAction = Action & {
	/** Virtual milliseconds since the trouble began. */
	readonly at: number;
};

/** All that decides how a run goes: plain JSON. */
export interface Plan {
	readonly seed: number;
	readonly regime: Regime;
	/** The hosts that form the ring before the trouble begins, `n0` and on; others come by a `join`. */
	readonly nodes: number;
	/** The length of successor lists. */
	readonly successors: number;
	readonly latency: NetworkName;
	/** How long the trouble lasts, in virtual milliseconds. */
	readonly duration: number;
	/** Lookups by each node in a minute of the trouble. */
	readonly lookups: number;
	/** In the order of their times. */
	readonly actions: readonly TimedAction[];
	/** Rings that the nodes form in turn, ideal ones before the trouble begins; one where it is not said. */
	readonly rings?: number;
}

/** The name of a host. */
export function hostName(index: number): string {
	return `n${index}`;
}
