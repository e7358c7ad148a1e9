import { Hash } from "@cicada/chordlib";

import { Floor } from "../floor.ts";
import type { Measurement } from "../measurement.ts";
import { chance, closeAll, pick, ringAtRest } from "../ring.ts";
import { quantile } from "../statistics.ts";

/** How far and how long it is to the owner of a key. */
export const lookup: Measurement = {
	name: "lookup",
	about:
		"Recursive lookups of random keys from random nodes of a ring at rest, one after the other, and after each the echo of a plain node:net socket.",
	async run({ nodes: size, operations }) {
		const random = chance(2);
		const nodes = await ringAtRest(size);
		const floor = await Floor.open();
		try {
			const trips: number[] = [];
			const hops: number[] = [];
			const times: number[] = [];
			for (let index = 0; index < operations; index++) {
				const key = new Hash({ value: `key ${index}` });
				const asker = pick(nodes, random);
				const started = performance.now();
				const found = await asker.lookup(key);
				times.push(performance.now() - started);
				hops.push(found.hops);
				const asked = performance.now();
				await floor.roundTrip();
				trips.push(performance.now() - asked);
			}
			const trip = quantile(trips, 0.5);
			const [half, most] = [quantile(times, 0.5) / trip, quantile(times, 0.99) / trip];
			return [
				{ name: "hops, p50", value: quantile(hops, 0.5), unit: "" },
				{ name: "hops, p99", value: quantile(hops, 0.99), unit: "" },
				{ name: "time, p50", value: quantile(times, 0.5), unit: "ms" },
				{ name: "time, p99", value: quantile(times, 0.99), unit: "ms" },
				{ name: "loopback round trip, p50", value: trip, unit: "ms" },
				{ name: "p50, in round trips", value: half, unit: "", aim: { most: 10 } },
				{ name: "p99, in round trips", value: most, unit: "" },
			];
		} finally {
			floor.close();
			await closeAll(nodes);
		}
	},
};
