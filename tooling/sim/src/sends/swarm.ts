import type { Address } from "@cicada/chordlib";
import { SeededRandom } from "@cicada/simnet";

import { Child, Hearing } from "../processes/child.ts";
import { type Account, Ledger } from "./ledger.ts";
import type { Order, Word } from "./peer.ts";

export type Route = "auto" | "ring";

/** What the command line says about it. */
export interface SendsOptions {
	readonly processes: number;
	/** How long peers are killed, with each of the routes one after the other. */
	readonly minutes: number;
	readonly routes: readonly Route[];
	/** Sends in a second. */
	readonly rate: number;
	readonly seed: number;
	readonly say: (text: string) => void;
}

/** What became of it, with one of the routes. */
export interface Phase extends Account {
	readonly route: Route;
	readonly kills: number;
}

export interface SendsOutcome {
	readonly phases: readonly Phase[];
	/** Milliseconds until the swarm was there. */
	readonly formedMs: number | undefined;
	readonly unhandled: readonly string[];
}

const PROGRAM = new URL("peer.js", import.meta.url);
/** So that many processes fit in a small machine. */
const FLAGS = ["--max-old-space-size=96", "--max-semi-space-size=2"];
const ANY: Address = { host: "127.0.0.1", port: 0 };
/** Peers that start at the same time. */
const STARTING = 4;
/** How long they may take to become one ring. */
const FORMING = 120_000;
/** Milliseconds between two kills, and the time-out of a send: what it is unless the caller says otherwise. */
const KILLS = 2_000;
const TIMEOUT = 30_000;
/** Sends under way at most: on a slow machine there are fewer of them, not more and more. */
const UNDER_WAY = 64;
/** So many of the peers have to be in the swarm for one of them to be killed. */
const ENOUGH = 0.75;
/** Bytes of a message; of one in so many as many as go in several chunks. */
const SMALL = 64;
const LARGE = 100_000;
const LARGE_EVERY = 50;
const ENTRANCES = 3;

/** A process with one peer. */
class PeerProcess extends Child<Order, Word> {
	address: Address | undefined;
	id = "";
	ready = false;
	successor: string | undefined;
}

/** Peers in processes of their own, which send to each other while one after the other is killed and replaced. */
export class SendingSwarm {
	readonly #options: SendsOptions;
	readonly #random: SeededRandom;
	readonly #children = new Set<PeerProcess>();
	readonly #unhandled: string[] = [];
	#ledger = new Ledger();
	readonly #hearing = new Hearing();
	#started = 0;
	#sends = 0;
	#kills = 0;

	constructor(options: SendsOptions) {
		this.#options = options;
		this.#random = new SeededRandom(options.seed, 211);
	}

	async run(): Promise<SendsOutcome> {
		const { processes, routes, say } = this.#options;
		const phases: Phase[] = [];
		try {
			const formedMs = await this.#form(processes);
			const took = formedMs === undefined ? "no ring" : `a ring in ${seconds(formedMs)} s`;
			say(`${processes} processes: ${took}`);
			for (const route of formedMs === undefined ? [] : routes) {
				const phase = await this.#play(route);
				phases.push(phase);
				say(`${route}: ${phase.sends} sends, ${phase.kills} killed, ${phase.flawCount} flaws`);
			}
			return { phases, formedMs, unhandled: this.#unhandled };
		} finally {
			for (const child of this.#children) child.kill();
			await Promise.all([...this.#children].map(({ ended }) => ended));
		}
	}

	/** Starts them, a few at a time; milliseconds until they are one ring, or undefined when they do not become it. */
	async #form(count: number): Promise<number | undefined> {
		const began = performance.now();
		while (this.#children.size < count) {
			this.#start(ANY);
			const limit = this.#children.size === 1 ? 0 : STARTING - 1;
			await this.#hearing.until(() => this.#outside() <= limit, FORMING);
			if (this.#children.size % 8 === 0) {
				const took = seconds(performance.now() - began);
				this.#options.say(`${this.#children.size} started, ${this.#ready().length} in, ${took} s`);
			}
		}
		const formed = await this.#hearing.until(() => this.#isOneRing(), FORMING);
		return formed ? performance.now() - began : undefined;
	}

	/** How many are not in the swarm yet; the first is in it by itself. */
	#outside(): number {
		const [first] = this.#children;
		return [...this.#children].filter((child) =>
			child === first && this.#children.size === 1 ? child.address === undefined : !child.ready,
		).length;
	}

	/** Going from each to the next peer leads past all of them. */
	#isOneRing(): boolean {
		const byId = new Map([...this.#children].map((child) => [child.id, child]));
		const [first] = this.#children;
		let at = first;
		for (let i = 0; i < byId.size && at?.ready === true; i++) {
			at = byId.get(at.successor ?? "");
			if (at === first) return i + 1 === byId.size;
		}
		return false;
	}

	async #play(route: Route): Promise<Phase> {
		const { minutes, rate } = this.#options;
		this.#ledger = new Ledger();
		this.#kills = 0;
		const sends = setInterval(() => {
			this.#sendOne(route);
		}, 1_000 / rate);
		const kills = setInterval(() => {
			this.#killOne();
		}, KILLS);
		await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
		clearInterval(sends);
		clearInterval(kills);
		await this.#hearing.until(() => this.#ledger.open === 0, 2 * TIMEOUT);
		// What was acknowledged is in the inbox: its receiver tells of it any moment.
		await new Promise((resolve) => setTimeout(resolve, 500));
		const living = new Set([...this.#children].map(({ name }) => name));
		const account = this.#ledger.close((life) => living.has(life));
		return { ...account, route, kills: this.#kills };
	}

	#start(address: Address): void {
		const name = `p${this.#started++}`;
		const heard = (word: Word): void => {
			this.#heard(child, word);
		};
		const child: PeerProcess = new PeerProcess(name, PROGRAM, heard, FLAGS);
		this.#children.add(child);
		void child.ended.then(() => {
			if (!child.killed) this.#unhandled.push(`${name} ended by itself`);
		});
		child.tell({ kind: "bind", address });
	}

	#heard(child: PeerProcess, word: Word): void {
		switch (word.kind) {
			case "bound":
				child.address = word.address;
				child.id = word.id;
				this.#connect(child);
				break;
			case "failed":
				// Somebody's link has taken the port meanwhile; or whom it was to join through was killed.
				if (word.order === "bind") child.tell({ kind: "bind", address: ANY });
				else this.#connect(child);
				break;
			case "place":
				child.ready = word.ready;
				child.successor = word.successor;
				break;
			case "sent":
				this.#ledger.ended(word, performance.now());
				break;
			case "got":
				this.#ledger.got(child.name, word.number);
				break;
			default:
				this.#unhandled.push(`${child.name}: ${word.why}`);
		}
		this.#hearing.told();
	}

	#connect(child: PeerProcess): void {
		const [first] = this.#children;
		const ready = this.#ready().filter((other) => other !== child);
		const known = ready.length > 0 ? ready : first === undefined || first === child ? [] : [first];
		const through: Address[] = [];
		while (through.length < ENTRANCES && known.length > 0) {
			const index = Math.floor(this.#random.next() * known.length);
			through.push(...known.splice(index, 1).flatMap(({ address }) => address ?? []));
		}
		if (through.length > 0) child.tell({ kind: "connect", through });
	}

	#ready(): PeerProcess[] {
		return [...this.#children].filter(({ ready, killed }) => ready && !killed);
	}

	#pick(from: PeerProcess[]): PeerProcess | undefined {
		return from.splice(Math.floor(this.#random.next() * from.length), 1)[0];
	}

	#sendOne(route: Route): void {
		if (this.#ledger.open >= UNDER_WAY) return;
		const ready = this.#ready();
		const [from, to] = [this.#pick(ready), this.#pick(ready)];
		if (from === undefined || to?.address === undefined) return;
		const number = this.#sends++;
		const bytes = number % LARGE_EVERY === 0 ? LARGE : SMALL;
		this.#ledger.sent(number, from.name, to.name, performance.now() + TIMEOUT);
		from.tell({ kind: "send", number, to: to.address, bytes, route, timeout: TIMEOUT });
	}

	#killOne(): void {
		const ready = this.#ready();
		const isEnough = ready.length >= ENOUGH * this.#options.processes;
		const victim = isEnough ? this.#pick(ready) : undefined;
		if (victim === undefined) return;
		const again = this.#kills++ % 2 === 0 ? victim.address : undefined;
		victim.kill();
		this.#ledger.died(victim.name);
		void victim.ended.then(() => {
			this.#children.delete(victim);
			this.#start(again ?? ANY);
		});
	}
}

function seconds(ms: number): string {
	return (ms / 1_000).toFixed(1);
}
