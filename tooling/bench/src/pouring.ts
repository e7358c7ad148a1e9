import { once } from "node:events";
import { type Socket, createConnection } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { connect } from "node:tls";

import { LocalNode, formatAddress } from "@cicada/chordlib";
import { SwarmPeer } from "@cicada/swarmlib";

import { mutual } from "./certificate.ts";
import { Far, type Speed } from "./far.ts";
import { parcel } from "./load.ts";

/** Bytes that are sent before the event loop has a turn; so many bytes of frames share a write. */
const BATCH = 65_536;
/** What may wait to be sent: so many bytes, or so many messages where those are more. */
const WAITING = { bytes: 262_144, messages: 16 };
/** Messages that may wait for their acknowledgements. */
const WINDOW = 1_024;

const mayWait = (size: number): number => Math.max(WAITING.bytes, WAITING.messages * size);

/** Sends so many messages of one size to another process, one way or another. */
export type Pour = (size: number, count: number) => Promise<Speed>;

/** What messages are poured into, by the ways in which they can be. It lasts as long as this process. */
export type Pipe<Way extends string> = Readonly<Record<Way, Pour>>;

/** Frames over a plain socket, or one with TLS; with `corked` many share a write. */
export async function socketPipe(kind: "tcp" | "tls"): Promise<Pipe<"alone" | "corked">> {
	const far = await Far.open(kind);
	const to = { host: "127.0.0.1", port: far.port };
	const socket =
		kind === "tcp" ? createConnection({ ...to, noDelay: true }) : connect({ ...to, ...mutual() });
	await once(socket, kind === "tcp" ? "connect" : "secureConnect");
	socket.setNoDelay(true);
	const pour =
		(cork: boolean): Pour =>
		(size, count) =>
			far.speed(count, () => write(socket, size, count, cork));
	return { alone: pour(false), corked: pour(true) };
}

async function write(socket: Socket, size: number, count: number, cork: boolean): Promise<void> {
	const batch = Math.max(1, Math.floor(BATCH / size));
	const waiting = mayWait(size);
	for (let sent = 0; sent < count; sent += batch) {
		if (cork) socket.cork();
		for (let index = 0; index < Math.min(batch, count - sent); index++) {
			// Each frame is made anew, as a program would.
			const frame = Buffer.allocUnsafe(4 + size);
			frame.writeUInt32BE(size);
			socket.write(frame);
		}
		if (cork) socket.uncork();
		if (socket.writableLength > waiting) await once(socket, "drain");
		else await turn();
	}
}

/** Messages that one node tells another over their link, or routes over it, which nobody acknowledges. */
export async function linkPipe(encryption: "off" | "required"): Promise<Pipe<"told" | "routed">> {
	const far = await Far.open("node", encryption);
	const node = new LocalNode(formatAddress, { host: "127.0.0.1", port: 0 }, { encryption });
	await node.listen();
	await node.joinRing({ host: "127.0.0.1", port: far.port });
	const [target] = node.peers;
	if (target === undefined) throw new Error("there is no link");
	const { hash } = target;
	const link = await node.link(target);
	const pour =
		(send: (body: Uint8Array) => unknown): Pour =>
		(size, count) => {
			const body = new Uint8Array(size);
			const batch = Math.max(1, Math.floor(BATCH / size));
			const waiting = mayWait(size);
			return far.speed(count, async () => {
				for (let sent = 0; sent < count; sent += batch) {
					for (let index = 0; index < Math.min(batch, count - sent); index++) send(body);
					do await turn();
					while (link.buffered > waiting);
				}
			});
		};
	return {
		told: pour((body) => node.notify(target, parcel, body)),
		routed: pour((body) => node.route(hash, parcel, body)),
	};
}

/** Messages through `send`, each acknowledged. */
export async function sendPipe(): Promise<Pipe<"sent">> {
	const far = await Far.open("peer");
	const peer = await new SwarmPeer().bind("127.0.0.1", 0);
	await peer.connect({ host: "127.0.0.1", port: far.port });
	const [target] = peer.peers;
	if (target === undefined) throw new Error("there is no link");
	await peer.send(target, new Uint8Array(0));
	return {
		sent: (size, count) => {
			const data = new Uint8Array(size);
			let left = count;
			const worker = async (): Promise<void> => {
				while (left-- > 0) await peer.send(target, data);
			};
			return far.speed(count, () => Promise.all(Array.from({ length: WINDOW }, worker)));
		},
	};
}
