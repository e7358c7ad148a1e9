// A small protocol of one's own, and what a simulated network shows of it. Every node tells each rumor that it
// hears to a few others, and asks one peer now and then what it has missed. A third of the nodes dies on the way.
import {
	type Case,
	type Link,
	type LinkHandler,
	type Ports,
	randomFaults,
	record,
	type Recording,
	replay,
	runCase,
	type Scenario,
	shrink,
	type TimedFault,
	uniform,
} from "@cicada/simnet";

const PORT = 4000;
const nothing = (): void => {};

/** The protocol. It knows only the ports: on sockets it would be the same. A rumor is one byte. */
class Gossip {
	/** Rumor 0 is known to all: it is what there is to say when there is nothing to say. */
	readonly heard = new Set([0]);
	readonly #ports: Ports;
	readonly #peers: readonly string[];
	readonly #repair: boolean;

	constructor(ports: Ports, peers: readonly string[], repair: boolean) {
		this.#ports = ports;
		this.#peers = peers;
		this.#repair = repair;
	}

	start(host: string): void {
		const { transport, clock, random } = this.#ports;
		const accept = (link: Link): LinkHandler => ({
			open: nothing,
			data: (rumors: Uint8Array) => {
				// What the other end knows comes in, what it lacks goes back.
				const missing = [...this.heard].filter((rumor) => !rumors.includes(rumor));
				link.send(Uint8Array.from(missing));
				for (const rumor of rumors) this.hear(rumor);
			},
			drain: nothing,
			close: nothing,
		});
		void transport.listen({ host, port: PORT }, accept);
		const again = (): void => {
			if (this.#repair) this.#tell();
			clock.schedule(1_000 + 1_000 * random.next(), again);
		};
		again();
	}

	hear(rumor: number): void {
		if (this.heard.has(rumor)) return;
		this.heard.add(rumor);
		for (let copies = 0; copies < 3; copies++) this.#tell();
	}

	/** Tells one peer, whichever chance picks, all that it has heard. */
	#tell(): void {
		const { transport, random, clock } = this.#ports;
		const peer = this.#peers[Math.floor(random.next() * this.#peers.length)] ?? "";
		const link = transport.dial(
			{ host: peer, port: PORT },
			{
				open: () => {
					link.send(Uint8Array.from(this.heard));
					clock.schedule(500, () => link.close());
				},
				data: (rumors) => {
					for (const rumor of rumors) this.hear(rumor);
				},
				drain: nothing,
				close: nothing,
			},
		);
	}
}

// #region scenario
/** The test: a rumor that is told to one node reaches all that live, within a minute. */
const spreads = (repair: boolean): Scenario => {
	const nodes = new Map<string, Gossip>();
	return {
		// The protocol is made of callbacks alone.
		promises: false,
		options: { latency: uniform(10, 100) },
		setup(simulation, given) {
			nodes.clear();
			const ip = (index: number): string => `198.51.100.${index}`;
			const peers = Array.from({ length: given.nodes }, (_, index) => ip(index));
			for (const [index, address] of peers.entries()) {
				simulation.host(`node ${index}`, {
					ip: address,
					start(ports, host) {
						const node = new Gossip(ports, peers, repair);
						nodes.set(host.name, node);
						node.start(host.ip);
					},
				});
			}
			simulation.schedule(1_000, () => nodes.get("node 0")?.hear(42));
		},
		check(simulation) {
			const live = simulation.hosts.filter(({ running }) => running);
			const deaf = live.filter(({ name }) => nodes.get(name)?.heard.has(42) !== true);
			if (deaf.length > 0) throw new Error(`${deaf.length} of ${live.length} never heard it`);
		},
	};
};

// #endregion

/** A case: 60 nodes, of which 20 die, one after the other, while the rumor spreads. All else follows from the seed. */
const caseOf = (seed: number): Case => ({
	seed,
	nodes: 60,
	duration: 60_000,
	faults: [
		...Array.from({ length: 20 }, (_, index): TimedFault => ({
			at: 1_000 + 20 * index,
			kind: "crash",
			host: `node ${3 * index + 1}`,
			silent: index % 2 === 0,
		})),
		// And the network is cut in two now and then, until half of the time is over.
		...randomFaults({
			seed,
			hosts: Array.from({ length: 60 }, (_, index) => `node ${index}`),
			until: 30_000,
			every: 5_000,
			kinds: ["partition", "oneWayPartition", "break"],
		}),
	],
});

// #region run
// With repair the rumor reaches everyone, whatever the seed.
const seeds = Array.from({ length: 20 }, (_, index) => index);
for (const seed of seeds) {
	const { failure } = await runCase(spreads(true), caseOf(seed));
	if (failure !== undefined) throw new Error(`seed ${seed}`, { cause: failure });
}
console.log(`with repair: ${seeds.length} of ${seeds.length} runs reach all`);

// Without it, some runs leave nodes out. The first of them shrinks to what it takes.
const fails = async (given: Case): Promise<boolean> =>
	(await runCase(spreads(false), given)).failure !== undefined;
for (const seed of seeds) {
	const given = caseOf(seed);
	if (!(await fails(given))) continue;
	const small = await shrink(given, fails, 2);
	console.log(`without repair: seed ${seed} fails; ${small.nodes} nodes do for that`);

	// It can be kept as JSON, and had again: the same events, to the byte.
	const kept = JSON.stringify(await record(spreads(false), small));
	const { same, hash } = await replay(spreads(false), JSON.parse(kept) as Recording);
	console.log(`replayed: ${same ? "the same" : "something else"}, trace ${hash}`);
	break;
}
// #endregion
