import type { Hash, LocalNode, RemoteNode } from "@cicada/chordlib";

/**
 * Neighbours by way of whom a copy for `target` can go, the nearest before it first; not the very nearest, which is on
 * the usual route. `skip` begins so many further on, and comes round, so that repeated attempts take fresh routes.
 */
export function detours(node: LocalNode, target: Hash, skip: number): RemoteNode[] {
	const all = node.peers
		.filter(({ hash }) => !hash.equals(target))
		.map((peer) => ({ peer, distance: peer.hash.distanceTo(target) }))
		.toSorted((a, b) => (a.distance < b.distance ? -1 : 1))
		.slice(1)
		.map(({ peer }) => peer);
	const from = all.length === 0 ? 0 : skip % all.length;
	return [...all.slice(from), ...all.slice(0, from)];
}
