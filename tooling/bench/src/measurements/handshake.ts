import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";

import type { LocalNodeOptions } from "@cicada/chordlib";

import { mutual } from "../certificate.ts";
import type { Measurement } from "../measurement.ts";
import { closeAll, listen } from "../ring.ts";

/** Links that are opened at once: no node may have more than 256. */
const LINKS = 100;

async function tlsRate(): Promise<number> {
	const settings = mutual();
	const server = createServer(settings);
	const accepted = new Promise<void>((resolve) => {
		let count = 0;
		server.on("secureConnection", () => {
			if (++count === LINKS) resolve();
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const started = performance.now();
	const sockets = await Promise.all(
		Array.from({ length: LINKS }, async () => {
			const socket = connect({ ...settings, host: "127.0.0.1", port });
			await once(socket, "secureConnect");
			return socket;
		}),
	);
	await accepted;
	const rate = LINKS / ((performance.now() - started) / 1_000);
	for (const socket of sockets) socket.destroy();
	server.close();
	return rate;
}

async function linkRate(options: LocalNodeOptions): Promise<number> {
	const node = await listen(options);
	const others = await Promise.all(Array.from({ length: LINKS }, () => listen(options)));
	try {
		// Records are signed once in a node's life: that is no part of a handshake.
		for (const other of [node, ...others]) void other.record;
		const started = performance.now();
		await Promise.all(others.map((other) => other.link(node.address)));
		return LINKS / ((performance.now() - started) / 1_000);
	} finally {
		await closeAll([node, ...others]);
	}
}

/** How fast links are opened. */
export const handshake: Measurement = {
	name: "handshake",
	about: `${LINKS} links to one node that are opened at once, beside as many TLS 1.3 connections with certificates (Ed25519) of both ends; both ends in this process. Noise XX, and the records of both ends verified; then the same with the proof that who dials can be dialled, which takes a second connection.`,
	async run() {
		const tls = await tlsRate();
		const link = await linkRate({ proof: "off" });
		const proven = await linkRate({});
		return [
			{ name: "TLS", value: tls, unit: "/s" },
			{ name: "links", value: link, unit: "/s" },
			{ name: "links / TLS", value: link / tls, unit: "", aim: { least: 2 } },
			{ name: "links that are dialled back", value: proven, unit: "/s" },
		];
	},
};
