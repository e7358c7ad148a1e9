import { Hash, LocalNode } from "@cicada/chordlib";
import { constant, Simulation } from "@cicada/simnet";

const simulation = new Simulation({ seed: 1, latency: constant(20) });

// A host has the ports that a node asks for: a clock, chance, and links to other hosts.
const start = async (name: string): Promise<LocalNode> => {
	const host = simulation.host(name);
	const address = { host: host.ip, port: 7000 };
	return new LocalNode(name, address, { ports: host }).listen();
};

const [first, second] = await Promise.all([start("first"), start("second")]);
await simulation.runUntil(second.joinRing(first.address));
const { node, hops } = await simulation.runUntil(second.lookup(new Hash({ value: "first" })));
console.log(`${node.address.host}, ${hops} hop away, after ${simulation.now} ms of virtual time`);
