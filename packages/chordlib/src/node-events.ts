import type { PeerLink } from "./connection.ts";
import type { Contact, RemoteNode } from "./contact.ts";
import type { CoreEvents } from "./core.ts";
import { type Events, guard } from "./events.ts";
import type { Hash } from "./hash.ts";
import type { Pointers, Standing } from "./ring/state.ts";

/** Functions that watch. One that throws is reported as an `error` event. */
export interface NodeHooks {
	/** Every packet that is sent, the ring's own included. It is a view, that holds until this returns: keep a copy. */
	send(link: PeerLink, packet: Uint8Array): void;
}

/** The keys that a node owns: clockwise from `after`, not included, to `to`. */
export interface Arc {
	/** The last id before it. */
	readonly after: Hash;
	/** Its last id. */
	readonly to: Hash;
}

/** What {@link LocalNode.on} tells of, by type. */
export interface NodeEvents {
	/** A link is ready; `accepted` when the other end dialled. */
	link: { link: PeerLink; peer: RemoteNode; accepted: boolean };
	/** The link to a peer is gone. */
	unlink: { peer: RemoteNode };
	/** The node has come into a ring or is out of it. */
	standing: Standing;
	/** The neighbours are not the same as before; those of a leaf are the members that it is attached to. */
	pointers: { predecessor: RemoteNode | undefined; successors: readonly RemoteNode[] };
	/** Another arc of keys is this node's; `undefined` while it is not known where the arc starts. */
	arc: { before: Arc | undefined; now: Arc | undefined };
	/** A handler, hook or listener of yours failed. */
	error: unknown;
}

/** What goes on inside the node `hash`, as events and calls of hooks. */
export function announcing(
	hash: Hash,
	pointers: () => Pointers,
	events: Events<NodeEvents>,
	{ send }: Partial<NodeHooks>,
): CoreEvents {
	const arc = (predecessor: Contact | undefined): Arc | undefined =>
		predecessor && { after: predecessor.hash, to: hash };
	const failed = (error: unknown): void => {
		events.emit("error", error);
	};
	return {
		link: (link, peer) => {
			events.emit("link", { link, peer, accepted: !link.dialled });
		},
		unlink: (peer) => {
			events.emit("unlink", { peer });
		},
		standing: (now) => {
			events.emit("standing", now);
		},
		pointers: (before) => {
			const { predecessor, successors } = pointers();
			events.emit("pointers", { predecessor, successors });
			if (before.predecessor?.id === predecessor?.id) return;
			events.emit("arc", { before: arc(before.predecessor), now: arc(predecessor) });
		},
		sent:
			send &&
			((link, packet) => {
				guard(() => send(link, packet), failed);
			}),
		failed,
	};
}
