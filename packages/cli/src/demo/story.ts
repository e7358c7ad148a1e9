/**
 * What the demo shows, in order: a ring forms, messages cross it, a broadcast reaches all, a peer dies while
 * messages are under way, the ring heals. Read {@link Story.run} first.
 */
import { availableParallelism } from "node:os";

import { type Reach, figures, rounded, seconds } from "../figures.ts";
import type { Stage } from "../stage.ts";
import type { Fate } from "./calls.ts";
import { Chance } from "./chance.ts";
import { atMost, within } from "./concurrently.ts";
import { Ledger, type Sent } from "./ledger.ts";
import type { Report } from "./report.ts";
import type { Peer, Swarm } from "./swarm.ts";

/** Processes that start at once, and messages under way at once. */
const STARTING = 2 * availableParallelism();
const UNDER_WAY = 8;
/** Messages to the peer that is killed: half of them before, half in the same moment. */
const TO_VICTIM = 10;
/** How many pairs are tried for one message, in case they have a link by now. */
const TRIES = 20;
/** Milliseconds for the ring to form or heal, and for peers that were closed to end. */
const PATIENCE = 60_000;
const CLOSING = 10_000;

/** How much the demo shows, and the seed of its choices. */
export interface DemoOptions {
	readonly peers: number;
	/** In each round. */
	readonly messages: number;
	/** Extra copies of each message of the second round; 0: there is no such round. */
	readonly duplicates: number;
	readonly seed: string;
}

type Pair = readonly [from: Peer, to: Peer];

interface Crash {
	readonly others: readonly Sent[];
	readonly toVictim: readonly Sent[];
	readonly healMs: number;
}

export class Story {
	readonly #options: DemoOptions;
	readonly #stage: Stage;
	readonly #swarm: Swarm;
	readonly #chance: Chance;
	readonly #ledger = new Ledger();

	constructor(options: DemoOptions, stage: Stage, swarm: Swarm) {
		this.#options = options;
		this.#stage = stage;
		this.#swarm = swarm;
		this.#chance = new Chance(options.seed);
	}

	async run(): Promise<Report> {
		const { peers, duplicates, seed } = this.#options;
		const started = performance.now();
		const formMs = await this.#form();
		const rounds = [{ name: "once each", duplicates: 0, sent: await this.#round(0) }];
		if (duplicates > 0) {
			const name = `with ${duplicates} duplicate${duplicates === 1 ? "" : "s"}`;
			rounds.push({ name, duplicates, sent: await this.#round(duplicates) });
		}
		const broadcast = await this.#broadcast();
		// One of them will not live to tell.
		await this.#receipts();
		const { others, toVictim, healMs } = await this.#crash();
		rounds.push({ name: "while a peer dies", duplicates: 0, sent: others });
		const broadcastHealed = await this.#broadcast();
		await this.#receipts();

		const sendings = rounds.flatMap(({ sent }) => this.#ledger.sendings(sent));
		const all = figures(sendings);
		const failures = this.#ledger.failures(rounds.flatMap(({ sent }) => sent));
		const far = figures(sendings.filter(({ linked }) => !linked));
		if (far.multiHop < far.sent / 2) {
			failures.push(`only ${far.multiHop} of ${far.sent} messages crossed 2 links or more`);
		}
		const stubborn = await this.#swarm.close(CLOSING);
		failures.push(...stubborn.map(({ name }) => `${name}: its process did not end when it closed`));
		const rejected = toVictim.filter(({ fate }) => fate.outcome === "rejected").length;
		return {
			ok: failures.length === 0,
			failures,
			peers,
			seed,
			...all,
			rounds: rounds.map(({ name, duplicates, sent }) => ({
				name,
				duplicates,
				...figures(this.#ledger.sendings(sent)),
			})),
			toKilled: { sent: toVictim.length, delivered: toVictim.length - rejected, rejected },
			broadcast,
			broadcastHealed,
			formMs: rounded(formMs),
			healMs: rounded(healMs),
			totalMs: rounded(performance.now() - started),
		};
	}

	/** Each peer joins through a random earlier one, as soon as that one is in. Gives how long it took. */
	async #form(): Promise<number> {
		const { peers } = this.#options;
		const started = performance.now();
		const start = atMost(STARTING);
		const inRing: Promise<Peer>[] = [];
		let joined = 0;
		this.#stage.progress("joining", joined, peers);
		for (let i = 0; i < peers; i++) {
			const earlier = inRing[this.#chance.below(i)];
			const entered = start(async () => {
				const peer = this.#swarm.start(`peer ${i}`);
				await peer.bind();
				if (earlier !== undefined) await peer.call("join", (await earlier).place);
				this.#stage.progress("joining", ++joined, peers);
				return peer;
			});
			inRing.push(entered);
		}
		await Promise.all(inRing);
		await within(PATIENCE, this.#exact([]), "the ring did not form");
		const ms = performance.now() - started;
		this.#stage.done("formed", `a ring of ${peers} peers, in ${seconds(ms)}`);
		return ms;
	}

	/** Waits until every peer's place in the ring is exact, and nobody has a link to those that are `gone`. */
	async #exact(gone: string[]): Promise<void> {
		const { ring } = this.#swarm;
		let exact = 0;
		const title = gone.length === 0 ? "forming" : "healing";
		await Promise.all(
			ring.map(async (peer, i) => {
				const next = ring[(i + 1) % ring.length] ?? peer;
				await peer.call("exact", { next: next.place.id, gone });
				this.#stage.progress(title, ++exact, ring.length);
			}),
		);
	}

	/** Messages between peers that have no link to each other. */
	async #round(duplicates: number): Promise<readonly Sent[]> {
		const { messages } = this.#options;
		const send = await this.#sender(this.#swarm.peers, duplicates);
		const sent = await this.#many(messages, send);
		const extra = duplicates === 0 ? "" : `, each with ${duplicates} duplicates`;
		this.#stage.done("sent", `${messages} messages ${whom(sent)}${extra}`);
		return sent;
	}

	async #broadcast(): Promise<Reach> {
		const { peers } = this.#swarm;
		const [from, ...others] = this.#chance.shuffled(peers);
		if (from === undefined) throw new Error("nobody is left to broadcast");
		const started = performance.now();
		const message = this.#ledger.broadcast(from, others);
		const expected = others.length;
		try {
			const { reached } = await from.call("broadcast", message);
			const ms = rounded(performance.now() - started);
			this.#stage.done("broadcast", `reached ${reached} of ${expected}, in ${seconds(ms)}`);
			if (reached !== expected)
				this.#ledger.failed(`a broadcast reached ${reached} of ${expected}`);
			return { reached, expected, ms };
		} catch (error) {
			this.#ledger.failed(`a broadcast failed: ${String(error)}`);
			return { reached: 0, expected, ms: rounded(performance.now() - started) };
		}
	}

	/** One peer is killed when a third of the messages between the others have arrived. */
	async #crash(): Promise<Crash> {
		const { messages } = this.#options;
		const [victim, ...others] = this.#chance.shuffled(this.#swarm.peers);
		if (victim === undefined) throw new Error("nobody is left to be killed");
		const toVictim: Promise<Sent>[] = [];
		const sendToVictim = (): void => {
			for (let i = 0; i < TO_VICTIM / 2; i++) {
				const from = others[this.#chance.below(others.length)];
				if (from === undefined) continue;
				const sending = this.#send([from, victim], 0, false);
				// Awaited below; until then a failure is nobody's.
				sending.catch(() => {});
				toVictim.push(sending);
			}
		};
		let healing: Promise<number> | undefined;
		const kill = async (): Promise<number> => {
			sendToVictim();
			victim.kill();
			const killed = performance.now();
			await victim.ended;
			await within(PATIENCE, this.#exact([victim.place.id]), "the ring did not heal");
			const ms = performance.now() - killed;
			this.#stage.done("healed", `in ${seconds(ms)}`);
			return ms;
		};
		const send = await this.#sender(others, 0);
		sendToVictim();
		let settled = 0;
		const sent = this.#many(messages, async () => {
			const one = await send();
			if (++settled === Math.ceil(messages / 3)) {
				const when = `${settled} of ${messages} messages into another round`;
				this.#stage.done("killed", `${victim.name} (process ${victim.pid}), ${when}`);
				healing = kill();
				healing.catch(() => {});
			}
			return one;
		});
		const arrived = await sent;
		this.#stage.done("sent", `${messages} messages ${whom(arrived)} meanwhile`);
		return {
			others: arrived,
			healMs: (await healing) ?? 0,
			toVictim: await Promise.all(toVictim),
		};
	}

	/** Asks all peers what they have received. */
	async #receipts(): Promise<void> {
		await Promise.all(
			this.#swarm.peers.map(async (peer) => {
				this.#ledger.received(peer, await peer.call("received", null));
			}),
		);
	}

	async #many(count: number, send: () => Promise<Sent>): Promise<readonly Sent[]> {
		const start = atMost(UNDER_WAY);
		let settled = 0;
		const sendNext = async (): Promise<Sent> => {
			const sent = await send();
			this.#stage.progress("sending", ++settled, count);
			return sent;
		};
		return Promise.all(Array.from({ length: count }, async () => start(sendNext)));
	}

	/** Gives a function that sends one message between two of `peers`, not adjacent as far as there are such. */
	async #sender(peers: readonly Peer[], duplicates: number): Promise<() => Promise<Sent>> {
		const pairs = this.#chance.shuffled(await apart(peers));
		let turn = 0;
		return async () => {
			for (let tries = 0; tries < TRIES; tries++) {
				const pair = pairs[turn++ % pairs.length];
				if (pair === undefined) break;
				const sent = await this.#send(pair, duplicates, true);
				if (sent !== undefined) return sent;
			}
			const [from, to] = this.#chance.shuffled(peers);
			if (from === undefined || to === undefined) throw new Error("nobody is left to send");
			return this.#send([from, to], duplicates, false);
		};
	}

	/** Sends one message; not if `apart` is asked for and the two have a link at this moment. */
	async #send(pair: Pair, duplicates: number, apart: false): Promise<Sent>;
	async #send(pair: Pair, duplicates: number, apart: true): Promise<Sent | undefined>;
	async #send([from, to]: Pair, duplicates: number, apart: boolean): Promise<Sent | undefined> {
		const message = this.#ledger.number();
		const order = { message, to: to.place, duplicates, unlessLinked: apart };
		const fate: Fate = await from.call("send", order);
		return fate.outcome === "linked" ? undefined : { message, from, to, fate };
	}
}

/** All pairs of peers of which neither has a link to the other. */
async function apart(peers: readonly Peer[]): Promise<Pair[]> {
	const linked = new Map<Peer, Set<string>>();
	await Promise.all(
		peers.map(async (peer) => linked.set(peer, new Set(await peer.call("links", null)))),
	);
	const linkTo = (from: Peer, to: Peer): boolean => linked.get(from)?.has(to.place.id) === true;
	return peers.flatMap((from) =>
		peers
			.filter((to) => to !== from && !linkTo(from, to) && !linkTo(to, from))
			.map((to): Pair => [from, to]),
	);
}

/** Says between whom messages went. */
function whom(sent: readonly Sent[]): string {
	const linked = sent.filter(({ fate }) => fate.outcome === "delivered" && fate.linked).length;
	const whole = "between peers that are not adjacent";
	return linked === 0 ? whole : `${whole}, but for ${linked}`;
}
