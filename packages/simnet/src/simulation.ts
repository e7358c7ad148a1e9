import { applyFault } from "./apply.ts";
import { Downlink, Uplink } from "./bandwidth.ts";
import { drain } from "./drain.ts";
import { SimnetError } from "./errors.ts";
import type { Fault, TimedFault } from "./fault.ts";
import { type HostOptions, SimHost } from "./host.ts";
import { publicAddress } from "./ip.ts";
import { constant, type LatencyModel } from "./latency.ts";
import { Machine } from "./machine.ts";
import { Nat, type NatOptions, SimNat } from "./nat.ts";
import type { Random } from "./ports.ts";
import { SeededRandom, seedOf } from "./prng.ts";
import { Trace, type TraceOptions } from "./trace.ts";
import { World } from "./world.ts";

/** What a {@link Simulation} is made with. */
export interface SimulationOptions {
	/** All chance follows from it: two simulations of one seed and one program do the same. */
	readonly seed: number | string;
	/** How long messages take, one way. `constant(20)` by default. */
	readonly latency?: LatencyModel;
	/** Cuts streams at random places, and joins chunks, as real networks do. False by default. */
	readonly cut?: boolean;
	/** Bytes of one direction of a link that may be under way or unread before the sender has to wait. No limit by default. */
	readonly window?: number;
	/** Milliseconds after which dialling someone who never answers fails with `ETIMEDOUT`. 127,000 by default, as Linux has it. */
	readonly dialTimeout?: number;
	/** Milliseconds after which a link on which nothing is acknowledged fails with `ETIMEDOUT`. 924,600 by default, as Linux has it. */
	readonly stallTimeout?: number;
	/** Milliseconds that a link which this end has closed waits for the other end to close too. 2,000 by default. */
	readonly linger?: number;
	/** What the trace remembers besides its hash. */
	readonly trace?: TraceOptions;
	/** Waits until all promise jobs have run: between events, in `run` and `runUntil`. By default one turn of the engine's event loop. */
	readonly drain?: () => Promise<void>;
}

/**
 * A world in which time, chance and the network are made up, and in which a run can be had again.
 *
 * Nothing happens until it is driven. {@link advance} and {@link step} run at once, and are for protocols that are made
 * of callbacks; {@link run} and {@link runUntil} let promises settle after each event, and are for everything else.
 *
 * @example
 * ```ts
 * const simulation = new Simulation({ seed: 1, latency: uniform(10, 50) });
 * const a = simulation.host("a");
 * const b = simulation.host("b");
 * await b.transport.listen({ host: b.ip, port: 7000 }, () => echo);
 * a.transport.dial({ host: b.ip, port: 7000 }, handler);
 * simulation.advance(1_000);
 * console.log(simulation.traceHash);
 * ```
 */
export class Simulation {
	/** Chance for whoever drives the simulation; no host draws from it. */
	readonly random: Random;
	/** What happened: its hash, and more when asked for. */
	readonly trace: Trace;
	readonly #world: World;
	readonly #drain: () => Promise<void>;
	readonly #hosts: SimHost[] = [];
	readonly #nats = new Map<SimNat, Nat>();
	readonly #faults: TimedFault[] = [];
	#running = false;

	constructor(options: SimulationOptions) {
		const seed = seedOf(options.seed);
		this.trace = new Trace(options.trace);
		this.random = new SeededRandom(seed, 0);
		this.#drain = options.drain ?? drain;
		const rules = {
			latency: options.latency ?? constant(20),
			cut: options.cut ?? false,
			window: options.window ?? Infinity,
			dialTimeout: (options.dialTimeout ?? 127_000) * 1000,
			linger: (options.linger ?? 2_000) * 1000,
			stallTimeout: (options.stallTimeout ?? 924_600) * 1000,
		};
		this.#world = new World(seed, rules, this.trace);
	}

	/** Virtual milliseconds since the start. */
	get now(): number {
		return this.#world.now / 1000;
	}

	/** The hash of all that happened so far: 16 hexadecimal digits. */
	get traceHash(): string {
		return this.trace.hash;
	}

	/** Its hosts, in the order in which they were made. */
	get hosts(): readonly SimHost[] {
		return this.#hosts;
	}

	/** The faults so far, and when they happened: a plan that {@link plan} takes. */
	get faults(): readonly TimedFault[] {
		return this.#faults;
	}

	/** How many things wait to happen. */
	get pending(): number {
		return this.#world.queue.size;
	}

	/**
	 * Makes a host.
	 *
	 * @throws A {@link SimnetError} `INVALID_ARGUMENT` when the name or the address is taken.
	 */
	host(name: string, options: HostOptions = {}): SimHost {
		const world = this.#world;
		const { network } = world;
		const nat = options.nat === undefined ? undefined : this.#nats.get(options.nat);
		const index = network.machines.length;
		const ip = options.ip ?? (nat === undefined ? publicAddress(index) : nat.privateAddress());
		const taken = network.named(name) !== undefined || (nat?.inside.has(ip) ?? network.taken(ip));
		if (taken) throw new SimnetError("INVALID_ARGUMENT", `${name} or ${ip} is taken`);
		const { cluster, position, bandwidth, start } = options;
		const machine = new Machine(world, index, { name, ip, cluster, position, nat });
		network.add(machine);
		if (bandwidth?.up !== undefined) machine.uplink = new Uplink(world, bandwidth.up);
		if (bandwidth?.down !== undefined) machine.downlink = new Downlink(bandwidth.down);
		const host = new SimHost(machine, (fault) => this.apply(fault));
		if (start !== undefined) machine.boot = (): void => start(machine.process, host);
		if (options.running !== false) machine.restart();
		this.#hosts.push(host);
		return host;
	}

	/** The host of this name, if there is one. */
	find(name: string): SimHost | undefined {
		const machine = this.#world.network.named(name);
		return machine === undefined ? undefined : this.#hosts[machine.index];
	}

	/** Makes a router with a public address, behind which hosts can be put. */
	nat(options: NatOptions & { readonly ip?: string } = {}): SimNat {
		const { network } = this.#world;
		const ip = options.ip ?? `9.${this.#nats.size >>> 8}.${this.#nats.size & 255}.1`;
		if (network.taken(ip)) throw new SimnetError("INVALID_ARGUMENT", `${ip} is taken`);
		const nat = new Nat(ip, options);
		network.addNat(nat);
		const face = new SimNat(nat);
		this.#nats.set(face, nat);
		return face;
	}

	/** Makes a fault happen now, and remembers it in {@link faults}. */
	apply(fault: Fault): void {
		const world = this.#world;
		world.note("fault", undefined, 0, 0);
		applyFault(world, fault);
		this.#faults.push({ ...fault, at: this.now });
	}

	/** Has faults happen at their times; those whose time has passed happen at once, when time goes on. */
	plan(faults: readonly TimedFault[]): void {
		for (const { at, ...fault } of faults) this.schedule(at, () => this.apply(fault));
	}

	/** Calls `run` at `at` virtual milliseconds from the start, or as soon as time goes on when that has passed. */
	schedule(at: number, run: () => void): void {
		const world = this.#world;
		world.at(Math.max(world.now, Math.round(at * 1000)), { dead: false, run });
	}

	/** Keeps hosts from reaching others, all others by default: see the fault `partition`. */
	partition(
		from: readonly SimHost[],
		to?: readonly SimHost[],
		options: { readonly oneWay?: boolean; readonly name?: string } = {},
	): void {
		const fault = { kind: "partition", from: namesOf(from), ...options } as const;
		this.apply(to === undefined ? fault : { ...fault, to: namesOf(to) });
	}

	/** Ends the partitions of one name, or all. */
	heal(name?: string): void {
		this.apply(name === undefined ? { kind: "heal" } : { kind: "heal", name });
	}

	/** Loses all that `from` sends to `to` on the links that there are now: see the fault `halfOpen`. */
	halfOpen(from: SimHost, to: SimHost): void {
		this.apply({ kind: "halfOpen", from: from.name, to: to.name });
	}

	/** Resets the links that there are now between two hosts. */
	breakLinks(a: SimHost, b: SimHost): void {
		this.apply({ kind: "break", a: a.name, b: b.name });
	}

	/** Runs the next thing, with all that it defers. False when there is none. */
	step(): boolean {
		return this.#world.step(Infinity);
	}

	/** Lets `ms` milliseconds pass, without a turn for promises. */
	advance(ms: number): void {
		const world = this.#world;
		const end = world.now + Math.round(ms * 1000);
		while (world.step(end)) {
			// The next one.
		}
		world.now = end;
	}

	/** Lets `ms` milliseconds pass, with promises settled after each event. */
	async run(ms: number): Promise<void> {
		const world = this.#world;
		const end = world.now + Math.round(ms * 1000);
		await this.#drive(end, () => false);
		world.now = end;
	}

	/**
	 * Lets time pass until `condition` is true, or until the promise settles, and no longer.
	 *
	 * @returns what the promise gave
	 * @throws A {@link SimnetError}: `LIMIT` after `limit` virtual milliseconds (60,000 by default), `IDLE` when nothing is
	 * left to happen. What the promise was rejected with, when it was.
	 */
	async runUntil<T = void>(
		condition: (() => boolean) | Promise<T>,
		options: { readonly limit?: number } = {},
	): Promise<T> {
		const world = this.#world;
		const limit = options.limit ?? 60_000;
		let done = false;
		const settled = (): void => void (done = true);
		if (typeof condition !== "function") void condition.then(settled, settled);
		const reached = typeof condition === "function" ? condition : (): boolean => done;
		const met = await this.#drive(world.now + Math.round(limit * 1000), reached);
		if (!met) {
			if (world.next === Infinity) throw new SimnetError("IDLE", "nothing is left to happen");
			throw new SimnetError("LIMIT", `it did not happen within ${limit} ms`);
		}
		return (typeof condition === "function" ? undefined : await condition) as T;
	}

	async #drive(end: number, reached: () => boolean): Promise<boolean> {
		if (this.#running) throw new SimnetError("INVALID_ARGUMENT", "the simulation runs already");
		this.#running = true;
		try {
			await this.#drain();
			while (!reached()) {
				if (!this.#world.step(end)) return false;
				// One after the other is the point: what an event has caused comes before the next event.
				await this.#drain();
			}
			return true;
		} finally {
			this.#running = false;
		}
	}
}

function namesOf(hosts: readonly SimHost[]): string[] {
	return hosts.map(({ name }) => name);
}
