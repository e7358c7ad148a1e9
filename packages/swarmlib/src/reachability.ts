import {
	type Address,
	ChordError,
	type Clock,
	type LocalNode,
	type Transport,
	type Wait,
	formatAddress,
	scopeOf,
} from "@cicada/chordlib";
import { PortMapping } from "@cicada/traversal";

import { type Mapping, uselessness } from "./external.ts";

/** How others reach a peer whose id is that of its key, and what that is known from. */
export interface Reachability {
	/**
	 * `direct`: at the address where it listens; `mapped`: at a port of its router. `leaf`: not at all, so it takes part
	 * over links that it opened itself. `unknown`: nobody has tried yet, or was to.
	 */
	readonly state: "unknown" | "direct" | "mapped" | "leaf";
	/** Why it is taken for that, in a sentence. */
	readonly reason: string;
	/** What was seen on the way, in order, in sentences. The latest 32. */
	readonly evidence: readonly string[];
}

/** A port of the router that leads to one of ours, until it is closed. */
export interface OpenMapping extends Mapping {
	/** Takes the mapping off the router. */
	close(): Promise<void>;
}

/**
 * Gets a port of the router that leads to `port`. Rejects when there is none to be had. When `signal` aborts it settles
 * soon: the peer is not closed before it has, and a port that is mapped by then was given back.
 */
export type MapPort = (port: number, signal: AbortSignal) => Promise<OpenMapping>;

const byTraversal: MapPort = async (port, signal) => {
	const mapping = new PortMapping(port, { signal });
	try {
		return await mapping.open();
	} catch (error) {
		await mapping.close();
		throw error;
	}
};

const EVIDENCE = 32;

/** Finds out how others reach a peer, and gets it a port of the router where that helps. */
export class Reach {
	/** True when the id does not depend on the address, so that the peer may be a leaf. */
	readonly keyed: boolean;
	readonly #clock: Clock;
	readonly #transport: Transport;
	readonly #mapPort: MapPort;
	readonly #closing = new AbortController();
	readonly #evidence: string[] = [];
	/** The router's port that was asked for: none when it was refused, or is given back. */
	#mapping: Promise<OpenMapping | undefined> | undefined;
	#mapped = false;
	#state: Reachability["state"] = "unknown";
	#reason = "no other peer has tried to dial it yet";

	constructor({
		clock,
		transport,
		keyed,
		mapPort = byTraversal,
	}: {
		clock: Clock;
		transport: Transport;
		keyed: boolean;
		mapPort: MapPort | undefined;
	}) {
		this.#clock = clock;
		this.#transport = transport;
		this.keyed = keyed;
		this.#mapPort = mapPort;
	}

	get now(): Reachability {
		return { state: this.#state, reason: this.#reason, evidence: [...this.#evidence] };
	}

	/** Where a peer listens. Bound to all interfaces, it is the one that others can reach that says something. */
	async listener({ host, port }: Address): Promise<Address> {
		const all = host === "0.0.0.0" || host === "::";
		return { host: all ? await this.#transport.localHost() : host, port };
	}

	/** The router's port that leads to where a peer listens; `undefined` where none is needed, or to be had. */
	async map(bound: Address): Promise<Address | undefined> {
		const local = await this.listener(bound);
		const scope = scopeOf(local.host);
		if (scope !== "private") {
			this.#saw(`${formatAddress(local)} is a ${scope} address: no router is asked`);
			return undefined;
		}
		try {
			const asked = this.#mapPort(local.port, this.#closing.signal);
			this.#mapping = asked.catch(() => undefined);
			const mapping = await asked;
			this.#closing.signal.throwIfAborted();
			const external = { host: mapping.externalIp, port: mapping.externalPort };
			this.#saw(`a router maps ${formatAddress(external)} to port ${local.port}`);
			const useless = uselessness(external);
			this.#mapped = useless === undefined;
			if (useless === undefined) return external;
			this.#saw(`nobody can dial ${formatAddress(external)}: ${useless}`);
			await this.#giveBack();
			return undefined;
		} catch (error) {
			this.#closing.signal.throwIfAborted();
			this.#saw(`no port of a router: ${messageOf(error)}`);
			return undefined;
		}
	}

	/** Joins as a member; a peer that others cannot dial as a leaf, if its id allows that. */
	async join(
		node: LocalNode,
		addresses: readonly Address[],
		{ timeout, ...wait }: Wait & { timeout: number },
	): Promise<void> {
		const deadline = this.#clock.now() + timeout;
		if (node.standing === "leaf") {
			await node.joinRing(addresses, { ...wait, timeout, leaf: true });
			return;
		}
		try {
			await node.joinRing(addresses, { ...wait, timeout });
			if (!this.keyed) return;
			const state = this.#mapped ? "mapped" : "direct";
			this.#found(state, `a peer has dialled ${formatAddress(node.address)} and met this one`);
		} catch (error) {
			const isLeaf = this.keyed && error instanceof ChordError && error.code === "NOT_DIALABLE";
			if (!isLeaf) throw error;
			const left = Math.max(0, deadline - this.#clock.now());
			await node.joinRing(addresses, { ...wait, timeout: left, leaf: true });
			this.#found("leaf", `a peer could not dial ${formatAddress(node.address)}`);
		}
	}

	/** Gives the router's port back. */
	async close(): Promise<void> {
		this.#closing.abort();
		await this.#giveBack();
	}

	/** Once, however often it is called, and whoever asked for the port later than that. */
	async #giveBack(): Promise<void> {
		const given = this.#mapping?.then(async (mapping) => {
			// A router that does not answer lets the mapping run out.
			await mapping?.close().catch(() => {});
			return undefined;
		});
		this.#mapping = given;
		await given;
	}

	#found(state: Reachability["state"], reason: string): void {
		this.#state = state;
		this.#reason = reason;
		this.#saw(reason);
	}

	#saw(what: string): void {
		this.#evidence.push(what);
		if (this.#evidence.length > EVIDENCE) this.#evidence.shift();
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
