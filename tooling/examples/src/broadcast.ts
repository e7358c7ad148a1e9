// One message to everyone.
import { SwarmPeer } from "@cicada/swarmlib";

const first = await new SwarmPeer().bind("127.0.0.1", 0);
const others: SwarmPeer[] = [];
for (let count = 1; count < 8; count++) {
	const peer = await new SwarmPeer().bind("127.0.0.1", 0);
	await peer.connect(first.listener);
	others.push(peer);
}

// #region broadcast
const { reached } = await first.broadcast("the bakery is open");
console.log(`${reached} peers have it`);

// Whoever is in `visited` is left out.
const [left] = others;
const visited = left ? [left.hash] : [];
const again = await first.broadcast("fresh bread", { visited });
console.log(`${again.reached} peers have it`);
// #endregion

console.log(others.map(({ pending }) => `${pending} waiting`).join(", "));
await Promise.all([first, ...others].map((peer) => peer.close()));
