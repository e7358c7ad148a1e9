// The replicated store as people would use it: read and written while nodes are killed and come, on a simulated
// network. What was acknowledged must stay.
import { Hash } from "@cicada/chordlib";
import { type SimHost, Simulation, uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import { ReplicatedStore } from "../src/replicated-store.ts";

const FACTOR = Number(process.env["CICADA_FACTOR"]);
const NODES = 20;
const KEYS = FACTOR > 1 ? 10_000 : 1_000;
const CHANGES = 5;
/** Reads and writes under way at once. */
const WORKERS = 32;
const PATIENCE = 120_000 * (FACTOR > 1 ? 30 : 1);

class Swarm {
	readonly simulation = new Simulation({ seed: 11, latency: uniform(5, 50) });
	readonly stores: ReplicatedStore[] = [];
	readonly #hosts = new Map<ReplicatedStore, SimHost>();

	async add(): Promise<void> {
		const host = this.simulation.host(`host ${this.simulation.hosts.length}`);
		const store = new ReplicatedStore(host.name, host.ip, host);
		const [first] = this.stores;
		await this.simulation.runUntil(store.start(first));
		this.stores.push(store);
		this.#hosts.set(store, host);
	}

	/** The process dies, and its machine falls silent. */
	kill(store: ReplicatedStore): void {
		this.stores.splice(this.stores.indexOf(store), 1);
		this.#hosts.get(store)?.crash({ silent: true });
	}

	/** Who is there and owns a key. */
	ownerOf(key: string): ReplicatedStore {
		const hash = new Hash({ value: key });
		const distance = ({ node }: ReplicatedStore): bigint => hash.distanceTo(node.hash);
		return this.stores.reduce((a, b) => (distance(a) < distance(b) ? a : b));
	}

	/** How many nodes that are there have what was written to a key, or something newer. */
	copiesOf(key: string, written: number): number {
		const number = ({ entries }: ReplicatedStore): number =>
			Number(new TextDecoder().decode(entries.get(key)?.value));
		return this.stores.filter((store) => number(store) >= written).length;
	}
}

/** What is written, one write to a key at a time: what was acknowledged last, and what may have been written since. */
class Clients {
	readonly counts = { reads: 0, writes: 0, wrong: [] as string[] };
	/** The key to which a write was acknowledged last. */
	latest = "";
	readonly #swarm: Swarm;
	readonly #acknowledged = new Map<string, number>();
	readonly #busy = new Set<string>();
	#stopped = false;

	constructor(swarm: Swarm) {
		this.#swarm = swarm;
	}

	/** Whether each acknowledged write is at three nodes that are there. */
	get replicated(): boolean {
		return [...this.#acknowledged].every(([key, written]) => {
			return this.#swarm.copiesOf(key, written) >= 3;
		});
	}

	async write(key: string): Promise<void> {
		const next = (this.#acknowledged.get(key) ?? 0) + 1;
		await this.#any().put(key, `${next}`);
		this.#acknowledged.set(key, next);
		this.latest = key;
		this.counts.writes++;
	}

	/** No other client writes to the key meanwhile, so that it must hold just what was acknowledged last. */
	async read(key: string): Promise<void> {
		const expected = this.#acknowledged.get(key);
		const found = await this.#any().get(key);
		this.counts.reads++;
		if (found !== `${expected}`) this.counts.wrong.push(`${key}: ${found} for ${expected}`);
	}

	/** Reads and writes until it is told to stop. */
	async work(): Promise<void> {
		const { random } = this.#swarm.simulation.host("client");
		const worker = async (): Promise<void> => {
			while (!this.#stopped) {
				const key = `key ${Math.floor(random.next() * KEYS)}`;
				if (this.#busy.has(key)) continue;
				this.#busy.add(key);
				await (random.next() < 0.5 ? this.write(key) : this.read(key));
				this.#busy.delete(key);
			}
		};
		await Promise.all(Array.from({ length: WORKERS }, worker));
	}

	stop(): void {
		this.#stopped = true;
	}

	#any(): ReplicatedStore {
		// The first of them lives throughout: who asked through one that is killed would not hear of it.
		const [first] = this.#swarm.stores;
		if (first === undefined) throw new Error("nobody is there");
		return first;
	}
}

/** Does something with every key, with some of them at once. */
async function each(keys: readonly string[], work: (key: string) => Promise<void>): Promise<void> {
	for (let from = 0; from < keys.length; from += WORKERS) {
		await Promise.all(keys.slice(from, from + WORKERS).map(work));
	}
}

test(
	`${NODES} nodes, ${KEYS} keys, ${CHANGES} killed and ${CHANGES} new: no acknowledged write is lost`,
	async () => {
		const swarm = new Swarm();
		const { simulation, stores } = swarm;
		for (let count = 0; count < NODES; count++) await swarm.add();
		await simulation.run(20_000);
		const clients = new Clients(swarm);
		const all = Array.from({ length: KEYS }, (_, index) => `key ${index}`);
		await simulation.runUntil(
			each(all, (key) => clients.write(key)),
			{ limit: 3_600_000 },
		);
		const work = clients.work();

		for (let change = 0; change < CHANGES; change++) {
			// The worst moment: the owner of a key has just said that what was written to it is kept.
			const before = clients.counts.writes;
			await simulation.runUntil(
				() => clients.counts.writes > before && swarm.ownerOf(clients.latest) !== stores[0],
			);
			swarm.kill(swarm.ownerOf(clients.latest));
			await simulation.run(2_000);
			await swarm.add();
			// The next one dies once all is there three times again.
			let waited = 0;
			while (!clients.replicated) {
				await simulation.run(1_000);
				expect(++waited, "seconds until all is replicated again").toBeLessThan(300);
			}
		}
		clients.stop();
		await simulation.runUntil(work);
		const { reads, writes } = clients.counts;
		await simulation.runUntil(
			each(all, (key) => clients.read(key)),
			{ limit: 3_600_000 },
		);
		console.log(`${reads} reads and ${writes} writes; then all ${KEYS} keys read`);
		expect(clients.counts.wrong).toEqual([]);
		expect(Math.min(reads, writes - KEYS)).toBeGreaterThan(100);

		// Who need not keep an entry has let go of it.
		await simulation.run(30_000);
		for (const key of all) expect(stores.filter(({ entries }) => entries.has(key))).toHaveLength(3);
		for (const store of stores) await store.close();
	},
	PATIENCE,
);
