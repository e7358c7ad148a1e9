// Makes much of a few peers on real sockets, closes them in the middle of everything, and then has to end by itself.
// Started by leaks.test.ts; runs what was built.
import { SwarmPeer } from "@cicada/swarmlib";

process.on("unhandledRejection", (error) => {
	console.error("unhandled:", error);
	process.exitCode = 1;
});

/** @type {SwarmPeer[]} */
const peers = [];
for (let i = 0; i < 6; i++) {
	const peer = await new SwarmPeer({ inbox: { messages: 5 }, successors: 2 }).bind("127.0.0.1", 0);
	const through = peers.at(-1);
	if (through) await peer.connect(through.listener);
	peers.push(peer);
}

/** @type {Map<string, number>} */
const ends = new Map();
/** @param {string} name @param {Promise<unknown>} promise */
const count = async (name, promise) => {
	const end = await promise.then(
		() => "done",
		(error) => error.code ?? error,
	);
	const key = `${name} ${end}`;
	ends.set(key, (ends.get(key) ?? 0) + 1);
};
/** @param {SwarmPeer} peer */
const iterate = async (peer) => {
	for await (const message of peer) if (message.data.length === 0) throw new Error("no data");
};

const all = [];
for (const peer of peers) {
	if (peer === peers[0]) all.push(count("iterate", iterate(peer)));
	for (const other of peers) {
		for (let i = 0; i < 20; i++) all.push(count("send", peer.send(other, "x".repeat(100_000))));
	}
	all.push(count("broadcast", peer.broadcast("x")));
	all.push(count("send", peer.send(["nobody.invalid", 7000], "x")));
	all.push(count("connect", new SwarmPeer().connect("127.0.0.1", 7000)));
}
const [first] = peers;
if (first) {
	const stop = new AbortController();
	all.push(count("aborted", first.send(["192.0.2.1", 7000], "x", { signal: stop.signal })));
	stop.abort("stopped");
}
const late = new SwarmPeer();
all.push(count("bind", late.bind("127.0.0.1", 0)), late.close());
await first?.recv();

await Promise.all(peers.map((peer) => peer.close()));
await Promise.all(all);
console.log(JSON.stringify(Object.fromEntries(ends)));

process.on("exit", () => {
	console.log(JSON.stringify(process.getActiveResourcesInfo()));
});
