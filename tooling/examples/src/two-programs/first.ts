import { SwarmPeer } from "@cicada/swarmlib";

// The first peer of a swarm waits at a port, and answers who writes to it.
const peer = await new SwarmPeer().bind("127.0.0.1", 17620);
console.log("waiting");
const { source, data } = await peer.recv();
console.log(`heard: ${new TextDecoder().decode(data)}`);
await peer.send(source, "hello, second");
await peer.close();
