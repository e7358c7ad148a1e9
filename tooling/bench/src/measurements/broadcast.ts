import { SwarmPeer } from "@cicada/swarmlib";

import { PAYLOAD } from "../load.ts";
import type { Figure, Measurement } from "../measurement.ts";
import { chance, closeAll } from "../ring.ts";
import { quantile } from "../statistics.ts";

/** How long it takes to tell everyone. */
export const broadcast: Measurement = {
	name: "broadcast",
	about:
		"Messages of 64 bytes to all peers of a swarm, all in this process: milliseconds until the last one has it, and until the origin knows; processor time of all peers together. Peers as shipped, right after they have connected.",
	once: true,
	async run({ nodes: size, operations }) {
		const swarm = new Swarm();
		try {
			const [origin, ...others] = await swarm.grow(size);
			if (origin === undefined) throw new Error("nobody is there");
			const rounds = Math.max(1, Math.min(50, operations / 100));
			return await tell(swarm, origin, others, rounds);
		} finally {
			await closeAll(swarm.peers);
		}
	},
};

/** Peers in one process, and how often a payload went out over any of their links. */
class Swarm {
	readonly peers: SwarmPeer[] = [];
	/** Bytes that nothing else contains. */
	readonly payload: Buffer = randomBytes(PAYLOAD);
	payloads = 0;

	async grow(size: number): Promise<readonly SwarmPeer[]> {
		const send = (_link: unknown, packet: Uint8Array): void => {
			if (Buffer.from(packet.buffer, packet.byteOffset, packet.length).includes(this.payload)) {
				this.payloads++;
			}
		};
		while (this.peers.length < size) {
			const peer = await new SwarmPeer({ hooks: { send } }).bind("127.0.0.1", 0);
			const [through] = this.peers;
			this.peers.push(peer);
			if (through !== undefined) await peer.connect(through.listener);
		}
		return this.peers;
	}
}

async function tell(
	swarm: Swarm,
	origin: SwarmPeer,
	others: readonly SwarmPeer[],
	rounds: number,
): Promise<readonly Figure[]> {
	const last: number[] = [];
	const known: number[] = [];
	let reached = 0;
	const cpu = process.cpuUsage();
	for (let round = 0; round < rounds; round++) {
		const started = performance.now();
		const told = Promise.all(others.map((peer) => peer.recv({ timeout: 10_000 })));
		const report = origin.broadcast(swarm.payload);
		await told;
		last.push(performance.now() - started);
		reached += (await report).reached / others.length;
		known.push(performance.now() - started);
	}
	const { user, system } = process.cpuUsage(cpu);
	const payloads = swarm.payloads / others.length / rounds;
	return [
		{ name: "the last has it, p50", value: quantile(last, 0.5), unit: "ms", aim: { most: 20 } },
		{ name: "the last has it, p99", value: quantile(last, 0.99), unit: "ms" },
		{ name: "the origin knows, p50", value: quantile(known, 0.5), unit: "ms" },
		{ name: "processor time of one", value: (user + system) / 1e3 / rounds, unit: "ms" },
		{ name: "reached, of all others", value: reached / rounds, unit: "" },
		{ name: "payloads, for each other peer", value: payloads, unit: "", aim: { most: 1.01 } },
	];
}

function randomBytes(length: number): Buffer {
	const random = chance(3);
	return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}
