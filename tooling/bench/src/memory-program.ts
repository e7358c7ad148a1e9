// A process of its own, with a heap that nothing else has used: makes what is to be measured, and says what it takes.
// Started by measurements/memory.ts with --expose-gc.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type TLSSocket, connect, createSecureContext, createServer } from "node:tls";

import type { LocalNode } from "@cicada/chordlib";

import { mutual } from "./certificate.ts";
import { closeAll, listen, ringAtRest } from "./ring.ts";

/** What is in a process: a ring at rest, links of as many nodes to one, or TLS connections to one server. */
export type MemoryKind = "ring" | "links" | "tls";

/** Bytes: of objects and buffers, and of all that the operating system has given the process. */
export interface Usage {
	readonly used: number;
	readonly resident: number;
}

/** What {@link process.send} tells: what was in use at each moment that counts, and how many links there are. */
export interface Taken {
	readonly usages: readonly Usage[];
	readonly links: number;
}

/** Handshakes that are under way at once: few, since what those need for a moment is no part of what a link keeps. */
const AT_ONCE = 8;

/** What is in use once all rubbish is gone. What native code has to give back takes a turn or two. */
async function usage(): Promise<Usage> {
	for (let times = 0; times < 4; times++) {
		globalThis.gc?.();
		await delay(20);
	}
	const { heapUsed, external, rss } = process.memoryUsage();
	return { used: heapUsed + external, resident: rss };
}

async function ring(count: number): Promise<Taken> {
	const before = await usage();
	const nodes = await ringAtRest(count);
	const usages = [before, await usage()];
	const links = nodes.reduce((sum, { peers }) => sum + peers.length, 0) / 2;
	await closeAll(nodes);
	return { usages, links };
}

/** Does something for each, a few at a time. */
async function forEach<T>(all: readonly T[], run: (one: T) => Promise<unknown>): Promise<void> {
	for (let start = 0; start < all.length; start += AT_ONCE) {
		await Promise.all(all.slice(start, start + AT_ONCE).map(run));
	}
}

/**
 * Nodes, and then a link of each to one that was there before; twice as many as count: what a process takes once, the
 * first half has it take.
 */
async function links(count: number): Promise<Taken> {
	const limits = { links: 2 * count + AT_ONCE };
	const center = await listen({ limits });
	const make = async (): Promise<LocalNode> => {
		const node = await listen();
		void node.record;
		return node;
	};
	const some = (): Promise<LocalNode[]> => Promise.all(Array.from({ length: count }, make));
	const link = (node: LocalNode): Promise<unknown> => node.link(center.address);
	const first = await some();
	await forEach(first, link);
	const usages = [await usage()];
	const second = await some();
	usages.push(await usage());
	await forEach(second, link);
	usages.push(await usage());
	await closeAll([center, ...first, ...second]);
	return { usages, links: count };
}

/** TLS connections with certificates of both ends, which come from one context each way. */
async function tls(count: number): Promise<Taken> {
	const settings = mutual();
	const { servername } = settings;
	const secureContext = createSecureContext(settings);
	const sockets: TLSSocket[] = [];
	const server = createServer(settings, (socket) => sockets.push(socket.resume()));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const open = async (): Promise<void> => {
		const socket = connect({ servername, secureContext, host: "127.0.0.1", port });
		await once(socket, "secureConnect");
		sockets.push(socket.resume());
	};
	const some = (): Promise<void> => forEach(Array.from({ length: count }), open);
	await some();
	const usages = [await usage()];
	await some();
	usages.push(await usage());
	for (const socket of sockets) socket.destroy();
	server.close();
	return { usages, links: count };
}

const kinds: Record<MemoryKind, (count: number) => Promise<Taken>> = { ring, links, tls };
const [, , kind = "ring", count = "64"] = process.argv as [string, string, MemoryKind?, string?];
process.on("disconnect", () => process.exit());
process.send?.(await kinds[kind](Number(count)));
process.disconnect();
