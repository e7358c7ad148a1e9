import { type SimHost, Simulation } from "@cicada/simnet";

import {
	type Address,
	type Link,
	type LinkHandler,
	LocalNode,
	type LocalNodeOptions,
} from "../src/index.ts";
import { fromHex, toHex } from "./bytes.ts";

/** A link whose other end is the test itself: it says what it likes, and takes as little as it likes. */
export class TestLink implements Link {
	readonly local: Address = { host: "192.0.2.200", port: 7000 };
	readonly remote: Address;
	buffered = 0;
	heard = "";
	ended = "";
	handler: LinkHandler | undefined;
	readonly #finish: () => void;

	/** `finish` runs what was put off until what runs now has finished. */
	constructor(remote: Address, finish: () => void) {
		this.remote = remote;
		this.#finish = finish;
	}

	send(bytes: Uint8Array): void {
		this.heard += toHex(bytes);
	}

	close(): void {
		this.ended = "closed";
	}

	destroy(): void {
		this.ended = "destroyed";
	}

	say(hex: string): this {
		this.handler?.data(fromHex(hex));
		this.#finish();
		return this;
	}
}

/** A node in virtual time whose links are all the test's. */
export class Desk {
	readonly simulation: Simulation;
	readonly node: LocalNode;
	readonly dialled: TestLink[] = [];
	readonly #host: SimHost;
	#accept: ((link: Link) => LinkHandler) | undefined;

	constructor(options: LocalNodeOptions = {}) {
		this.simulation = new Simulation({ seed: 1 });
		this.#host = this.simulation.host("node");
		const { clock, random, transport } = this.#host;
		const ports = {
			clock,
			random,
			transport: {
				listen: (address: Address, accept: (link: Link) => LinkHandler) => {
					this.#accept = accept;
					return Promise.resolve({ address, close: () => Promise.resolve() });
				},
				dial: (address: Address, handler: LinkHandler) => {
					const link = new TestLink(address, this.#finish);
					link.handler = handler;
					this.dialled.push(link);
					return link;
				},
				resolve: (host: string) => Promise.resolve(host),
				localHost: () => transport.localHost(),
			},
		};
		const bind = { host: this.#host.ip, port: 7000 };
		this.node = new LocalNode("node", bind, { encryption: "off", ports, ...options });
	}

	static async open(options?: LocalNodeOptions): Promise<Desk> {
		const desk = new Desk(options);
		await desk.node.listen();
		return desk;
	}

	/** A link comes from an IP address, and says something. */
	come(ip: string, hex = ""): TestLink {
		const link = new TestLink({ host: ip, port: 40_000 }, this.#finish);
		link.handler = this.#accept?.(link);
		if (hex !== "") link.say(hex);
		return link;
	}

	readonly #finish = (): void => {
		const over: true[] = [];
		this.simulation.schedule(this.simulation.now, () => {
			over.push(true);
		});
		while (over.length === 0) this.simulation.step();
	};

	/** Goes on for so many milliseconds. */
	async pass(time: number): Promise<void> {
		await this.simulation.run(time);
	}
}
