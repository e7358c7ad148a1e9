import { setTimeout as pause } from "node:timers/promises";

import { SwarmPeer, type SwarmOptions } from "@cicada/swarmlib";

import { type Sample, handles, measure } from "./measure.ts";
import type { Options } from "./options.ts";

/** How long the ring may take to be whole once nobody comes or goes, in milliseconds. */
const WHOLE = 60_000;
/** How long a newcomer may take to get in, while others come and go and the machine may be busy. */
const JOIN = 30_000;
/** How long anything else may take. */
const TIMEOUT = 10_000;
/** Bytes of what is sent: most of it small, some of it cut. */
const SIZES = [1, 100, 1_000, 100_000];

/** What is remembered of others is full before long: what still grows then is a leak. */
const OPTIONS: SwarmOptions = {
	network: { id: "soak", secret: new Uint8Array(32).fill(7) },
	sessions: 64,
	limits: { proofs: 64 },
};

/** What came of it. */
export interface Outcome {
	readonly came: number;
	readonly left: number;
	/** Messages, requests and broadcasts; those between peers that stay, and of these what was not delivered. */
	readonly sent: number;
	readonly steady: number;
	readonly lost: number;
	readonly samples: readonly Sample[];
	readonly failures: readonly string[];
}

/** Peers that come and go. */
export class Soak {
	readonly #options: Options;
	readonly #say: (text: string) => void;
	/** Those that stay come first. */
	readonly #peers: SwarmPeer[] = [];
	readonly #underWay = new Map<Promise<void>, string>();
	readonly #failures: string[] = [];
	/** What had not been delivered, by the reason. */
	readonly #lost = new Map<string, number>();
	#came = 0;
	#left = 0;
	#sent = 0;
	#steady = 0;

	constructor(options: Options, say: (text: string) => void) {
		this.#options = options;
		this.#say = say;
	}

	async run(): Promise<Outcome> {
		const { heap, minutes, peers, sample } = this.#options;
		const samples: Sample[] = [];
		const began = performance.now();
		const seconds = (): number => (performance.now() - began) / 1_000;
		for (let n = 0; n < peers; n++) await this.#come();
		while (seconds() < minutes * 60 && this.#failures.length === 0) {
			const until = seconds() + sample;
			while (seconds() < until && this.#failures.length === 0) await this.#step();
			// What was broadcast is looked after until its time is over, and a part of the heap until then.
			if (heap) await pause(TIMEOUT);
			await this.#settle();
			const now = measure(seconds());
			samples.push(now);
			this.#check(now, samples[0] ?? now);
			this.#tell(now);
		}
		for (const peer of this.#peers) await this.#ends("close", peer.close());
		return {
			came: this.#came,
			left: this.#left,
			sent: this.#sent,
			steady: this.#steady,
			lost: [...this.#lost.values()].reduce((sum, count) => sum + count, 0),
			samples,
			failures: [
				...this.#failures,
				...[...this.#lost].map(([why, count]) => `${count} between peers that stay: ${why}`),
			],
		};
	}

	/** One goes and one comes, and each says something. */
	async #step(): Promise<void> {
		const { every, steady } = this.#options;
		const next = performance.now() + every;
		const leaver = this.#peers[steady + Math.floor(Math.random() * (this.#peers.length - steady))];
		for (const peer of this.#peers) this.#talk(peer);
		if (leaver !== undefined) await this.#go(leaver);
		await this.#come();
		await pause(Math.max(0, next - performance.now()));
	}

	async #come(): Promise<void> {
		const peer = new SwarmPeer({ ...OPTIONS, identity: this.#came % 2 === 0 ? "address" : "key" });
		await this.#ends("bind", peer.bind("127.0.0.1", 0));
		peer.on("error", (error) => this.#failures.push(`an error event: ${String(error)}`));
		peer.onRequest(({ data }) => data);
		void this.#read(peer);
		const through = this.#pick(this.#peers.slice(0, this.#options.steady));
		if (through !== undefined) {
			await this.#ends("connect", peer.connect(through.listener, { timeout: JOIN }));
		}
		this.#peers.push(peer);
		this.#came++;
	}

	/** Leaves: with a word, without one, or for a moment only. */
	async #go(peer: SwarmPeer): Promise<void> {
		this.#peers.splice(this.#peers.indexOf(peer), 1);
		if (this.#left++ % 2 === 0) await this.#ends("disconnect", peer.disconnect({ timeout: 100 }));
		await this.#ends("close", peer.close());
	}

	/** Waits for something to end, and says what it is when it does not, or fails. */
	#ends(what: string, promise: Promise<unknown>): Promise<void> {
		return new Promise((resolve) => {
			const end = (trouble?: string): void => {
				clearTimeout(timer);
				if (trouble !== undefined) this.#failures.push(`a ${what} ${trouble}`);
				resolve();
			};
			const timer = setTimeout(end, WHOLE, `has not ended after ${WHOLE} ms`);
			promise.then(
				() => {
					end();
				},
				(error: unknown) => {
					end(`failed: ${String(error)}`);
				},
			);
		});
	}

	async #read(peer: SwarmPeer): Promise<void> {
		for await (const { data } of peer) if (data.length === 0) this.#failures.push("nothing came");
	}

	/** A message or a request to somebody, or a broadcast. */
	#talk(from: SwarmPeer): void {
		const { steady } = this.#options;
		const to = this.#pick(this.#peers.filter((peer) => peer !== from));
		if (to === undefined) return;
		const data = new Uint8Array(this.#pick(SIZES) ?? 1);
		const chance = Math.random();
		const [a, b] = [this.#peers.indexOf(from), this.#peers.indexOf(to)];
		const stay = Math.max(a, b) < steady && chance < 0.9;
		this.#sent++;
		if (stay) this.#steady++;
		const options = { timeout: TIMEOUT };
		const said: Promise<unknown> =
			chance < 0.6
				? from.send(to.hash, data, options)
				: chance < 0.9
					? from.request(to.listener, data, options)
					: from.broadcast(data, options);
		const settled: Promise<void> = said.then(
			() => {},
			(error: unknown) => {
				const why = error instanceof Error ? error.message : String(error);
				if (stay) this.#lost.set(why, (this.#lost.get(why) ?? 0) + 1);
			},
		);
		const what = `${chance < 0.6 ? "send" : chance < 0.9 ? "request" : "broadcast"} of ${data.length} bytes`;
		this.#underWay.set(settled, what);
		void settled.finally(() => this.#underWay.delete(settled));
	}

	/** Waits until nothing is under way, everyone knows the whole ring, and no socket is left but those of its links. */
	async #settle(): Promise<void> {
		for (const [settled, what] of this.#underWay) await this.#ends(what, settled);
		const until = performance.now() + WHOLE;
		while (performance.now() < until) {
			if (this.#isWhole() && handles().sockets === this.#links()) return;
			await pause(50);
		}
	}

	#isWhole(): boolean {
		const here = new Set(this.#peers.map(({ hash }) => hash.toString()));
		return this.#peers.every(({ peers, ring }) => {
			const others = [...ring.successors, ...peers];
			const known = new Set(others.map(({ hash }) => hash.toString()));
			return known.size === here.size - 1 && [...known].every((id) => here.has(id));
		});
	}

	/** Ends of links: each of them is a socket. */
	#links(): number {
		return this.#peers.reduce((sum, { stats }) => sum + stats.links, 0);
	}

	#check({ files, listeners, sockets }: Sample, first: Sample): void {
		const [links, { length }] = [this.#links(), this.#peers];
		if (!this.#isWhole()) this.#failures.push(`after ${WHOLE} ms the ring is not whole`);
		if (sockets !== links || listeners !== length) {
			const are = `${sockets} sockets and ${listeners} listeners`;
			this.#failures.push(`${are}, of which ${links} and ${length} are in use`);
		}
		if (files === undefined || first.files === undefined) return;
		const [others, atFirst] = [files - sockets, first.files - first.sockets];
		if (others > atFirst) {
			this.#failures.push(`${others} files besides sockets are open, and ${atFirst} were at first`);
		}
	}

	#tell({ at, files, heap, sockets, timers }: Sample): void {
		const mib = (heap / 1_048_576).toFixed(2);
		this.#say(
			`${at.toFixed(0)} s: ${this.#came} came, ${this.#left} left, ${this.#sent} sent; ${sockets} sockets, ${files} files, ${timers} timers, ${mib} MiB`,
		);
	}

	#pick<T>(values: readonly T[]): T | undefined {
		return values[Math.floor(Math.random() * values.length)];
	}
}
