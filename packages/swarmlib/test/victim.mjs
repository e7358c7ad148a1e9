// A peer in a process of its own, which attack.test.ts attacks: it sends every message back to who sent it, and says how
// it is when asked. Runs what was built.
import { openSync } from "node:fs";

import { SwarmPeer } from "@cicada/swarmlib";

// Every socket gets a number beyond 1,024, where select(2) would end.
for (let i = 0; i < 1_100; i++) openSync("/dev/null", "r");

/** @type {string[]} */
const troubles = [];
process.on("unhandledRejection", (error) => troubles.push(String(error)));
process.on("uncaughtException", (error) => troubles.push(String(error)));

const [options = "{}"] = process.argv.slice(2);
const peer = await new SwarmPeer(JSON.parse(options)).bind("127.0.0.1", 0);
peer.on("error", (error) => troubles.push(String(error)));

const echo = async () => {
	for await (const { source, data } of peer) {
		troubles.push(...(data.length > 2_000_000 ? ["more than was sent"] : []));
		// An attacker may not be there any more.
		peer.send(source, data).catch(() => {});
	}
};
void echo();

process.on("message", () => {
	const { links, pendingLinks } = peer.stats;
	const { predecessor } = peer.ring;
	const before = predecessor?.hash.toString();
	const rss = process.memoryUsage.rss();
	process.send?.({ rss, links, pendingLinks, predecessor: before, troubles });
});
process.on("disconnect", () => process.exit());
process.send?.(peer.listener);
