// A swarm in virtual time: ten peers, three crash, and a broadcast reaches all the others.
import { Simulation, uniform } from "@cicada/simnet";
import { SwarmPeer } from "@cicada/swarmlib";

const simulation = new Simulation({ seed: 7, latency: uniform(10, 50) });

// A host is what a peer takes as its ports: a clock, chance, and a network.
const start = async (name: string): Promise<SwarmPeer> => {
	const host = simulation.host(name);
	return new SwarmPeer({ ports: host }).bind(host.ip, 7000);
};

const swarm = async (): Promise<SwarmPeer> => {
	const first = await start("peer 0");
	for (let count = 1; count < 10; count++) {
		const peer = await start(`peer ${count}`);
		await peer.connect(first.listener);
	}
	return first;
};

const first = await simulation.runUntil(swarm());
for (const host of simulation.hosts.slice(4, 7)) host.crash({ silent: true });

// A minute passes at once. By then the ring has closed around the dead.
await simulation.run(60_000);
const { reached } = await simulation.runUntil(first.broadcast("still here?"));
console.log(`${reached} peers have it`);
