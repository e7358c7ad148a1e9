import type { Fault } from "./fault.ts";
import { type Intercept, Interceptor } from "./intercept.ts";
import type { Position } from "./latency.ts";
import type { Machine } from "./machine.ts";
import type { SimNat } from "./nat.ts";
import type { Clock, Ports, Random, Transport } from "./ports.ts";

/** What {@link Simulation.host} takes. */
export interface HostOptions {
	/** Its address. By default a public one in a /24 of its own, or a private one behind a NAT. */
	readonly ip?: string;
	/** The cluster in which {@link clusters} puts it. */
	readonly cluster?: number;
	/** Where {@link coordinates} places it. */
	readonly position?: Position;
	/** The NAT that it is behind. */
	readonly nat?: SimNat;
	/** Bytes a millisecond that it can send and get. No limit by default. */
	readonly bandwidth?: { readonly up?: number; readonly down?: number };
	/** The program: called at the start of each process with its ports, as the first thing that the process does. */
	readonly start?: (ports: Ports, host: SimHost) => void;
	/** False: no process runs on it until it is restarted; who dials it is refused. True by default. */
	readonly running?: boolean;
}

/**
 * A computer with one process on it. The ports are those of the process that runs now: after a crash they do nothing,
 * and after {@link SimHost.restart} there are new ones.
 */
export class SimHost implements Ports {
	readonly #machine: Machine;
	readonly #apply: (fault: Fault) => void;

	/** Hosts are made by {@link Simulation.host}. */
	constructor(machine: Machine, apply: (fault: Fault) => void) {
		this.#machine = machine;
		this.#apply = apply;
	}

	/** Its name. */
	get name(): string {
		return this.#machine.name;
	}

	/** Its address: behind a NAT, the private one. */
	get ip(): string {
		return this.#machine.ip;
	}

	/** The clock of the process that runs now. */
	get clock(): Clock {
		return this.#machine.process.clock;
	}

	/** Its chance, which follows from the seed. */
	get random(): Random {
		return this.#machine.process.random;
	}

	/** Its network. */
	get transport(): Transport {
		return this.#machine.process.transport;
	}

	/** Whether a process runs, stopped or not. */
	get running(): boolean {
		return this.#machine.process.alive;
	}

	/** Which process this is: 0 for the first, one more after each restart, -1 before the first. */
	get life(): number {
		return this.#machine.process.life;
	}

	/** How many links the process has, those that are being opened or closed among them. */
	get links(): number {
		return this.#machine.process.links().length;
	}

	/** The process dies: see the fault `crash`. */
	crash(options: { readonly silent?: boolean } = {}): void {
		this.#apply({ kind: "crash", host: this.name, ...options });
	}

	/** A new process starts. Its ports are returned, and given to `start`, before anything else happens. */
	restart(): Ports {
		this.#apply({ kind: "restart", host: this.name });
		return this.#machine.process;
	}

	/** Stops the process, as SIGSTOP does. The clock runs on, so that {@link resume} looks like waking from sleep. */
	pause(): void {
		this.#apply({ kind: "pause", host: this.name });
	}

	/** Lets a stopped process go on. */
	resume(): void {
		this.#apply({ kind: "resume", host: this.name });
	}

	/** Makes the process need `ms` milliseconds for each thing that happens to it; 0 ends it. */
	slow(ms: number): void {
		this.#apply({ kind: "slow", host: this.name, ms });
	}

	/** Makes all that it sends and gets take `ms` milliseconds longer; 0 ends it. */
	lag(ms: number): void {
		this.#apply({ kind: "lag", host: this.name, ms });
	}

	/** Makes its clock leap ahead by `jump` milliseconds, run at `rate` times true time, or both. Timers keep to it. */
	skew(skew: { readonly rate?: number; readonly jump?: number }): void {
		this.#apply({ kind: "skew", host: this.name, ...skew });
	}

	/** Puts `intercept` between the host and the network, in place of any before; undefined takes it away. */
	intercept(intercept: Intercept | undefined): void {
		const machine = this.#machine;
		machine.intercept =
			intercept === undefined ? undefined : new Interceptor(intercept, machine.stream(5, 0));
	}
}
