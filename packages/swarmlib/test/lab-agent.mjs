// What the lab runs on its machines: one peer, asked over its input.
import { serve } from "@cicada/natlab";
import { Hash, SwarmPeer } from "@cicada/swarmlib";

const peer = new SwarmPeer({ successors: 4 });
const text = new TextDecoder();

serve({
	/** @type {(host: string, port: number, external?: any) => Promise<object>} */
	bind: async (host, port, external) => {
		await peer.bind(host, port, external);
		return { hash: peer.hash.toString(), address: peer.address };
	},
	/** @type {(host: string, port: number) => Promise<object>} */
	connect: async (host, port) => {
		await peer.connect(host, port, { timeout: 20_000 });
		return peer.reachability;
	},
	/** Sends over links of the ring only. @type {(hash: string, data: string) => Promise<boolean>} */
	send: async (hash, data) => {
		const target = new Hash({ hashed: hash });
		const { exact } = await peer.send(target, data, { route: "ring", timeout: 60_000 });
		return exact;
	},
	broadcast: async (/** @type {string} */ data) => {
		const { reached } = await peer.broadcast(data, { timeout: 60_000 });
		return reached;
	},
	recv: async () => {
		const { source, data } = await peer.recv({ timeout: 60_000 });
		return { from: source.hash.toString(), text: text.decode(data) };
	},
	/** Who is responsible for an id. @type {(hash: string) => Promise<string>} */
	owner: async (hash) => {
		const { peer: owner } = await peer.ring.lookup(new Hash({ hashed: hash }));
		return (owner?.hash ?? peer.hash).toString();
	},
	close: () => peer.close(),
});
