import type { LocalNodeOptions } from "@cicada/chordlib";

import type { Measurement } from "../measurement.ts";
import { closeAll, form } from "../ring.ts";

/** What 64 nodes may take. */
const BOUND = 5;

/** A ring of so many nodes, closed again: when it was right, and seconds of the processor until then. */
async function formed(
	size: number,
	options: LocalNodeOptions,
): Promise<Omit<Awaited<ReturnType<typeof form>>, "nodes"> & { readonly cpu: number }> {
	const before = process.cpuUsage();
	const { nodes, ...times } = await form(size, options);
	const { user, system } = process.cpuUsage(before);
	await closeAll(nodes);
	return { ...times, cpu: (user + system) / 1e6 };
}

/** How long it takes until many nodes are one ring. */
export const formation: Measurement = {
	name: "formation",
	about:
		"From the first listen until every node's lookup of every node's id answers that node. All nodes are in this process and join at once, each through a random earlier one, over TCP on loopback; sealed, and then in clear.",
	async run({ nodes: size }) {
		const sealed = await formed(size, {});
		const clear = await formed(size, { encryption: "off" });
		const most = 3;
		return [
			{ name: "all joined", value: sealed.joined, unit: "s" },
			{ name: "every lookup right", value: sealed.right, unit: "s", bound: BOUND },
			{ name: "processor time until then", value: sealed.cpu, unit: "s" },
			{ name: "sweeps until then", value: sealed.sweeps, unit: "" },
			{ name: "in clear, every lookup right", value: clear.right, unit: "s" },
			{ name: "in clear, processor time", value: clear.cpu, unit: "s" },
			{ name: "sealed / in clear", value: sealed.right / clear.right, unit: "", aim: { most } },
			{ name: "the same, processor time", value: sealed.cpu / clear.cpu, unit: "", aim: { most } },
		];
	},
};
