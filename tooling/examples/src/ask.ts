// Requests: they do not wait in the inbox, and what the handler returns is the answer.
import { SwarmPeer } from "@cicada/swarmlib";

const text = new TextDecoder();
const clerk = await new SwarmPeer().bind("127.0.0.1", 0);
const client = await new SwarmPeer().bind("127.0.0.1", 0);
await client.connect(clerk.listener);

clerk.onRequest(async ({ source, data, signal }) => {
	// `signal` aborts when nobody waits for the answer any more: give it to whatever takes long.
	signal.throwIfAborted();
	return `${text.decode(data)}? 42, dear ${source.hash.equals(client.hash) ? "client" : "stranger"}`;
});

const { data } = await client.request(clerk, "six times seven", { timeout: 5_000 });
console.log(text.decode(data)); // six times seven? 42, dear client

await Promise.all([clerk.close(), client.close()]);
