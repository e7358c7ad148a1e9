import { bytes, defineRequest } from "@cicada/chordlib";

import { Floor } from "../floor.ts";
import { CONCURRENCY, PAYLOAD, againstFloor, perSecond } from "../load.ts";
import type { Measurement } from "../measurement.ts";
import { closeAll, ringAtRest } from "../ring.ts";

const echo = defineRequest("cicada/bench/1/echo", {
	request: bytes(PAYLOAD),
	response: bytes(PAYLOAD),
});

/** How fast two nodes ask each other. */
export const request: Measurement = {
	name: "request",
	about: `Requests of ${PAYLOAD} bytes and their answers over one link, both ends in this process; one at a time, and ${CONCURRENCY} at once. The floor is the same over a plain node:net socket.`,
	async run({ operations }) {
		const nodes = await ringAtRest(2);
		const floor = await Floor.open();
		try {
			const [asker, answerer] = nodes;
			if (asker === undefined || answerer === undefined) throw new Error("two nodes are needed");
			answerer.handle(echo, (value) => value);
			const value = new Uint8Array(PAYLOAD);
			const one = await perSecond(operations, 1, () => asker.request(answerer, echo, value));
			const oneFloor = await perSecond(operations, 1, () => floor.roundTrip());
			const many = await perSecond(operations, CONCURRENCY, () =>
				asker.request(answerer, echo, value),
			);
			const manyFloor = await perSecond(operations, CONCURRENCY, () => floor.roundTrip());
			return againstFloor(one, oneFloor, many, manyFloor);
		} finally {
			floor.close();
			await closeAll(nodes);
		}
	},
};
