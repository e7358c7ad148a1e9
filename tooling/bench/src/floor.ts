import { once } from "node:events";
import { type AddressInfo, type Socket, createConnection, createServer } from "node:net";

import { PAYLOAD } from "./load.ts";

/**
 * What all of this is measured against: an echo over one TCP connection with `node:net` and nothing else. Messages
 * have a fixed length, so that there is nothing to parse.
 */
export class Floor {
	readonly #socket: Socket;
	readonly #close: () => void;
	readonly #waiting: (() => void)[] = [];
	readonly #payload: Uint8Array = new Uint8Array(PAYLOAD);
	#received = 0;

	private constructor(socket: Socket, close: () => void) {
		this.#socket = socket;
		this.#close = close;
		socket.on("data", (chunk: Uint8Array) => {
			this.#received += chunk.length;
			for (; this.#received >= PAYLOAD; this.#received -= PAYLOAD) this.#waiting.shift()?.();
		});
	}

	static async open(): Promise<Floor> {
		const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const socket = createConnection({ host: "127.0.0.1", port, noDelay: true });
		await once(socket, "connect");
		return new Floor(socket, () => {
			socket.destroy();
			server.close();
		});
	}

	/** Sends a message, and waits until it is back. */
	async roundTrip(): Promise<void> {
		const back = new Promise<void>((resolve) => {
			this.#waiting.push(resolve);
		});
		this.#socket.write(this.#payload);
		await back;
	}

	close(): void {
		this.#close();
	}
}
