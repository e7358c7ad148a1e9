// Two peers behind routers, which nobody can dial, and two that anybody can: on a simulated network.
import { type SimHost, Simulation, uniform } from "@cicada/simnet";
import { SwarmPeer } from "@cicada/swarmlib";

const simulation = new Simulation({ seed: 5, latency: uniform(10, 50) });

const start = async (host: SimHost): Promise<SwarmPeer> => {
	// These routers map no ports. Without `mapPort`, a real one would be asked.
	const mapPort = async (): Promise<never> => {
		throw new Error("the router does not do that");
	};
	const peer = new SwarmPeer({ ports: host, mapPort });
	return peer.bind(host.ip, 7000, { nat: "auto" });
};

const swarm = async (): Promise<SwarmPeer[]> => {
	const [hub, other] = await Promise.all([
		start(simulation.host("in a data centre")),
		start(simulation.host("in another one")),
	]);
	await other.connect(hub.listener);
	const homes = ["ana's", "bob's"].map((whose) =>
		simulation.host(`${whose} laptop`, { nat: simulation.nat() }),
	);
	const peers = await Promise.all(homes.map(start));
	for (const peer of peers) await peer.connect(hub.listener);
	return [...peers, hub, other];
};

const peers = await simulation.runUntil(swarm());
const [ana, bob] = peers as [SwarmPeer, SwarmPeer];
console.log(ana.reachability.state, bob.reachability.state); // leaf leaf

// Neither can dial the other. What they send crosses a peer that both have a link to.
const { hops } = await simulation.runUntil(ana.send(bob.hash, "hello"));
const { source, data } = await bob.recv();
console.log(`over ${hops} links: ${new TextDecoder().decode(data)}`); // over 2 links: hello
console.log(source.hash.equals(ana.hash), source.address); // true undefined

await simulation.runUntil(Promise.all(peers.map((peer) => peer.close())));
