import { once } from "node:events";
import { type AddressInfo, type Socket, createConnection, createServer } from "node:net";

import type { LocalNodeOptions } from "@cicada/chordlib";

import { listen } from "./ring.ts";

/** The first bytes that a node with these options says to one that it dials: its hello, and its first message. */
export async function firstWords(options: LocalNodeOptions): Promise<Uint8Array> {
	const server = createServer();
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const node = await listen(options);
	const { port } = server.address() as AddressInfo;
	const dialled = node.link({ host: "127.0.0.1", port }).catch(() => {});
	const [socket] = (await once(server, "connection")) as [Socket];
	const [words] = (await once(socket, "data")) as [Uint8Array];
	socket.destroy();
	server.close();
	await dialled;
	await node.close();
	return words;
}

/** Connects, says something, and leaves as soon as there is an answer, or the other end has gone. */
export function visit(port: number, words: Uint8Array): Promise<void> {
	return new Promise((resolve) => {
		const socket = createConnection({ host: "127.0.0.1", port });
		// Who is turned away may see that as an error.
		socket.on("error", () => {});
		socket.on("close", () => resolve());
		socket.once("data", () => socket.destroy());
		socket.write(words);
	});
}
