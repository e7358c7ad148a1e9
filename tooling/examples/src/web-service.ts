// A web service of several instances that find each other: each is told of one, and learns of all.
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { type Address, SwarmPeer } from "@cicada/swarmlib";

// #region instance
class Instance {
	readonly #name: string;
	readonly #server: Server;
	readonly #peer = new SwarmPeer({ network: "example.org/web" });
	/** Where the others answer over HTTP, by the id of their peers. */
	readonly #others = new Map<string, string>();
	#url = "";
	/** Resolves when another instance is known. */
	#another: Promise<void>;
	#tell = (): void => {};

	constructor(name: string) {
		this.#name = name;
		this.#another = this.#next();
		this.#server = createServer((request, response) => {
			const answer = request.url === "/all" ? this.#all() : Promise.resolve(this.#name);
			answer.then(
				(text) => response.end(text),
				() => response.writeHead(500).end(),
			);
		});
	}

	async start(through?: Instance): Promise<this> {
		await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
		this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
		await this.#peer.bind("127.0.0.1", 0);
		// Who asks where an instance answers says so of itself.
		this.#peer.onRequest(({ source, data }) => {
			this.#learn(source.hash.toString(), data);
			return this.#url;
		});
		void this.#listen();
		if (through) await this.#peer.connect(through.address);
		// As many as this reaches ask back.
		const { reached } = await this.#peer.broadcast("who is there?");
		while (this.#others.size < reached) await this.#another;
		return this;
	}

	get address(): Address {
		return this.#peer.listener;
	}

	get url(): string {
		return this.#url;
	}

	async close(): Promise<void> {
		await this.#peer.close();
		this.#server.close();
		this.#server.closeAllConnections();
	}

	/** A newcomer asks all who is there. Each asks it back: so both know. */
	async #listen(): Promise<void> {
		for await (const { source } of this.#peer) {
			const asked = this.#peer.request(source, this.#url, { timeout: 5_000 });
			// Who is gone again is nobody to know.
			await asked.then(({ data }) => this.#learn(source.hash.toString(), data)).catch(() => {});
		}
	}

	#learn(id: string, url: Uint8Array): void {
		this.#others.set(id, new TextDecoder().decode(url));
		this.#tell();
		this.#another = this.#next();
	}

	#next(): Promise<void> {
		return new Promise((resolve) => {
			this.#tell = resolve;
		});
	}

	/** What all instances say. One that does not answer is forgotten. */
	async #all(): Promise<string> {
		const ask = async ([id, url]: [string, string]): Promise<string[]> => {
			try {
				return [await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text()];
			} catch {
				this.#others.delete(id);
				return [];
			}
		};
		const said = await Promise.all([...this.#others].map(ask));
		return [this.#name, ...said.flat()].toSorted().join(", ");
	}
}
// #endregion

const ash = await new Instance("ash").start();
const oak = await new Instance("oak").start(ash);
const elm = await new Instance("elm").start(oak);

const everybody = await (await fetch(`${elm.url}/all`)).text();
console.log(everybody); // ash, elm, oak
await oak.close();
const left = await (await fetch(`${elm.url}/all`)).text();
console.log(left); // ash, elm

await Promise.all([ash.close(), elm.close()]);
