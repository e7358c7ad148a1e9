import { SwarmPeer } from "@cicada/swarmlib";

// The second joins it, writes to it, and waits for the answer.
const peer = await new SwarmPeer().bind("127.0.0.1", 0);
await peer.connect("127.0.0.1", 17620);
await peer.send(["127.0.0.1", 17620], "hello, first");
const { data } = await peer.recv();
console.log(`heard: ${new TextDecoder().decode(data)}`);
await peer.close();
