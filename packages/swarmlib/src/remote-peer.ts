import type { Address, Hash, PeerLink, RemoteNode } from "@cicada/chordlib";

/** Another peer of the swarm. */
export interface RemotePeer {
	readonly hash: Hash;
	/** Where it can be dialled; `undefined` when it cannot. */
	readonly address: Address | undefined;
	/** True when its key is proven for its id. No peer proves a key in this version, so never true yet. */
	readonly verified: boolean;
}

/** A link as hooks see it. */
export interface PeerSocket {
	/** Who is at the other end; `undefined` until it has said so. */
	readonly peer: RemotePeer | undefined;
	readonly local: Address;
	readonly remote: Address;
}

export function remotePeer({ hash, address }: RemoteNode): RemotePeer {
	return { hash, address: address.port === 0 ? undefined : address, verified: false };
}

export function peerSocket({ peer, local, remote }: PeerLink): PeerSocket {
	return { peer: peer && remotePeer(peer), local, remote };
}
