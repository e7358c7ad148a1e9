import { SwarmPeer } from "@cicada/swarmlib";

import { PAYLOAD } from "../load.ts";
import type { Measurement } from "../measurement.ts";
import { closeAll } from "../ring.ts";
import { quantile } from "../statistics.ts";

/** How long it takes to tell everyone. */
export const broadcast: Measurement = {
	name: "broadcast",
	about:
		"Messages of 64 bytes to all peers of a swarm, all in this process: milliseconds until the last one has it, and until the origin knows. Peers as shipped, right after they have connected.",
	once: true,
	async run({ nodes: size, operations }) {
		const peers: SwarmPeer[] = [];
		try {
			for (let index = 0; index < size; index++) {
				const peer = await new SwarmPeer().bind("127.0.0.1", 0);
				const [through] = peers;
				if (through !== undefined) await peer.connect(through.listener);
				peers.push(peer);
			}
			const [origin, ...others] = peers;
			if (origin === undefined) throw new Error("nobody is there");
			const last: number[] = [];
			const known: number[] = [];
			let reached = 0;
			const rounds = Math.max(1, Math.min(50, operations / 100));
			for (let round = 0; round < rounds; round++) {
				const started = performance.now();
				const told = Promise.all(others.map((peer) => peer.recv({ timeout: 10_000 })));
				const report = origin.broadcast(new Uint8Array(PAYLOAD));
				await told;
				last.push(performance.now() - started);
				reached += (await report).reached / others.length;
				known.push(performance.now() - started);
			}
			return [
				{ name: "the last has it, p50", value: quantile(last, 0.5), unit: "ms", aim: { most: 20 } },
				{ name: "the last has it, p99", value: quantile(last, 0.99), unit: "ms" },
				{ name: "the origin knows, p50", value: quantile(known, 0.5), unit: "ms" },
				{ name: "reached, of all others", value: reached / rounds, unit: "" },
			];
		} finally {
			await closeAll(peers);
		}
	},
};
