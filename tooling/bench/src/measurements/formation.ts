import type { LocalNode } from "@cicada/chordlib";

import type { Measurement } from "../measurement.ts";
import { closeAll, form } from "../ring.ts";

/** What 64 nodes may take. */
const BOUND = 5;

/** How long it takes until many nodes are one ring. */
export const formation: Measurement = {
	name: "formation",
	about:
		"From the first listen until every node's lookup of every node's id answers that node. All nodes are in this process and join at once, each through a random earlier one, over TCP on loopback; sealed, and then in clear.",
	async run({ nodes: size }) {
		const open: LocalNode[] = [];
		try {
			const cpu = process.cpuUsage();
			const sealed = await form(size);
			const { user, system } = process.cpuUsage(cpu);
			open.push(...sealed.nodes);
			await closeAll(open.splice(0));
			const clear = await form(size, { encryption: "off" });
			open.push(...clear.nodes);
			return [
				{ name: "all joined", value: sealed.joined, unit: "s" },
				{ name: "every lookup right", value: sealed.right, unit: "s", bound: BOUND },
				{ name: "processor time until then", value: (user + system) / 1e6, unit: "s" },
				{ name: "sweeps until then", value: sealed.sweeps, unit: "" },
				{ name: "in clear, every lookup right", value: clear.right, unit: "s" },
				{
					name: "sealed / in clear",
					value: sealed.right / clear.right,
					unit: "",
					aim: { most: 3 },
				},
			];
		} finally {
			await closeAll(open);
		}
	},
};
