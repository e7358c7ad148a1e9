// Ways into a swarm, and out of it.
import { SwarmPeer } from "@cicada/swarmlib";

const first = await new SwarmPeer({ network: "chess" }).bind("127.0.0.1", 0);
const nobody = { host: "127.0.0.1", port: 1 };

// #region connect
// Peers that belong together give the same name. Port 0 is any free port.
const peer = await new SwarmPeer({ network: "chess" }).bind("127.0.0.1", 0);

// Any peer of the swarm will do; of several addresses, the first that answers.
await peer.connect([nobody, first.listener], { timeout: 5_000 });
console.log(`links to ${peer.peers.length} peer`);

// Leaves the swarm. The peer stays bound, keeps its inbox and its id, and can come back.
await peer.disconnect();
await peer.connect(first.listener.host, first.listener.port);
// #endregion

await Promise.all([first.close(), peer.close()]);
