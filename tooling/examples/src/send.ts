// What can be named as a target, and what a send tells when it is done.
import { Hash, SwarmPeer } from "@cicada/swarmlib";

const alice = await new SwarmPeer().bind("127.0.0.1", 0);
const bob = await new SwarmPeer().bind("127.0.0.1", 0);
await bob.connect(alice.listener);
const { host, port } = alice.listener;

// #region send
// An address, as the target itself gives it; a host name does too.
await bob.send({ host, port }, "by address");
await bob.send(["localhost", port], "by name");

// An id. Where no peer has it, the message goes to the peer that is responsible for it.
await bob.send(alice.hash, "by id");
const { exact } = await bob.send(new Hash({ value: "some topic" }), "to whom it may concern");
console.log(`to that very id: ${exact}`);

// Bytes, with two extra copies by other routes, and five seconds for all of it.
const bytes = new Uint8Array([1, 2, 3]);
const { hops } = await bob.send(alice, bytes, { duplicates: 2, timeout: 5_000 });
console.log(`links that it crossed: ${hops}`);
// #endregion

await Promise.all([alice.close(), bob.close()]);
