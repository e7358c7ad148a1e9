// A swarm that only those enter who know its secret, of peers whose ids are the hashes of their keys.
import { SwarmError, SwarmPeer } from "@cicada/swarmlib";

// Make it once, with `cicada keygen --secret`, and give it to all peers: in a file, or in the environment.
const secret = crypto.getRandomValues(new Uint8Array(32));

// With `identityFile` besides, a peer is the same one after a restart.
const start = (): Promise<SwarmPeer> =>
	new SwarmPeer({ network: { id: "example.org/club", secret }, identity: "key" }).bind(
		"127.0.0.1",
		0,
	);
const gate = await start();
const keeper = await start();
await keeper.connect(gate.listener);

// Who does not know the secret is refused, and hears no more than that.
const stranger = await new SwarmPeer({ network: "example.org/club" }).bind("127.0.0.1", 0);
try {
	await stranger.connect(gate.listener);
} catch (error) {
	if (error instanceof SwarmError) console.log(error.code); // INCOMPATIBLE
}

// Among members, an id says who may do what. Another peer cannot have it without the key.
const mayOpen = new Set([keeper.hash.toString()]);
gate.onRequest(({ source }) => (mayOpen.has(source.hash.toString()) ? "it is open" : "no"));
const { data } = await keeper.request(gate, "open");
console.log(new TextDecoder().decode(data)); // it is open

await Promise.all([gate, keeper, stranger].map((peer) => peer.close()));
