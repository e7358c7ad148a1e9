import { setTimeout as delay } from "node:timers/promises";

import type { Measurement } from "../measurement.ts";
import { closeAll, ringAtRest } from "../ring.ts";

/** Milliseconds for which a ring is left alone. */
const WATCHED = 10_000;

/** What a node takes of a processor when nobody wants anything. */
export const idle: Measurement = {
	name: "idle",
	about:
		"Processor time of a ring in which nothing happens, over ten seconds, shared out among its nodes: all that is done is to look after the ring. Pace and all else as shipped; measured once the ring has had 40 seconds to come to rest.",
	once: true,
	async run({ nodes: size, operations }) {
		// So few operations are a trial of the program: not the time to wait for rest.
		const trial = operations < 1_000;
		const nodes = await ringAtRest(size, {});
		try {
			await delay(trial ? 0 : 4 * WATCHED);
			const cpu = process.cpuUsage();
			await delay(trial ? WATCHED / 100 : WATCHED);
			const { user, system } = process.cpuUsage(cpu);
			return [
				{
					name: "a node, in 10 s",
					value: (user + system) / 1e3 / size,
					unit: "ms",
					aim: { most: 1 },
				},
				{
					name: "links, a node",
					value: nodes.reduce((sum, { peers }) => sum + peers.length, 0) / size,
					unit: "",
				},
			];
		} finally {
			await closeAll(nodes);
		}
	},
};
