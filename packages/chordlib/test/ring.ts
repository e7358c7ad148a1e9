import { type LatencyModel, type SimHost, Simulation, constant } from "@cicada/simnet";

import { Hash, LocalNode, type LocalNodeOptions, type RemoteNode } from "../src/index.ts";
import { WatchedClock } from "./timers.ts";

const PORT = 7000;

/** Nodes on a simulated network, and what is true of them. */
export class Ring {
	readonly simulation: Simulation;
	/** The nodes that are alive, whether or not they are in a ring. */
	readonly nodes = new Set<LocalNode>();
	readonly #hosts = new Map<LocalNode, SimHost>();
	readonly #clocks = new Map<LocalNode, WatchedClock>();
	readonly #options: LocalNodeOptions;

	constructor(
		seed: number,
		options: LocalNodeOptions & { latency?: LatencyModel; cut?: boolean } = {},
	) {
		const { latency = constant(10), cut = false, ...rest } = options;
		this.#options = rest;
		this.simulation = new Simulation({ seed, latency, cut });
	}

	/** A new host, without a node on it; at the IP address that is given, if one is. */
	host(name: string, ip?: string): SimHost {
		return this.simulation.host(name, ip === undefined ? {} : { ip });
	}

	/** A node that listens, on a host of its own or on one that is there. */
	async add(
		name: string,
		options: LocalNodeOptions = {},
		host: SimHost = this.host(name),
	): Promise<LocalNode> {
		const clock = new WatchedClock(host.clock);
		const ports = { clock, random: host.random, transport: host.transport };
		const bind = { host: host.ip, port: PORT };
		const node = new LocalNode(name, bind, {
			encryption: "off",
			...this.#options,
			ports,
			...options,
		});
		await node.listen();
		this.nodes.add(node);
		this.#hosts.set(node, host);
		this.#clocks.set(node, clock);
		return node;
	}

	hostOf(node: LocalNode): SimHost {
		const host = this.#hosts.get(node);
		if (host === undefined) throw new Error("no such node");
		return host;
	}

	/** How many timers of a node are still to run. */
	timersOf(node: LocalNode): number {
		return this.#clocks.get(node)?.waiting ?? 0;
	}

	/**
	 * Adds so many nodes, each of which joins through one that is there, any one or its neighbour to be; then
	 * waits until the ring is ideal.
	 */
	async grow(count: number, options: { near?: boolean } = {}): Promise<LocalNode[]> {
		const added: LocalNode[] = [];
		for (let i = 0; i < count; i++) {
			const name = `node ${this.simulation.hosts.length}`;
			const { predecessor } = this.nodes.size > 1 ? this.owner(new Hash({ value: name })) : {};
			const through = options.near === true && predecessor ? predecessor : this.pick();
			const node = await this.add(name);
			if (through !== undefined) await this.until(node.joinRing(through.address));
			added.push(node);
		}
		await this.settle();
		return added;
	}

	/** The process dies; its machine refuses who dials it, or falls silent. */
	crash(node: LocalNode, options: { silent?: boolean } = {}): void {
		this.nodes.delete(node);
		this.hostOf(node).crash(options);
	}

	/** One of the nodes, by chance. */
	pick(): LocalNode | undefined {
		const all = [...this.nodes];
		return all[Math.floor(this.simulation.random.next() * all.length)];
	}

	/** Lets time pass until the promise settles, or the condition holds. */
	until<T>(condition: Promise<T> | (() => boolean), limit = 60_000): Promise<T> {
		return this.simulation.runUntil<T>(condition, { limit });
	}

	/** Lets time pass until the ring is ideal, at most `limit` virtual milliseconds. */
	async settle(limit = 60_000): Promise<void> {
		const end = this.simulation.now + limit;
		while (this.flaw() !== undefined && this.simulation.now < end) await this.simulation.run(100);
		const flaw = this.flaw();
		if (flaw !== undefined) throw new Error(`after ${limit} ms ${flaw}`);
	}

	/** The live nodes in the order of their ids. */
	get sorted(): LocalNode[] {
		return [...this.nodes].toSorted((a, b) => a.hash.compare(b.hash));
	}

	/** Who owns `id`: the first live node at or clockwise after it. */
	owner(id: Hash): LocalNode {
		const [first, ...others] = this.sorted;
		if (first === undefined) throw new Error("no nodes");
		return [first, ...others].find((node) => node.hash.compare(id) >= 0) ?? first;
	}

	/** What is not as it should be in a ring of all live nodes, if anything. */
	flaw(): string | undefined {
		const all = this.sorted;
		const size = all.length;
		const length = Math.min(this.#options.successors ?? 16, size - 1);
		for (const [index, node] of all.entries()) {
			const right = namesOf(Array.from({ length }, (_, i) => all[(index + i + 1) % size]));
			const list = namesOf(node.successors);
			if (list !== right) return `${nameOf(node)} has successors ${list}, not ${right}`;
			const before = size === 1 ? undefined : nameOf(all[(index + size - 1) % size]);
			const predecessor = node.predecessor && nameOf(node.predecessor);
			if (predecessor !== before)
				return `${nameOf(node)} has predecessor ${predecessor}, not ${before}`;
		}
		return undefined;
	}

	/** Has each node look up each node, and ids that nobody has, both ways: what was answered wrong. */
	async wrongLookups(): Promise<string[]> {
		const ids = [...this.nodes].map(({ hash }) => hash);
		ids.push(new Hash({ value: `key ${this.simulation.now}` }), new Hash({ hashed: 0n }));
		ids.push(new Hash({ hashed: 2n ** 256n - 1n }));
		const wrong: string[] = [];
		const ask = async (node: LocalNode, id: Hash, mode: Mode): Promise<void> => {
			const { node: found } = await node.lookup(id, { mode });
			const right = nameOf(this.owner(id));
			if (nameOf(found) === right) return;
			wrong.push(`${mode}: ${nameOf(node)} says ${nameOf(found)} owns ${right}'s ${id.toString()}`);
		};
		const all = [...this.nodes].flatMap((node) =>
			ids.flatMap((id) => [ask(node, id, "recursive"), ask(node, id, "iterative")]),
		);
		await this.until(Promise.all(all));
		return wrong;
	}
}

type Mode = "recursive" | "iterative";

/** Short enough to read in a failure. */
export function nameOf(node: RemoteNode | LocalNode | undefined): string {
	return node?.hash.toString().slice(0, 8) ?? "nobody";
}

function namesOf(nodes: readonly (RemoteNode | undefined)[]): string {
	return nodes.map(nameOf).join(" ");
}

/** A hash that is `offset` after another one. */
export function after(hash: Hash, offset: bigint): Hash {
	return new Hash({
		hashed: (((hash.toBigInt() + offset) % 2n ** 256n) + 2n ** 256n) % 2n ** 256n,
	});
}

/** Which of `node`'s fingers may point to `other`: two for each power of two. */
export function fingerFor(node: LocalNode, other: RemoteNode): number {
	const far = Number(node.hash.distanceTo(other.hash));
	const power = Math.floor(Math.log2(far));
	return 2 * power + (far < 1.5 * 2 ** power ? 0 : 1);
}
