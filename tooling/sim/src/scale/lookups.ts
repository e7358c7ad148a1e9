import { randomKey } from "../lookups.ts";
import { ownerIndex } from "../oracles/order.ts";
import { type LookupTally, type Spread, addTo, mean, spread } from "../tally.ts";
import { makeRing, still } from "./ideal.ts";
import type { Member } from "./member.ts";
import type { Found, Id } from "./parts.ts";
import { World } from "./world.ts";

/** What the command line says about it. */
export interface LookupOptions {
	readonly nodes: number;
	readonly seed: number;
	readonly successors: number;
	/** How many lookups in all. */
	readonly count: number;
	/** The part of the nodes that is dead when the lookups begin, and nobody knows. */
	readonly dead: number;
}

export interface LookupResult extends LookupOptions {
	readonly lookups: LookupTally;
	readonly hops: Spread;
	/** Virtual milliseconds. */
	readonly time: Spread;
	/** The mean round trip between two random members, in milliseconds. */
	readonly roundTrip: number;
	/** Mean latency, in mean round trips. */
	readonly latency: number;
	readonly realMs: number;
	/** Of all threads. */
	readonly cpuMs: number;
	/** Bytes, at most, of the whole process. */
	readonly maxRss: number;
}

/** How many lookups begin at the same time. */
const WAVE = 1_000;
const BUDGET = 10_000;
const PAIRS = 1_000_000;

/**
 * Lookups on an ideal ring that stays as it is. With dead nodes each wave meets a ring of which nothing was repaired:
 * it is made anew.
 */
export function runLookups(options: LookupOptions, say: (text: string) => void): LookupResult {
	const { count, dead, nodes, seed, successors } = options;
	const began = performance.now();
	const cpu = process.cpuUsage();
	const lookups: LookupTally = { ok: 0, wrong: 0, failed: 0 };
	const hops = spread();
	const time = spread();
	let world: World | undefined;
	let roundTrip = 0;
	for (let wave = 0; wave * WAVE < count; wave++) {
		if (world === undefined || dead > 0) {
			world = new World(seed + wave);
			makeRing(world, nodes, successors, still);
			roundTrip ||= meanRoundTrip(world);
			kill(world, dead);
		}
		const amount = Math.min(WAVE, count - wave * WAVE);
		runWave(world, amount, { lookups, hops, time });
		say(`${wave * WAVE + amount} lookups, ${lookups.wrong} wrong, ${lookups.failed} failed`);
	}
	const latency = mean(time) / roundTrip;
	const realMs = performance.now() - began;
	const { user, system } = process.cpuUsage(cpu);
	const cpuMs = (user + system) / 1_000;
	const maxRss = process.resourceUsage().maxRSS * 1_024;
	const figures = { roundTrip, latency, realMs, cpuMs, maxRss };
	return { nodes, seed, successors, count, dead, lookups, hops, time, ...figures };
}

/** Runs them, and says how they went; true when all were right. */
export function lookupsScenario(
	options: LookupOptions & { readonly json: boolean; readonly quiet: boolean },
): boolean {
	const result = runLookups(options, (text) => {
		if (!options.quiet) console.error(text);
	});
	console.log(describe(result));
	if (options.json) console.log(JSON.stringify(result));
	return result.lookups.wrong + result.lookups.failed === 0;
}

function describe(result: LookupResult): string {
	const { cpuMs, dead, hops, latency, lookups, maxRss, nodes, realMs, roundTrip, time } = result;
	const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
	const lines: (readonly [string, string])[] = [
		["nodes", `${nodes}, ${Math.round(dead * nodes)} of them dead`],
		["lookups", `${lookups.ok} right, ${lookups.wrong} wrong, ${lookups.failed} failed`],
		["hops", `${mean(hops).toFixed(2)} on average, at most ${hops.most}`],
		["round trip", `${roundTrip.toFixed(0)} ms on average between two members`],
		["latency", `${latency.toFixed(2)} round trips on average`],
		["time of a lookup", `${mean(time).toFixed(0)} ms on average, at most ${time.most.toFixed(0)}`],
		["memory", `at most ${(maxRss / 2 ** 20).toFixed(0)} MiB`],
		["time", `${seconds(realMs)} s, ${seconds(cpuMs)} s of a core`],
	];
	return lines.map(([name, value]) => `${name.padEnd(20)}${value}`).join("\n");
}

interface Tallies {
	readonly lookups: LookupTally;
	readonly hops: Spread;
	readonly time: Spread;
}

function runWave(world: World, amount: number, { lookups, hops, time }: Tallies): void {
	const members = [...world.members.values()];
	const ids = [...world.members.keys()].toSorted();
	const asked = world.now;
	for (let i = 0; i < amount; i++) {
		const key = randomKey(world.random) as Id;
		const owner = ids[ownerIndex(ids, key)];
		pick(world, members).ring.lookups.find(key, "recursive", BUDGET, (_error, found?: Found) => {
			if (found === undefined) {
				lookups.failed++;
				return;
			}
			addTo(hops, found.hops);
			addTo(time, world.now - asked);
			if (found.owner.id === owner) lookups.ok++;
			else lookups.wrong++;
		});
	}
	world.runUntil(asked + BUDGET + WAVE);
}

function kill(world: World, part: number): void {
	const members = [...world.members.values()];
	for (let left = Math.round(part * members.length); left > 0; left--) {
		const [victim] = members.splice(Math.floor(world.random.next() * members.length), 1);
		if (victim === undefined) return;
		victim.alive = false;
		world.members.delete(victim.ring.state.self.id);
	}
}

function meanRoundTrip(world: World): number {
	const members = [...world.members.values()];
	let sum = 0;
	for (let i = 0; i < PAIRS; i++)
		sum += 2 * world.delay(pick(world, members), pick(world, members));
	return sum / PAIRS;
}

function pick(world: World, members: readonly Member[]): Member {
	return members[Math.floor(world.random.next() * members.length)] as Member;
}
