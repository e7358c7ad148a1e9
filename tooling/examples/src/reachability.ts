// A peer that finds out by itself how others reach it.
import { SwarmPeer } from "@cicada/swarmlib";

const friend = await new SwarmPeer().bind("127.0.0.1", 0);

// #region auto
// On a machine at home, bind to "". A router is asked for a port, where there is one.
const peer = await new SwarmPeer().bind("127.0.0.1", 0, { nat: "auto" });
await peer.connect(friend.listener);

// "direct", "mapped", or "leaf" when no other peer could dial it. It takes part in any case.
const { state, reason, evidence } = peer.reachability;
console.log(state);
// #endregion

console.log(reason.replaceAll(/\d+/g, "n"));
console.log(`${evidence.length} things were seen`);
await Promise.all([friend.close(), peer.close()]);
