import type { Reach, Sending } from "../figures.ts";
import type { Member, SimulatedSwarm } from "./simulated-swarm.ts";

/** A message that was sent, and what became of it as far as its sender knows. */
interface Sent {
	readonly message: number;
	readonly to: Member;
	readonly hops: number;
	readonly rtt: number;
	readonly linked: boolean;
	/** Why it was not acknowledged. */
	readonly why: string | undefined;
}

/** How many targets are tried for one message. */
const TRIES = 50;

/** Messages and broadcasts of a swarm, held against what its peers have received. */
export class Traffic {
	readonly #swarm: SimulatedSwarm;
	readonly #timeout: number;
	/** What is under way, by who sent it. What a peer that crashed has sent is never settled. */
	readonly #underWay = new Set<{ readonly from: Member }>();
	readonly #sent: Sent[] = [];
	/** How many went to, or came from, a peer that died before they were settled. */
	lostWithPeers = 0;
	readonly broadcasts: Reach[] = [];
	readonly #failures: string[] = [];
	#messages = 0;

	/** `timeout`: virtual milliseconds that a message may take. */
	constructor(swarm: SimulatedSwarm, timeout: number) {
		this.#swarm = swarm;
		this.#timeout = timeout;
	}

	/** Sends a message from one random peer to another, to which it has no link if there is such a one. */
	send(duplicates: number): void {
		const from = this.#swarm.any();
		let to = this.#swarm.any(from);
		for (let tries = 0; tries < TRIES && hasLink(from, to); tries++) to = this.#swarm.any(from);
		void this.#settle(from, this.#send(from, to, duplicates));
	}

	/** A random peer broadcasts to all the others. */
	broadcast(): void {
		const from = this.#swarm.any();
		void this.#settle(from, this.#broadcast(from));
	}

	/** Resolves when nothing is under way any more that somebody waits for. */
	async settled(): Promise<void> {
		const settled = (): boolean => [...this.#underWay].every(({ from }) => !from.alive);
		while (!settled()) await this.#swarm.run(1_000);
		this.lostWithPeers += this.#underWay.size;
	}

	get sendings(): Sending[] {
		return this.#sent.map((sent) => ({ ...sent, delivered: this.#trouble(sent) === undefined }));
	}

	/** What went wrong, as sentences. */
	get failures(): string[] {
		const troubles = this.#sent.map((sent) => this.#trouble(sent));
		return [...this.#failures, ...troubles.filter((trouble) => trouble !== undefined)];
	}

	async #settle(from: Member, settling: Promise<void>): Promise<void> {
		const one = { from };
		this.#underWay.add(one);
		await settling;
		this.#underWay.delete(one);
	}

	/** Why a message does not count as delivered. */
	#trouble({ message, to, why }: Sent): string | undefined {
		if (why !== undefined) return `message ${message} to ${to.name}: ${why}`;
		const times = timesReceived(message, to);
		return times === 1
			? undefined
			: `message ${message} to ${to.name}: acknowledged, and received ${times} times`;
	}

	async #send(from: Member, to: Member, duplicates: number): Promise<void> {
		const message = this.#messages++;
		const sent = { message, to, hops: 0, rtt: 0, linked: hasLink(from, to) };
		try {
			const options = { duplicates, timeout: this.#timeout };
			const { hops, rtt } = await from.peer.send(to.peer, String(message), options);
			this.#sent.push({ ...sent, hops, rtt, why: undefined });
		} catch (error) {
			if (!from.alive || !to.alive) this.lostWithPeers++;
			else this.#sent.push({ ...sent, why: (error as Error).message });
		}
	}

	/** Whether it worked out is what those say who lived throughout, not what the sender was told. */
	async #broadcast(from: Member): Promise<void> {
		const { simulation } = this.#swarm;
		const message = this.#messages++;
		const others = this.#swarm.members.filter((member) => member !== from);
		const began = simulation.now;
		let told: string | undefined;
		try {
			await from.peer.broadcast(String(message), { timeout: this.#timeout });
		} catch (error) {
			told = (error as Error).message;
		}
		if (!from.alive) return;
		const expected = others.filter(({ alive }) => alive);
		const reached = expected.filter((member) => timesReceived(message, member) === 1).length;
		this.broadcasts.push({ reached, expected: expected.length, ms: simulation.now - began });
		if (told !== undefined || reached < expected.length) {
			const why = told === undefined ? "" : `: ${told}`;
			this.#failures.push(`a broadcast reached ${reached} of ${expected.length}${why}`);
		}
	}
}

function hasLink(from: Member, to: Member): boolean {
	return from.peer.peers.some(({ hash }) => hash.equals(to.peer.hash));
}

function timesReceived(message: number, { received }: Member): number {
	return received.filter((number) => number === message).length;
}
