import { Dial } from "./dial.ts";
import { LinkError } from "./errors.ts";
import { isAddress, isLoopback } from "./ip.ts";
import { SimListener } from "./listener.ts";
import type { Address, Link, LinkHandler, Listener, Transport } from "./ports.ts";
import type { Process } from "./process.ts";

/** The network as one process sees it. */
export class SimTransport implements Transport {
	readonly #process: Process;

	constructor(process: Process) {
		this.#process = process;
	}

	listen(address: Address, accept: (link: Link) => LinkHandler): Promise<Listener> {
		const process = this.#process;
		const { machine } = process;
		const { host } = address;
		// The machine is not there any more: nobody is left to be told.
		if (!process.alive) return new Promise(() => undefined);
		if (host !== machine.ip && host !== "0.0.0.0" && host !== "::" && !isLoopback(host)) {
			return Promise.reject(new LinkError("EADDRNOTAVAIL", `${host} is not ${machine.name}'s`));
		}
		const port = address.port === 0 ? machine.freePort() : address.port;
		machine.listeners ??= new Map();
		if (machine.listeners.has(port)) {
			return Promise.reject(new LinkError("EADDRINUSE", `${host}:${port} is taken`));
		}
		const listener = new SimListener(process, { host, port }, accept);
		machine.listeners.set(port, listener);
		return Promise.resolve(listener);
	}

	dial(address: Address, handler: LinkHandler): Link {
		return new Dial(this.#process, address, handler).end;
	}

	resolve(host: string): Promise<string> {
		if (isAddress(host)) return Promise.resolve(host);
		if (host === "localhost") return Promise.resolve("127.0.0.1");
		const { machine } = this.#process;
		const found = machine.world.network.named(host);
		if (found === undefined) return Promise.reject(new LinkError("ENOTFOUND", host));
		const near = found.nat === undefined || found.nat === machine.nat;
		return Promise.resolve(near ? found.ip : (found.nat?.ip ?? found.ip));
	}

	localHost(): Promise<string> {
		return Promise.resolve(this.#process.machine.ip);
	}
}
