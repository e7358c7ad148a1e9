import { type SimHost, Simulation, uniform } from "@cicada/simnet";
import { SwarmPeer } from "@cicada/swarmlib";

const PORT = 7_000;
/** Milliseconds that a packet takes one way. */
const LATENCY: readonly [least: number, most: number] = [10, 100];
/** Virtual milliseconds between two tries to join, and from the last join until the ring is at rest. */
const AGAIN = 1_000;
const REST = 30_000;
/** Virtual milliseconds at a time, so that somebody can interrupt it. */
const SLICE = 1_000;

/** A simulated peer, and the numbers of the messages that it has received. */
export interface Member {
	readonly name: string;
	readonly host: SimHost;
	readonly peer: SwarmPeer;
	readonly received: number[];
	/** False from the moment at which it died or began to leave. */
	alive: boolean;
}

/** Peers on a simulated network. What goes on in it follows from the seed. */
export class SimulatedSwarm {
	readonly simulation: Simulation;
	readonly #interrupted: AbortSignal;
	readonly #members: Member[] = [];
	#made = 0;

	constructor(seed: string, interrupted: AbortSignal) {
		this.simulation = new Simulation({ seed, latency: uniform(...LATENCY) });
		this.#interrupted = interrupted;
	}

	/** Those who live and have joined. */
	get members(): readonly Member[] {
		return this.#members.filter(({ alive }) => alive);
	}

	/** So many peers, each of which joins through a random earlier one; and rest after that. */
	async grow(peers: number, progress: (joined: number) => void): Promise<void> {
		for (let count = 1; count <= peers; count++) {
			await this.simulation.runUntil(this.add(), { limit: 600_000 });
			this.#interrupted.throwIfAborted();
			progress(count);
		}
		await this.run(REST);
	}

	/** Lets virtual milliseconds pass. */
	async run(ms: number): Promise<void> {
		for (let left = ms; left > 0; left -= SLICE) {
			await this.simulation.run(Math.min(left, SLICE));
			this.#interrupted.throwIfAborted();
		}
	}

	/** One more peer; resolves when it has joined. */
	async add(): Promise<void> {
		const name = `peer ${this.#made++}`;
		const host = this.simulation.host(name);
		// Every packet costs real time, which encrypting it would double.
		const peer = new SwarmPeer({ ports: host, encryption: "off", route: "ring" });
		await peer.bind(host.ip, PORT);
		const member: Member = { name, host, peer, received: [], alive: true };
		void receive(member);
		if (this.members.length > 0) await this.#join(peer);
		this.#members.push(member);
	}

	/** Its process dies. With `silent` its machine does too: nobody hears of it. */
	crash(member: Member, silent: boolean): void {
		this.#gone(member);
		member.host.crash({ silent });
	}

	/** It says goodbye. */
	leave(member: Member): void {
		this.#gone(member);
		void member.peer.close();
	}

	/** One of those who live, other than `but`. */
	any(but?: Member): Member {
		const candidates = this.members.filter((member) => member !== but);
		const chosen = candidates[this.below(candidates.length)];
		if (chosen === undefined) throw new Error("nobody is left");
		return chosen;
	}

	/** A whole number in [0, `limit`). */
	below(limit: number): number {
		return Math.floor(this.simulation.random.next() * limit);
	}

	async close(): Promise<void> {
		const closing = Promise.all(this.members.map(({ peer }) => peer.close()));
		await this.simulation.runUntil(closing, { limit: 600_000 });
	}

	#gone(member: Member): void {
		member.alive = false;
		this.#members.splice(this.#members.indexOf(member), 1);
	}

	/** A swarm that has just lost somebody is busy at times, and who is asked may die. */
	async #join(peer: SwarmPeer): Promise<void> {
		for (;;) {
			try {
				await peer.connect(this.any().peer.listener);
				return;
			} catch {
				const { simulation } = this;
				await new Promise<void>((resolve) => {
					simulation.schedule(simulation.now + AGAIN, resolve);
				});
			}
		}
	}
}

async function receive({ peer, received }: Member): Promise<void> {
	for await (const { data } of peer) received.push(Number(new TextDecoder().decode(data)));
}
