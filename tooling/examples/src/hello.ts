import { SwarmPeer } from "@cicada/swarmlib";

const alice = await new SwarmPeer().bind("127.0.0.1", 0);
const bob = await new SwarmPeer().bind("127.0.0.1", 0);
await bob.connect(alice.listener);

await bob.send(alice.listener, "hello");
const { source, data } = await alice.recv();
console.log(new TextDecoder().decode(data)); // hello
console.log(source.hash.equals(bob.hash)); // true

await Promise.all([alice.close(), bob.close()]);
