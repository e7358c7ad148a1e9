import {
	type Address,
	type Identity,
	LocalNode,
	type LocalNodeOptions,
	type Ports,
	formatAddress,
} from "@cicada/chordlib";

import type { Hooks } from "./hooks.ts";
import type { SwarmOptions } from "./options.ts";
import { peerSocket } from "./remote-peer.ts";

/** What a peer's node on the ring is made with, besides what the application asks for. */
export interface RingNodePorts {
	readonly ports: Ports;
	readonly identity: Identity;
	readonly hooks: Hooks;
	/** Whether its id is that of its key, rather than that of its address. */
	readonly keyed: boolean;
	readonly advertise: LocalNodeOptions["advertise"];
}

/** A peer's node on the ring, as the peer's options have it. @throws ChordError `INVALID_ARGUMENT` */
export function createRingNode(
	bind: Address,
	{ network, encryption, successors, limits, limitLocal }: SwarmOptions,
	{ ports, identity, hooks, keyed, advertise }: RingNodePorts,
): LocalNode {
	return new LocalNode(keyed ? identity.publicKey : formatAddress, bind, {
		ports,
		identity,
		proof: keyed || encryption !== "off" ? "id" : "off",
		...(network !== undefined && { network }),
		...(encryption !== undefined && { encryption }),
		...(successors !== undefined && { successors }),
		...(limits !== undefined && { limits }),
		...(limitLocal !== undefined && { limitLocal }),
		...(advertise && { advertise }),
		...(hooks.has("send") && {
			hooks: {
				send: (link, packet) => {
					// The hook may keep and change what it is given.
					hooks.call("send", peerSocket(link), new Uint8Array(packet));
				},
			},
		}),
	});
}
