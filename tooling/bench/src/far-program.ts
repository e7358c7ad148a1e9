// The other end of what is measured, in a process of its own. Started by far.ts.
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";

import { LocalNode, formatAddress } from "@cicada/chordlib";
import { SwarmPeer } from "@cicada/swarmlib";

import { mutual } from "./certificate.ts";
import type { FarKind, Received } from "./far.ts";
import { parcel } from "./load.ts";

const [, , kind = "tcp", encryption = "required"] = process.argv as [
	string,
	string,
	FarKind?,
	("off" | "required")?,
];
let expected = Infinity;
let count = 0;
let cpu = process.cpuUsage();

function received(): void {
	if (++count < expected) return;
	const { user, system } = process.cpuUsage(cpu);
	process.send?.({ cpu: (user + system) / 1e3 } satisfies Received);
	expected = Infinity;
}

/** Takes frames apart: a length of four bytes, and so many bytes. */
function parse(socket: Socket): void {
	let rest: Buffer = Buffer.alloc(0);
	socket.on("error", () => {});
	socket.on("data", (chunk: Buffer) => {
		const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
		let offset = 0;
		while (bytes.length - offset >= 4) {
			const end = offset + 4 + bytes.readUInt32BE(offset);
			if (end > bytes.length) break;
			bytes.subarray(offset + 4, end);
			offset = end;
			received();
		}
		rest = bytes.subarray(offset);
	});
}

async function listen(server: Server): Promise<number> {
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return (server.address() as AddressInfo).port;
}

async function node(): Promise<number> {
	const far = new LocalNode(formatAddress, { host: "127.0.0.1", port: 0 }, { encryption });
	far.handle(parcel, received);
	far.handleRouted(parcel, received);
	await far.listen();
	return far.address.port;
}

async function peer(): Promise<number> {
	const far = await new SwarmPeer({ encryption }).bind("127.0.0.1", 0);
	void (async (): Promise<void> => {
		for await (const message of far) if (message.data.length > 0) received();
	})();
	return far.listener.port;
}

const starts: Record<FarKind, () => Promise<number>> = {
	tcp: () => listen(createServer({ noDelay: true }, parse)),
	tls: () => listen(createTlsServer(mutual(), parse)),
	node,
	peer,
};
process.on("disconnect", () => process.exit());
process.on("message", (message: { readonly expect: number }) => {
	expected = message.expect;
	count = 0;
	cpu = process.cpuUsage();
	process.send?.({ cpu: 0 } satisfies Received);
});
process.send?.(await starts[kind]());
