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

import { mutual } from "../certificate.ts";
import type { Measurement } from "../measurement.ts";
import { closeAll, listen } from "../ring.ts";
import { median } from "../statistics.ts";

/** Links that are opened at once: no node may have more than 256. */
const LINKS = 100;

/** How often each kind is measured. */
const ROUNDS = 5;

/** How often before that: until then the engine still compiles what has become frequent. */
const TRIALS = 12;

/** How many are opened in a second of the processor: others who want the same machine do not change that. */
type Rate = () => Promise<number>;

async function perSecond(links: number, open: () => Promise<unknown>): Promise<number> {
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

/** How fast links are opened. */
export const handshake: Measurement = {
	name: "handshake",
	about: `${LINKS} links to one node that are opened at once, beside as many TLS 1.3 connections with certificates (Ed25519) of both ends; both ends in this process, which has opened twelve hundred before; a second is one of the processor. Noise XX, and the records of both ends verified; then the same with the proof that who dials can be dialled, which takes a second connection. TLS once as a program has it that gives tls.connect its key and certificate, and once with the context that they become made before: that is done once in a program's life, as the keys of a node are read once.`,
	once: true,
	async run({ operations }) {
		// So few operations are a trial of the program.
		const [links, trials, rounds] = operations < 1_000 ? [4, 0, 1] : [LINKS, TRIALS, ROUNDS];
		const settings = mutual();
		const { servername, rejectUnauthorized } = settings;
		const secureContext = createSecureContext(settings);
		const kinds: Rate[] = [
			() => tlsRate(links, settings),
			() => tlsRate(links, { servername, rejectUnauthorized, secureContext }),
			() => linkRate(links, { proof: "off" }),
			() => linkRate(links, { proof: "required" }),
		];
		const [tls = NaN, prepared = NaN, link = NaN, proven = NaN] = await inTurns(
			kinds,
			trials,
			rounds,
		);
		return [
			{ name: "TLS", value: tls, unit: "/s" },
			{ name: "TLS, context made before", value: prepared, unit: "/s" },
			{ name: "links", value: link, unit: "/s" },
			{ name: "links / TLS", value: link / tls, unit: "", aim: { least: 2 } },
			{
				name: "links / TLS, context made before",
				value: link / prepared,
				unit: "",
				aim: { least: 2 },
			},
			{ name: "links that are dialled back", value: proven, unit: "/s" },
		];
	},
};
