import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SwarmError, SwarmPeer, loadTrustedHosts, parseTrustedHosts } from "@cicada/swarmlib";

const directory = await mkdtemp(join(tmpdir(), "cicada-"));
const file = join(directory, "trusted.json");
const bob = await new SwarmPeer().bind("127.0.0.1", 0);
const address = `127.0.0.1:${bob.listener.port}`;
// #region trusted-hosts
// The file is yours to write, with long random keys; nobody else may read it.
const list = {
	trusted_hosts: [{ address, outbound_key: "to Bob: 9f2c…", inbound_key: "from Bob: 41d8…" }],
};
await writeFile(file, JSON.stringify(list), { mode: 0o600 });

const trustedHosts = await loadTrustedHosts(file);
const alice = await new SwarmPeer({ trustedHosts }).bind("127.0.0.1", 0);
await alice.connect(bob.listener);

// Bob has no such list: Alice does not talk to him without these keys, and is told why.
const error: unknown = await alice.send(bob, "hello").catch((error: unknown) => error);
console.log(error instanceof SwarmError && error.code); // TRUST_MISMATCH
// #endregion
// A list that comes from elsewhere than a file.
console.log(parseTrustedHosts(JSON.stringify(list)).length); // 1
await Promise.all([alice.close(), bob.close()]);
await rm(directory, { recursive: true });
