import { type SimHost, Simulation } from "@cicada/simnet";
import { type Hash, SwarmError, SwarmPeer } from "@cicada/swarmlib";

import { NETWORKS, type NetworkName } from "../latency.ts";

/** One broadcast in one swarm: plain JSON. */
export interface Trial {
	readonly seed: number;
	readonly nodes: number;
	readonly successors: number;
	readonly latency: NetworkName;
	/** Of the peers so many per cent crash: half of them just before it, half while it spreads. */
	readonly crashed: number;
	/** Whether some peers are left out. */
	readonly excluding: boolean;
}

/** How it went: plain JSON. */
export interface Outcome {
	readonly trial: Trial;
	/** Peers that lived throughout and were not left out, and how many of them got it. */
	readonly live: number;
	readonly got: number;
	/** Peers that got it twice, or were left out and got it. */
	readonly wrong: number;
	/** What the sender was told, and how many got it, those that crashed afterwards included. */
	readonly reached: number;
	readonly taken: number;
	/** Packets with the payload. */
	readonly payloads: number;
	/** Milliseconds until the sender was told, and until the last had got it. */
	readonly took: number;
	readonly last: number;
	readonly realMs: number;
}

const PORT = 7_000;
/** Milliseconds between two who join, and until the ring is at rest after the last. */
const APART = 20;
const REST = 30_000;
/** Bytes of the payload; no other packet is so large. */
const PAYLOAD = 16_384;
/** Milliseconds within which those crash who crash while it spreads. */
const SPREADING = 1_500;
const TIMEOUT = 120_000;
/** Of the peers, one in so many is left out in a run of neighbours, and as many here and there. */
const LEFT_OUT = 20;

interface Member {
	readonly peer: SwarmPeer;
	readonly host: SimHost;
	got: number;
}

export async function runTrial(trial: Trial): Promise<Outcome> {
	const started = performance.now();
	const { seed, nodes, crashed, excluding } = trial;
	const simulation = new Simulation({ seed, latency: NETWORKS[trial.latency].model() });
	const { random } = simulation;
	let payloads = 0;
	let last = 0;
	const members = await grow(simulation, trial, {
		sent: (bytes) => {
			if (bytes >= PAYLOAD) payloads++;
		},
		received: () => {
			last = simulation.now;
		},
	});
	const [from, ...others] = members.toSorted(() => random.next() - 0.5) as [Member, ...Member[]];
	const left = excluding ? leftOut(from, others) : [];
	const victims = others.slice(0, Math.round((nodes * crashed) / 100));
	const began = simulation.now;
	for (const [index, { host }] of victims.entries()) {
		const at = index % 2 === 0 ? began : began + random.next() * SPREADING;
		const silent = random.next() < 0.5;
		simulation.schedule(at, () => {
			host.crash({ silent });
		});
	}
	simulation.advance(0);
	payloads = 0;
	const visited = left.map(({ peer }) => peer.hash);
	const reached = await simulation.runUntil(broadcast(from.peer, visited), { limit: 2 * TIMEOUT });
	const took = simulation.now - began;
	const wanted = others.filter((member) => !victims.includes(member) && !left.includes(member));
	const wrong = members.filter((member) => member.got > (left.includes(member) ? 0 : 1)).length;
	const outcome = {
		trial,
		live: wanted.length,
		got: wanted.filter(({ got }) => got > 0).length,
		wrong: wrong + from.got,
		reached,
		taken: others.filter(({ got }) => got > 0).length,
		payloads,
		took,
		last: last - began,
		realMs: performance.now() - started,
	};
	return outcome;
}

/** Peers that join one after the other, each through one that is there. */
async function grow(
	simulation: Simulation,
	{ nodes, successors }: Trial,
	watch: { readonly sent: (bytes: number) => void; readonly received: () => void },
): Promise<Member[]> {
	const members: Member[] = [];
	const joins: Promise<void>[] = [];
	const { random } = simulation;
	for (let index = 0; index < nodes; index++) {
		const host = simulation.host(`n${index}`);
		const peer = new SwarmPeer({
			ports: host,
			successors,
			hooks: {
				send: (_link, packet) => {
					watch.sent(packet.length);
				},
				recv: () => {
					member.got++;
					watch.received();
				},
			},
		});
		const member: Member = { peer, host, got: 0 };
		const through = members[Math.floor(random.next() * members.length)];
		await simulation.runUntil(peer.bind(host.ip, PORT).then(() => {}));
		if (through !== undefined) joins.push(join(simulation, peer, through.peer));
		members.push(member);
		await simulation.run(APART);
	}
	await simulation.runUntil(Promise.all(joins), { limit: 600_000 });
	await simulation.run(REST);
	return members;
}

/** A swarm that is growing is busy at times. */
async function join(simulation: Simulation, peer: SwarmPeer, through: SwarmPeer): Promise<void> {
	for (;;) {
		try {
			await peer.connect(through.listener);
			return;
		} catch {
			await new Promise<void>((resolve) => {
				simulation.schedule(simulation.now + 1_000, resolve);
			});
		}
	}
}

/** What the sender is told at the end, whether it resolves or not. */
async function broadcast(peer: SwarmPeer, visited: readonly Hash[]): Promise<number> {
	try {
		const data = new Uint8Array(PAYLOAD);
		return (await peer.broadcast(data, { visited, timeout: TIMEOUT })).reached;
	} catch (error) {
		if (error instanceof SwarmError && error.reached !== undefined) return error.reached;
		throw error;
	}
}

/** A run of neighbours somewhere, and some here and there. */
function leftOut({ peer: { hash } }: Member, others: readonly Member[]): Member[] {
	const clockwise = others.toSorted((a, b) =>
		hash.distanceTo(a.peer.hash) < hash.distanceTo(b.peer.hash) ? -1 : 1,
	);
	const count = Math.ceil(others.length / LEFT_OUT);
	const run = clockwise.slice(3 * count, 4 * count);
	const scattered = clockwise.filter((_, index) => index % LEFT_OUT === 1);
	return [...new Set([...run, ...scattered])];
}
