// A limit that is set, and whether it was met.
import { type SwarmLimit, SwarmPeer } from "@cicada/swarmlib";

const peer = await new SwarmPeer({ inbox: { messages: 1 } }).bind("127.0.0.1", 0);
const limit: SwarmLimit = "inbox.messages";

await peer.send(peer, "one");
console.log(peer.stats.reached[limit] > 0); // false

// There is no room for a second message until the first is received.
await peer.send(peer, "two", { timeout: 50 }).catch(() => {});
console.log(peer.stats.reached[limit] > 0); // true

await peer.close();
