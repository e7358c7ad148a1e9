import { SwarmPeer } from "@cicada/swarmlib";

const alice = await new SwarmPeer().bind("127.0.0.1", 0);
const bob = await new SwarmPeer().bind("127.0.0.1", 0);
await bob.connect(alice.listener);

await bob.send(alice, "hello");
const { source, data } = await alice.recv();
console.log(`${source.hash.toString()} says ${new TextDecoder().decode(data)}`);

await Promise.all([alice.close(), bob.close()]);
