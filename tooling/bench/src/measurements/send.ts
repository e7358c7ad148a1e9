import { SwarmPeer } from "@cicada/swarmlib";

import { Floor } from "../floor.ts";
import { CONCURRENCY, PAYLOAD, againstFloor, perSecond } from "../load.ts";
import type { Measurement } from "../measurement.ts";
import { closeAll } from "../ring.ts";

/** Takes messages as they come, until the peer is closed. */
async function drain(peer: SwarmPeer): Promise<number> {
	let taken = 0;
	for await (const message of peer) taken += message.data.length > 0 ? 1 : 0;
	return taken;
}

/** How fast one peer sends to another. */
export const send: Measurement = {
	name: "send",
	about: `Messages of ${PAYLOAD} bytes from one peer to its neighbour, each acknowledged by the target, both peers in this process; one at a time, and ${CONCURRENCY} at once. The floor is an echo over a plain node:net socket.`,
	async run({ operations }) {
		const sender = await new SwarmPeer().bind("127.0.0.1", 0);
		const target = await new SwarmPeer().bind("127.0.0.1", 0);
		const floor = await Floor.open();
		const taken = drain(target);
		try {
			await target.connect(sender.listener);
			const data = new Uint8Array(PAYLOAD);
			await sender.send(target, data);
			const one = await perSecond(operations, 1, () => sender.send(target, data));
			const oneFloor = await perSecond(operations, 1, () => floor.roundTrip());
			const many = await perSecond(operations, CONCURRENCY, () => sender.send(target, data));
			const manyFloor = await perSecond(operations, CONCURRENCY, () => floor.roundTrip());
			return againstFloor(one, oneFloor, many, manyFloor);
		} finally {
			floor.close();
			await closeAll([sender, target]);
			await taken;
		}
	},
};
