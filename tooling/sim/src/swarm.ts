import { type SimHost, Simulation, type TraceOptions } from "@cicada/simnet";

import { NETWORKS } from "./latency.ts";
import { LookupTraffic, randomKey } from "./lookups.ts";
import { localFindings } from "./oracles/local.ts";
import {
	type Members,
	entryFindings,
	membersOf,
	principals,
	ringFindings,
} from "./oracles/ring.ts";
import { type View, keyOf, same } from "./oracles/view.ts";
import { Violations } from "./oracles/violation.ts";
import { type Plan, hostName } from "./plan.ts";
import { Program, type Surroundings } from "./program.ts";
import { Registry } from "./registry.ts";

/** Through so many others a node may try to join. */
const ENTRANCES = 3;
/** Milliseconds that an answer may be old when it makes a pointer, where no answer takes longer than is waited for. */
const ANSWER_AGE = 3_500;
/** In larger swarms the ring is looked at once in so many milliseconds, not at each change. */
const LARGE = 256;
const INTERVAL = 1_000;

/** The nodes of a run, on their network, under the oracles' eyes. */
export class Swarm implements Surroundings {
	readonly simulation: Simulation;
	readonly plan: Plan;
	readonly violations: Violations = new Violations();
	readonly lookups: LookupTraffic;
	/** By host: the program of its present or last process. */
	readonly programs: Map<string, Program> = new Map();
	readonly successors: number;
	/** How often pointers changed. */
	changes = 0;
	/** The fewest principals that there were, while the ring was watched. */
	leastPrincipals: number = Infinity;
	/** Set while the rules of the ring are demanded. */
	watchRing = false;
	readonly #registry = new Registry();
	#members: Map<string, View> | undefined;
	#inFlight = 0;
	#dirty = false;
	#lastCheck = 0;

	constructor(plan: Plan, trace?: TraceOptions) {
		this.plan = plan;
		this.successors = plan.successors;
		this.simulation = new Simulation({
			seed: plan.seed,
			latency: NETWORKS[plan.latency].model(),
			...(trace && { trace }),
		});
		this.lookups = new LookupTraffic({
			now: () => this.simulation.now,
			members: () => this.members(),
			track: (promise) => this.track(promise),
			owned: (id, key, since) => this.#registry.ownedSince(id, key, since),
			found: (finding) => {
				this.violations.add(finding, this.simulation.now);
			},
		});
	}

	/** How many rings there are at first: a host belongs to one by its number. */
	get rings(): number {
		return this.plan.rings ?? 1;
	}

	/** Makes a host, whose program joins at once unless it is the first of a ring. */
	addHost(name: string): SimHost {
		return this.simulation.host(name, {
			start: (ports, host) => {
				const program = new Program(host, ports, this);
				this.programs.set(name, program);
				program.start(indexOf(name) >= this.rings || host.life > 0);
			},
		});
	}

	/** Of which of the first rings a node is. */
	ringOf({ name }: Program): number {
		return indexOf(name) % this.rings;
	}

	/** Lets virtual time pass until `at`. */
	async passUntil(at: number): Promise<void> {
		const end = { reached: false };
		this.simulation.schedule(at, () => {
			end.reached = true;
		});
		for (;;) {
			if (this.#dirty) this.#checkRing();
			if (end.reached || !this.simulation.step()) return;
			// Promises stand only at the edge of a node. While none is waited for, no turn for them is needed.
			// One after the other is the point: what an event has caused comes before the next event.
			if (this.#inFlight > 0) await turn();
		}
	}

	async track<T>(promise: Promise<T>): Promise<T> {
		this.#inFlight++;
		try {
			return await promise;
		} finally {
			this.#inFlight--;
		}
	}

	entrances(program: Program): readonly string[] {
		const ring = this.ringOf(program);
		const others = [...this.programs.values()].filter(
			(other) => other !== program && other.host.running && this.ringOf(other) === ring,
		);
		// Within the proof's assumptions a node knows some who are in the ring.
		const known =
			this.plan.regime === "fail-stop" ? others.filter((other) => other.isMember) : others;
		const from = known.length > 0 ? known : others.filter(({ name }) => name === hostName(ring));
		const picked: string[] = [];
		// One entrance is known to all: rings of nodes that have never heard of each other cannot find together.
		const first = this.simulation.find(hostName(ring));
		if (this.plan.regime === "hostile" && first !== undefined && first !== program.host) {
			picked.push(first.ip);
		}
		for (let i = picked.length; i < ENTRANCES && from.length > 0; i++) {
			const index = Math.floor(this.simulation.random.next() * from.length);
			picked.push(...from.splice(index, 1).map(({ host }) => host.ip));
		}
		return picked;
	}

	changed(program: Program, now: View, before: View | undefined): void {
		const at = this.simulation.now;
		this.changes++;
		this.#registry.changed(now, before, at);
		if (this.watchRing && now.standing === "member" && before?.standing !== "member") {
			const others = membersOf(this.memberPrograms().flatMap(({ view }) => view ?? []));
			others.delete(now.id);
			for (const finding of entryFindings(others, now)) this.violations.add(finding, at);
		}
		if (before?.standing === "member" && now.standing === "member" && same(before, now)) {
			this.#members?.set(now.id, now);
		} else {
			this.#members = undefined;
		}
		this.#dirty = true;
		const oldest = this.plan.regime === "fail-stop" ? at - ANSWER_AGE : -Infinity;
		const findings = localFindings(now, before, {
			length: this.successors,
			wasMember: (pointer) => this.#registry.wasMember(pointer),
			answered: (pointer) => program.answered.has(keyOf(pointer)),
			lives: (pointer) =>
				this.plan.regime === "fail-stop" && this.#registry.memberUntil(pointer) === Infinity,
			livedLately: (pointer) => (this.#registry.memberUntil(pointer) ?? -Infinity) >= oldest,
		});
		this.violations.now(`local ${program.name}`, findings, at);
	}

	claimed({ node }: Program, after: string | undefined): void {
		const member = node.standing === "member";
		this.#registry.claimed(node.hash.toString(), member, after, this.simulation.now);
	}

	/** A host's process is dead, or about to be. */
	ended(name: string): void {
		const view = this.programs.get(name)?.view;
		if (view?.standing === "member") {
			this.#registry.ended(view, this.simulation.now);
			this.#registry.claimed(view.id, false, undefined, this.simulation.now);
		}
		this.#members = undefined;
		this.#dirty = true;
	}

	/** The members that live, in the order of their ids. */
	members(): Members {
		this.#members ??= membersOf(this.memberPrograms().map(({ view }) => view as View));
		return this.#members;
	}

	memberPrograms(): Program[] {
		return [...this.programs.values()].filter((program) => program.isMember);
	}

	/** A node asks for the owner of a key. */
	lookupOnce(): void {
		const askers = this.memberPrograms();
		const { random } = this.simulation;
		const asker = askers[Math.floor(random.next() * askers.length)];
		const key = randomKey(random);
		if (asker !== undefined) void this.lookups.once(asker, key);
	}

	#checkRing(): void {
		const { now } = this.simulation;
		if (this.programs.size > LARGE && now < this.#lastCheck + INTERVAL) return;
		this.#lastCheck = now;
		this.#dirty = false;
		if (!this.watchRing) return;
		const members = this.members();
		this.violations.now("ring", ringFindings(members), now);
		if (members.size <= LARGE) {
			this.leastPrincipals = Math.min(this.leastPrincipals, principals(members));
		}
	}
}

/** The number of a host. */
function indexOf(name: string): number {
	return Number(name.slice(1));
}

/** Until all promise jobs that can run have run: only then Node takes what such a job leaves to the next tick. */
function turn(): Promise<void> {
	return new Promise((resolve) => {
		process.nextTick(resolve);
	});
}
