// Two peers, and a message from one to the other.
import assert from "node:assert/strict";

import { SwarmPeer } from "@cicada/swarmlib";

const first = await new SwarmPeer().bind("127.0.0.1", 0);
const second = await new SwarmPeer().bind("127.0.0.1", 0);
await second.connect(first.listener.host, first.listener.port);
const receipt = await second.send(first, "hello");
assert.equal(receipt.hops, 1);
const { source, data } = await first.recv({ timeout: 5000 });
assert.equal(new TextDecoder().decode(data), "hello");
assert.ok(source.hash.equals(second.hash));
await Promise.all([first.close(), second.close()]);
