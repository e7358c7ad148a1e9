import type { Measurement } from "../measurement.ts";
import { agreement, closeAll, join, listen } from "../ring.ts";

/** What 64 nodes may take. */
const BOUND = 5;

/** How long it takes until many nodes are one ring. */
export const formation: Measurement = {
	name: "formation",
	about:
		"From the first listen until every node's lookup of every node's id answers that node. All nodes are in this process and join at once, each through a random earlier one, over TCP on loopback.",
	async run({ nodes: size }) {
		const started = performance.now();
		const cpu = process.cpuUsage();
		const seconds = (): number => (performance.now() - started) / 1_000;
		const nodes = await Promise.all(Array.from({ length: size }, () => listen()));
		try {
			await join(nodes);
			const joined = seconds();
			const sweeps = await agreement(nodes);
			const right = seconds();
			const { user, system } = process.cpuUsage(cpu);
			return [
				{ name: "all joined", value: joined, unit: "s" },
				{ name: "every lookup right", value: right, unit: "s", bound: BOUND },
				{ name: "processor time until then", value: (user + system) / 1e6, unit: "s" },
				{ name: "sweeps until then", value: sweeps, unit: "" },
			];
		} finally {
			await closeAll(nodes);
		}
	},
};
