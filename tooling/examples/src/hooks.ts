// Watching what a peer does.
import { SwarmPeer } from "@cicada/swarmlib";

// #region hooks
const text = new TextDecoder();
let bytesSent = 0;

const watched = new SwarmPeer({
	hooks: {
		// Every packet, the ring's own traffic included.
		send: (_link, packet) => (bytesSent += packet.length),
		// Every complete application message, before `recv` gives it out.
		recv: (_source, data) => console.log(`heard ${text.decode(data)}`),
		// Every peer that dials this one.
		newPeer: ({ remote }) => console.log(`a peer came from ${remote.host}`),
	},
});
watched.on("peerGone", () => console.log("a peer is gone"));
watched.on("error", (error) => console.error("a hook or a listener failed", error));
// #endregion

await watched.bind("127.0.0.1", 0);
const other = await new SwarmPeer().bind("127.0.0.1", 0);
await other.connect(watched.listener);
await other.send(watched, "hello");

const gone = new Promise((resolve) => watched.on("peerGone", resolve));
await other.close();
await gone;
await watched.close();
console.log(`sent something: ${bytesSent > 0}`);
