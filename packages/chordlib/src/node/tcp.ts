import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { type Server, type Socket, createConnection, createServer } from "node:net";

import type { Address } from "../address.ts";
import type { Link, LinkHandler, Listener, Transport } from "../ports.ts";

/** Milliseconds that a socket which this end has closed may stay, for the other end to close it too. */
const LINGER = 2_000;

/** One TCP connection as a {@link Link}. */
class TcpLink implements Link {
	readonly copies = true;
	local: Address;
	remote: Address;
	readonly #socket: Socket;
	#error: Error | undefined;
	#handler: LinkHandler | undefined;

	constructor(socket: Socket, remote: Address) {
		this.#socket = socket;
		this.remote = remote;
		this.local = localAddress(socket);
		socket.setNoDelay(true);
	}

	attach(handler: LinkHandler): this {
		this.#handler = handler;
		this.#socket
			.on("connect", () => {
				this.local = localAddress(this.#socket);
				handler.open();
			})
			.on("data", ({ buffer, byteOffset, length }: Uint8Array) => {
				// A plain array: the slice of a Buffer is not a copy.
				handler.data(new Uint8Array(buffer, byteOffset, length));
			})
			// An end that says it is done gets no more from us: half-open streams have no use here.
			.on("end", () => {
				this.#end();
			})
			.on("error", (error) => {
				this.#error = error;
			})
			.on("close", () => {
				handler.close(this.#error);
			});
		return this;
	}

	get buffered(): number {
		return this.#socket.writableLength;
	}

	send(bytes: Uint8Array): void {
		if (this.#socket.writable) this.#socket.write(bytes, this.#written);
	}

	close(): void {
		this.#end();
		// The other end is given a moment to read what was sent and close too, not longer.
		const timer = setTimeout(() => this.#socket.destroy(), LINGER).unref();
		// It would keep the link, and all that it belongs to.
		this.#socket.once("close", () => {
			clearTimeout(timer);
		});
	}

	destroy(): void {
		this.#socket.destroy();
	}

	/** Once: the second time, Node makes an error with its stack, and drops it. */
	#end(): void {
		if (!this.#socket.writableEnded) this.#socket.end();
	}

	readonly #written = (error?: Error | null): void => {
		if (!error && this.buffered === 0) this.#handler?.drain();
	};
}

function localAddress(socket: Socket): Address {
	return { host: socket.localAddress ?? "0.0.0.0", port: socket.localPort ?? 0 };
}

class TcpListener implements Listener {
	readonly address: Address;
	readonly #server: Server;

	constructor(server: Server) {
		const bound = server.address();
		if (bound === null || typeof bound === "string") throw new Error("not a TCP server");
		this.address = { host: bound.address, port: bound.port };
		this.#server = server;
	}

	close(): Promise<void> {
		// Its callback waits for accepted sockets too, which live on; the port is free at once.
		this.#server.close();
		return Promise.resolve();
	}
}

/** TCP on this machine. */
export const tcp: Transport = {
	listen: (address, accept) =>
		new Promise((resolve, reject) => {
			const server = createServer({ allowHalfOpen: true }, (socket) => {
				const remote = { host: socket.remoteAddress ?? "0.0.0.0", port: socket.remotePort ?? 0 };
				const link = new TcpLink(socket, remote);
				link.attach(accept(link));
			});
			server.once("error", reject);
			server.listen({ host: address.host, port: address.port }, () => {
				server.off("error", reject);
				// Later errors are accept(2) failing, for example for want of file descriptors: it goes on.
				server.on("error", () => {});
				resolve(new TcpListener(server));
			});
		}),

	dial: (address, handler) => {
		const socket = createConnection({ host: address.host, port: address.port });
		return new TcpLink(socket, address).attach(handler);
	},

	resolve: async (host) => {
		const found = await lookup(host, { all: true, verbatim: true });
		const best = found.find(({ family }) => family === 4) ?? found[0];
		if (best === undefined) throw new Error(`${host} has no address`);
		return best.address;
	},

	// Connecting a UDP socket sends nothing: it asks the kernel which interface the default route takes.
	localHost: () =>
		new Promise((resolve) => {
			const socket = createSocket("udp4");
			const answer = (host: string): void => {
				socket.close();
				resolve(host);
			};
			// Node calls this too when it failed, where the types say that it does not.
			socket.connect(9, "192.0.2.1", (error?: Error) => {
				answer(error ? "127.0.0.1" : socket.address().address);
			});
		}),
};
