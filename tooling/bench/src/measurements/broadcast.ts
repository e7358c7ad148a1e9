import { setTimeout as delay } from "node:timers/promises";

import { Identity, systemCrypto, verifySignature } from "@cicada/chordlib";
import { type SwarmHooks, SwarmPeer } from "@cicada/swarmlib";

import { PAYLOAD } from "../load.ts";
import type { Figure, Measurement } from "../measurement.ts";
import { chance, closeAll } from "../ring.ts";
import { quantile } from "../statistics.ts";

/** Milliseconds until a swarm has opened the links that it wants. */
const REST = 10_000;

/** How long it takes to tell everyone. */
export const broadcast: Measurement = {
	name: "broadcast",
	about:
		"Messages of 64 bytes to all peers of a swarm, all in this process: milliseconds until the last one has it, and until the origin knows. Peers as shipped, right after they have connected, and once more when they have been left alone for ten seconds; processor time is that of all peers together. How often the payload is sent is counted in another swarm.",
	once: true,
	async run({ nodes: size, operations }) {
		const rounds = Math.max(1, Math.min(50, operations / 100));
		const trial = operations < 1_000;
		const figures = await inSwarm(size, {}, async (origin, others) => {
			const first = await tell(origin, others, rounds);
			await delay(trial ? 0 : REST);
			const rested = await tell(origin, others, rounds);
			return [...named("joined", first), ...named("rested", rested)];
		});
		const payloads = await countPayloads(size);
		return [
			...figures,
			{ name: "payloads, for each other peer", value: payloads, unit: "", aim: { most: 1.01 } },
		];
	},
};

function named(when: "joined" | "rested", figures: readonly Figure[]): Figure[] {
	return figures.map((figure) => ({ ...figure, name: `${when}: ${figure.name}` }));
}

/** Does something in a swarm of so many peers. */
async function inSwarm<T>(
	size: number,
	hooks: Partial<SwarmHooks>,
	run: (origin: SwarmPeer, others: readonly SwarmPeer[]) => Promise<T>,
): Promise<T> {
	const origin = await new SwarmPeer({ hooks }).bind("127.0.0.1", 0);
	const others: SwarmPeer[] = [];
	try {
		while (others.length + 1 < size) {
			const peer = await new SwarmPeer({ hooks }).bind("127.0.0.1", 0);
			others.push(peer);
			await peer.connect(origin.listener);
		}
		return await run(origin, others);
	} finally {
		await closeAll([origin, ...others]);
	}
}

async function tell(
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
		const report = origin.broadcast(new Uint8Array(PAYLOAD));
		await told;
		last.push(performance.now() - started);
		reached += (await report).reached / others.length;
		known.push(performance.now() - started);
	}
	const { user, system } = process.cpuUsage(cpu);
	const time = (user + system) / 1e3 / rounds;
	return [
		{ name: "the last has it, p50", value: quantile(last, 0.5), unit: "ms", aim: { most: 20 } },
		{ name: "the last has it, p99", value: quantile(last, 0.99), unit: "ms" },
		{ name: "the origin knows, p50", value: quantile(known, 0.5), unit: "ms" },
		{ name: "processor time of one", value: time, unit: "ms" },
		{ name: "in checks of a signature", value: time / timeOfCheck(), unit: "" },
		{ name: "reached, of all others", value: reached / rounds, unit: "" },
	];
}

/** Milliseconds of processor time that one check takes, of which a broadcast needs one for each peer. */
function timeOfCheck(): number {
	const identity = Identity.create();
	const { publicKey } = identity;
	const message = new Uint8Array(256);
	const signature = identity.sign("bench", message);
	const signed = { publicKey, purpose: "bench", message, signature };
	const checks = 500;
	const cpu = process.cpuUsage();
	for (let check = 0; check < checks; check++) verifySignature(systemCrypto, signed);
	const { user, system } = process.cpuUsage(cpu);
	return (user + system) / 1e3 / checks;
}

/** How often one payload goes out over any link, for each peer that is to have it. */
async function countPayloads(size: number): Promise<number> {
	const random = chance(3);
	// Bytes that nothing else contains.
	const payload = Buffer.from(Array.from({ length: PAYLOAD }, () => Math.floor(random() * 256)));
	let sent = 0;
	const send = (_link: unknown, packet: Uint8Array): void => {
		if (Buffer.from(packet.buffer, packet.byteOffset, packet.length).includes(payload)) sent++;
	};
	await inSwarm(size, { send }, (origin) => origin.broadcast(payload));
	return sent / (size - 1);
}
