import { Hash } from "@cicada/chordlib";

import type { Measurement } from "../measurement.ts";
import { chance, closeAll, pick, ringAtRest } from "../ring.ts";
import { quantile } from "../statistics.ts";

/** How far and how long it is to the owner of a key. */
export const lookup: Measurement = {
	name: "lookup",
	about:
		"Recursive lookups of random keys from random nodes of a ring at rest, one after the other.",
	async run({ nodes: size, operations }) {
		const random = chance(2);
		const nodes = await ringAtRest(size);
		try {
			const hops: number[] = [];
			const times: number[] = [];
			for (let index = 0; index < operations; index++) {
				const key = new Hash({ value: `key ${index}` });
				const asker = pick(nodes, random);
				const started = performance.now();
				const found = await asker.lookup(key);
				times.push(performance.now() - started);
				hops.push(found.hops);
			}
			return [
				{ name: "hops, p50", value: quantile(hops, 0.5), unit: "" },
				{ name: "hops, p99", value: quantile(hops, 0.99), unit: "" },
				{ name: "time, p50", value: quantile(times, 0.5), unit: "ms" },
				{ name: "time, p99", value: quantile(times, 0.99), unit: "ms" },
			];
		} finally {
			await closeAll(nodes);
		}
	},
};
