// A server that answers whoever writes to it.
import { SwarmPeer } from "@cicada/swarmlib";

const server = await new SwarmPeer().bind("127.0.0.1", 0);
const client = await new SwarmPeer().bind("127.0.0.1", 0);
await client.connect(server.listener);

// #region loop
const text = new TextDecoder();

const serve = async (): Promise<void> => {
	// Ends when the peer is closed. `source` is who sent the message, not who relayed it.
	for await (const { source, data } of server) {
		// Who asked may be gone by now: that is no reason to stop serving others.
		await server.send(source, `you said ${text.decode(data)}`).catch(() => {});
	}
};
const served = serve();

await client.send(server, "ping");
const { data } = await client.recv({ timeout: 5_000 });
console.log(text.decode(data)); // you said ping
// #endregion

await server.close();
await served;
await client.close();
