// A program with sockets, and the same program with peers.
// #region before
import { createSocket } from "node:dgram";
import { once } from "node:events";

const socket = createSocket("udp4").bind(0, "127.0.0.1");
await once(socket, "listening");
socket.on("message", (data, from) =>
	socket.send(`you said ${String(data)}`, from.port, from.address),
);

const asker = createSocket("udp4");
asker.send("ping", socket.address().port, socket.address().address);
const [answer] = (await once(asker, "message")) as [Buffer];
console.log(String(answer)); // you said ping
// #endregion
socket.close();
asker.close();

// #region after
import { SwarmPeer } from "@cicada/swarmlib";

const text = new TextDecoder();
const peer = await new SwarmPeer().bind("127.0.0.1", 0);
const serve = async (): Promise<void> => {
	for await (const { source, data } of peer) {
		await peer.send(source, `you said ${text.decode(data)}`).catch(() => {}); // he may be gone
	}
};
void serve();

const client = await new SwarmPeer().bind("127.0.0.1", 0);
await client.connect(peer.listener); // any peer of the swarm, once
await client.send(peer.listener, "ping");
console.log(text.decode((await client.recv()).data)); // you said ping
// #endregion
await Promise.all([client.close(), peer.close()]);
