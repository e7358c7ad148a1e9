// A process of its own, in which nothing else has run: opens connections and links, both ends of them, and says how fast.
// Started by measurements/handshake.ts with --expose-gc.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
	type ConnectionOptions,
	type TLSSocket,
	connect,
	createSecureContext,
	createServer,
} from "node:tls";

import type { LocalNodeOptions } from "@cicada/chordlib";

import { mutual } from "./certificate.ts";
import { closeAll, listen } from "./ring.ts";
import { median } from "./statistics.ts";

/** What {@link process.send} tells: connections, or links, in a second of the processor. */
export interface Rates {
	readonly tls: number;
	/** With a context that was made before. */
	readonly prepared: number;
	readonly links: number;
	/** With the proof that who dials can be dialled. */
	readonly proven: number;
}

/** How many are opened in a second of the processor: others who want the same machine do not change that. */
type Rate = () => Promise<number>;

/** How fast `open` opens `links`. */
async function perSecond(links: number, open: () => Promise<unknown>): Promise<number> {
	// What was made before is young still, and the first collection would count as work of those that are opened.
	for (let times = 0; times < 2; times++) globalThis.gc?.({ type: "minor" });
	const before = process.cpuUsage();
	await open();
	const { user, system } = process.cpuUsage(before);
	return (links * 1e6) / (user + system);
}

async function tlsRate(links: number, options: ConnectionOptions): Promise<number> {
	const server = createServer(mutual());
	const accepted = new Promise<void>((resolve) => {
		let count = 0;
		server.on("secureConnection", () => {
			if (++count === links) resolve();
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const sockets: TLSSocket[] = [];
	const open = async (): Promise<void> => {
		const socket = connect({ ...options, host: "127.0.0.1", port });
		sockets.push(socket);
		await once(socket, "secureConnect");
	};
	const rate = await perSecond(links, () =>
		Promise.all([accepted, ...Array.from({ length: links }, open)]),
	);
	for (const socket of sockets) socket.destroy();
	server.close();
	return rate;
}

async function linkRate(links: number, options: LocalNodeOptions): Promise<number> {
	const node = await listen(options);
	const others = await Promise.all(Array.from({ length: links }, () => listen(options)));
	try {
		// Records are signed once in a node's life: that is no part of a handshake.
		for (const other of [node, ...others]) void other.record;
		return await perSecond(links, () =>
			Promise.all(others.map((other) => other.link(node.address))),
		);
	} finally {
		await closeAll([node, ...others]);
	}
}

/** The median rate of each kind. They take turns, so that all see the same machine. */
async function inTurns(
	kinds: readonly Rate[],
	trials: number,
	rounds: number,
): Promise<readonly number[]> {
	const rates: number[][] = kinds.map(() => []);
	for (let round = 0; round < trials + rounds; round++) {
		for (const [index, kind] of kinds.entries()) {
			const rate = await kind();
			if (round >= trials) rates[index]?.push(rate);
		}
	}
	return rates.map(median);
}

process.on("disconnect", () => process.exit());
const [links = NaN, trials = NaN, rounds = NaN] = process.argv.slice(2).map(Number);
const settings = mutual();
const { servername, rejectUnauthorized } = settings;
const secureContext = createSecureContext(settings);
const [tls = NaN, prepared = NaN, link = NaN, proven = NaN] = await inTurns(
	[
		() => tlsRate(links, settings),
		() => tlsRate(links, { servername, rejectUnauthorized, secureContext }),
		() => linkRate(links, { proof: "off" }),
		() => linkRate(links, { proof: "required" }),
	],
	trials,
	rounds,
);
const rates: Rates = { tls, prepared, links: link, proven };
process.send?.(rates);
process.disconnect();
