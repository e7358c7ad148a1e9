import { type LatencyModel, type SimHost, Simulation, uniform } from "@cicada/simnet";
import { expect } from "vitest";

import { type Received, SwarmError, SwarmPeer, type SwarmOptions } from "../src/index.ts";

const PORT = 7000;

/** How a swarm's peers differ from the default. */
export type PeerOptions = NonNullable<ConstructorParameters<typeof SwarmPeer>[0]>;

/** Peers on a simulated network. */
export class Swarm {
	readonly simulation: Simulation;
	/** The live peers, in the order in which they came. */
	readonly peers: SwarmPeer[] = [];
	readonly #hosts = new Map<SwarmPeer, SimHost>();
	readonly #options: SwarmOptions;

	constructor(seed: number, options: PeerOptions & { latency?: LatencyModel } = {}) {
		const { latency = uniform(5, 50), ...rest } = options;
		this.#options = rest;
		this.simulation = new Simulation({ seed, latency });
	}

	/** A peer that is bound, on a host of its own or on one that is there. */
	async add(
		options: PeerOptions = {},
		host: SimHost = this.simulation.host(`peer ${this.simulation.hosts.length}`),
	): Promise<SwarmPeer> {
		const ports = { clock: host.clock, random: host.random, transport: host.transport };
		const peer = new SwarmPeer({ encryption: "off", ...this.#options, ports, ...options });
		await peer.bind(host.ip, PORT);
		this.peers.push(peer);
		this.#hosts.set(peer, host);
		return peer;
	}

	/** Adds so many peers, each of which connects through one that is there; then lets the ring settle. */
	async grow(count: number, options: PeerOptions = {}): Promise<SwarmPeer[]> {
		const added: SwarmPeer[] = [];
		for (let i = 0; i < count; i++) {
			const through = this.pick();
			const peer = await this.add(options);
			if (through !== undefined) await this.until(peer.connect(through.listener));
			added.push(peer);
		}
		await this.simulation.run(20_000);
		return added;
	}

	/** The peer that came first. */
	get first(): SwarmPeer {
		const [first] = this.peers;
		if (first === undefined) throw new Error("nobody is there");
		return first;
	}

	hostOf(peer: SwarmPeer): SimHost {
		const host = this.#hosts.get(peer);
		if (host === undefined) throw new Error("no such peer");
		return host;
	}

	/** The process dies; its machine refuses who dials it, or falls silent. */
	crash(peer: SwarmPeer, options: { silent?: boolean } = {}): void {
		this.peers.splice(this.peers.indexOf(peer), 1);
		this.hostOf(peer).crash(options);
	}

	/** A new process at a dead peer's address, connected to the swarm. */
	async restart(dead: SwarmPeer, through: SwarmPeer): Promise<SwarmPeer> {
		const host = this.hostOf(dead);
		host.restart();
		const peer = await this.add({}, host);
		await this.until(peer.connect(through.listener));
		return peer;
	}

	/** One of the peers, by chance. */
	pick(): SwarmPeer | undefined {
		return this.peers[Math.floor(this.simulation.random.next() * this.peers.length)];
	}

	/** Lets time pass until the promise settles, or the condition holds. */
	until<T>(condition: Promise<T> | (() => boolean), limit = 120_000): Promise<T> {
		return this.simulation.runUntil<T>(condition, { limit });
	}

	/** Two peers without a link to each other. */
	strangers(): [SwarmPeer, SwarmPeer] {
		return this.pair(areStrangers);
	}

	/** Two peers of which something holds. */
	pair(holds: (from: SwarmPeer, to: SwarmPeer) => boolean): [SwarmPeer, SwarmPeer] {
		for (const from of this.peers) {
			const to = this.peers.find((peer) => peer !== from && holds(from, peer));
			if (to !== undefined) return [from, to];
		}
		throw new Error("there are no two such peers");
	}

	/** The live peers clockwise, beginning after `peer`. */
	after(peer: SwarmPeer): SwarmPeer[] {
		const distance = (other: SwarmPeer): bigint => peer.hash.distanceTo(other.hash);
		return this.peers
			.filter((other) => other !== peer)
			.toSorted((a, b) => (distance(a) < distance(b) ? -1 : 1));
	}
}

/** True when there is no link between the two. */
export function areStrangers(a: SwarmPeer, b: SwarmPeer): boolean {
	return a !== b && !a.peers.some(({ hash }) => hash.equals(b.hash));
}

/**
 * A ring in which nobody knows everyone, and nobody dials whom it sends to: messages go by way of others. Links that the
 * ring does not need, such as those over which round trips were measured, are soon closed.
 */
export const sparse = { successors: 2, route: "ring", limits: { idle: 2_000 } } as const;

/** All that waits in a peer's inbox, as text. */
export async function drain(peer: SwarmPeer): Promise<string[]> {
	const texts: string[] = [];
	while (peer.pending > 0) texts.push(text(await peer.recv()));
	return texts;
}

export function text({ data }: Received): string {
	return new TextDecoder().decode(data);
}

/** The code with which a promise rejects; whatever else happens is the failure. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
	try {
		await promise;
	} catch (error) {
		if (error instanceof SwarmError) return error.code;
		throw error;
	}
	return "nothing";
}

export async function expectCode(promise: Promise<unknown>, code: string): Promise<void> {
	expect(await codeOf(promise)).toBe(code);
}
