import type { LocalNode } from "@cicada/chordlib";

/**
 * What a peer is about. `unbound`: `bind` comes first. `alone`: it has met nobody, or has left. `joining`: it is being let
 * into a swarm. `ready`: it is in one. `rejoining`: it has lost all others, and tries those that it remembers. `closed`:
 * for good.
 */
export type PeerState = "unbound" | "alone" | "joining" | "ready" | "rejoining" | "closed";

/** The state of a peer that is bound. */
export function stateOf({ attachedTo, leaves, standing, successor }: LocalNode): PeerState {
	switch (standing) {
		case "outside":
			return "alone";
		case "joining":
			return "joining";
		case "leaf":
			return attachedTo.length === 0 ? "rejoining" : "ready";
		case "member":
			return successor === undefined && leaves.length === 0 ? "rejoining" : "ready";
		default:
			return standing satisfies never;
	}
}
