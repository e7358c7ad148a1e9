import type { Address, Hash, PeerLink, RemoteNode } from "@cicada/chordlib";

/** Another peer of the swarm. */
export interface RemotePeer {
	/** Its id. */
	readonly hash: Hash;
	/** Where it can be dialled; `undefined` when it cannot. */
	readonly address: Address | undefined;
	/**
	 * True when it has shown that it has a key, over a link, in a session or by a signature, and that key is proven for its
	 * id: the id is the key's hash, or this peer has itself dialled the address that it is the hash of, and met that key.
	 * False for whom others name, and where encryption is off.
	 */
	readonly verified: boolean;
}

/** A link as hooks see it. */
export interface PeerSocket {
	/** Who is at the other end; `undefined` until it has said so. */
	readonly peer: RemotePeer | undefined;
	/** This end. */
	readonly local: Address;
	/** The other end, as this one sees it. */
	readonly remote: Address;
}

/** What is known of a node by others' word, unless `verified` says more. */
export function remotePeer({ hash, address }: RemoteNode, verified = false): RemotePeer {
	return { hash, address: address.port === 0 ? undefined : address, verified };
}

export function peerSocket({ peer, verified, local, remote }: PeerLink): PeerSocket {
	return { peer: peer && remotePeer(peer, verified), local, remote };
}
