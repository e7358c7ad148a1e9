import { randomKey } from "../lookups.ts";
import { listFindings } from "../oracles/liveness.ts";
import { ownerIndex } from "../oracles/order.ts";
import { membersOf, ringFindings } from "../oracles/ring.ts";
import type { View } from "../oracles/view.ts";
import type { Finding } from "../oracles/violation.ts";
import { type LookupTally, type Spread, addTo, spread } from "../tally.ts";
import { atRest, makeRing, newcomer } from "./ideal.ts";
import { Member } from "./member.ts";
import type { Found, Id } from "./parts.ts";
import { World } from "./world.ts";

/** What the command line says about it. */
export interface ScaleOptions {
	readonly nodes: number;
	readonly seed: number;
	readonly minutes: number;
	/** Part of the nodes that crash within a minute; as many others join. */
	readonly churn: number;
	/** By each node in a minute. */
	readonly lookups: number;
	readonly successors: number;
}

export interface ScaleResult {
	readonly nodes: number;
	readonly simulatedMs: number;
	/** Of the simulation alone, the making of the ring not counted. */
	readonly realMs: number;
	/** Of all threads. */
	readonly cpuMs: number;
	readonly events: number;
	readonly crashed: number;
	readonly joined: number;
	/** Joins that failed, each tried again through another node. */
	readonly joinsFailed: number;
	/** Lookups under churn: right is the owner when asked or when answered. */
	readonly during: LookupTally;
	/** One by each node when the ring has come to rest. */
	readonly after: LookupTally;
	readonly hops: Spread;
	/** Milliseconds of virtual time. */
	readonly time: Spread;
	/** What is wrong with the ring at the end. */
	readonly findings: readonly Finding[];
	readonly violations: number;
	/** Bytes, at most, of the whole process. */
	readonly maxRss: number;
}

const MINUTE = 60_000;
/** Without churn at the end: for the last crash to be noticed, and repaired. */
const REST = 2 * MINUTE;
/** For the answers of the lookups at the end. */
const ANSWERS = 15_000;
const JOIN = 10_000;
const AGAIN = 1_000;
const KEPT = 20;

/** A ring under churn, and what became of it. */
export class ScaleRun {
	readonly #options: ScaleOptions;
	readonly #world: World;
	readonly #during: LookupTally = { ok: 0, wrong: 0, failed: 0 };
	readonly #after: LookupTally = { ok: 0, wrong: 0, failed: 0 };
	readonly #hops = spread();
	readonly #time = spread();
	/** The ids of those in the ring, in order; and these members in any order, to pick from. */
	#ids: Id[] = [];
	#inRing: Member[] = [];
	#made = 0;
	#crashed = 0;
	#joined = 0;
	#joinsFailed = 0;

	constructor(options: ScaleOptions) {
		this.#options = options;
		this.#world = new World(options.seed);
	}

	/** @param say hears of every virtual minute */
	run(say: (text: string) => void): ScaleResult {
		const { nodes, minutes, successors } = this.#options;
		makeRing(this.#world, nodes, successors, atRest);
		this.#made = nodes;
		this.#inRing = [...this.#world.members.values()];
		this.#ids = [...this.#world.members.keys()].toSorted();
		const ready = performance.now();
		const cpu = process.cpuUsage();
		this.#trouble(minutes * MINUTE);
		const end = minutes * MINUTE + REST;
		for (let at = MINUTE; this.#world.now < end; at += MINUTE) {
			this.#world.runUntil(Math.min(at, end));
			const seconds = ((performance.now() - ready) / 1_000).toFixed(1);
			say(`${this.#world.now / MINUTE} virtual minutes in ${seconds} s`);
		}
		for (const member of this.#inRing) this.#lookup(member, this.#after);
		this.#world.runUntil(end + ANSWERS);
		const realMs = performance.now() - ready;
		const { user, system } = process.cpuUsage(cpu);
		const findings = this.#findings();
		return {
			nodes,
			simulatedMs: this.#world.now,
			realMs,
			cpuMs: (user + system) / 1_000,
			events: this.#world.events,
			crashed: this.#crashed,
			joined: this.#joined,
			joinsFailed: this.#joinsFailed,
			during: this.#during,
			after: this.#after,
			hops: this.#hops,
			time: this.#time,
			findings: findings.slice(0, KEPT),
			violations: findings.length + this.#after.wrong + this.#after.failed,
			maxRss: process.resourceUsage().maxRSS * 1_024,
		};
	}

	/** Crashes, joins and lookups, evenly over so many milliseconds. */
	#trouble(duration: number): void {
		const { churn, lookups, nodes } = this.#options;
		const every = (rate: number, act: () => void): void => {
			const pause = MINUTE / (rate * nodes);
			const next = (): void => {
				if (this.#world.now > duration) return;
				act();
				this.#world.schedule({ alive: true }, pause, next);
			};
			if (pause < Infinity) this.#world.schedule({ alive: true }, pause, next);
		};
		every(churn, () => {
			this.#crash();
			this.#join();
		});
		every(lookups, () => {
			const member = this.#pick();
			if (member !== undefined) this.#lookup(member, this.#during);
		});
	}

	#pick(): Member | undefined {
		return this.#inRing[Math.floor(this.#world.random.next() * this.#inRing.length)];
	}

	#crash(): void {
		const victim = this.#pick();
		if (victim === undefined) return;
		this.#crashed++;
		this.#inRing.splice(this.#inRing.indexOf(victim), 1);
		this.#ids.splice(ownerIndex(this.#ids, victim.ring.state.self.id), 1);
		victim.crash();
	}

	#join(): void {
		const self = newcomer(this.#world, this.#made++);
		const member = new Member(this.#world, self, this.#options.successors, (now) => {
			if (now !== "member") return;
			this.#joined++;
			this.#inRing.push(member);
			const place = this.#ids.findIndex((id) => id > self.id);
			this.#ids.splice(place < 0 ? this.#ids.length : place, 0, self.id);
		});
		const attempt = (): void => {
			const through = this.#pick();
			if (through === undefined) return;
			member.ring.joining.join([through.ring.state.self], JOIN, (error) => {
				if (error === undefined) return;
				this.#joinsFailed++;
				member.clock.schedule(AGAIN, attempt);
			});
		};
		attempt();
	}

	#lookup({ ring }: Member, tally: LookupTally): void {
		const key = randomKey(this.#world.random) as Id;
		const asked = this.#world.now;
		const before = this.#owner(key);
		ring.lookups.find(key, "recursive", JOIN, (error, found?: Found) => {
			if (found === undefined || error !== undefined) {
				tally.failed++;
				return;
			}
			addTo(this.#hops, found.hops);
			addTo(this.#time, this.#world.now - asked);
			const { id } = found.owner;
			if (id === before || id === this.#owner(key)) tally.ok++;
			else tally.wrong++;
		});
	}

	#owner(key: Id): Id | undefined {
		return this.#ids[ownerIndex(this.#ids, key)];
	}

	#findings(): readonly Finding[] {
		const views = [...this.#world.members.values()].map(({ ring: { state } }): View => ({
			name: state.self.address.host,
			id: state.self.id,
			incarnation: state.self.incarnation,
			standing: state.standing,
			predecessor: state.predecessor,
			successors: state.successors,
		}));
		const members = membersOf(views);
		return [...ringFindings(members), ...listFindings(members, this.#options.successors)];
	}
}
