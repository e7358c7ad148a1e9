import type { Downlink, Uplink } from "./bandwidth.ts";
import { SimTimer } from "./clock.ts";
import { Gate, type Held } from "./gate.ts";
import type { Interceptor } from "./intercept.ts";
import type { LatencyChance, Position, Site } from "./latency.ts";
import type { SimListener } from "./listener.ts";
import type { Nat } from "./nat.ts";
import { hashOf, SeededRandom } from "./prng.ts";
import { Process } from "./process.ts";
import type { World } from "./world.ts";

/** What a machine is made with. */
export interface Build {
	readonly name: string;
	readonly ip: string;
	readonly cluster: number | undefined;
	readonly position: Position | undefined;
	readonly nat: Nat | undefined;
}

/** A computer: what stays when its process dies. It accepts connections, as a kernel does, even while the process is stopped. */
export class Machine implements Site, LatencyChance {
	readonly world: World;
	readonly index: number;
	readonly name: string;
	readonly ip: string;
	readonly cluster: number | undefined;
	readonly position: Position | undefined;
	readonly nat: Nat | undefined;
	/** The process that runs on it; a dead one until it is started. */
	process: Process;
	/** What a new process does first. */
	boot: (() => void) | undefined;
	/** False when it fell silent: nothing that arrives is answered. */
	up = true;
	/** Milliseconds that all that it sends and gets takes longer. */
	lag = 0;
	gate: Gate | undefined;
	listeners: Map<number, SimListener> | undefined;
	uplink: Uplink | undefined;
	downlink: Downlink | undefined;
	intercept: Interceptor | undefined;
	#rate = 1;
	/** Its clock showed `#shown` at the virtual microsecond `#since`. */
	#shown = 0;
	#since = 0;
	#port = 49151;
	#chance: SeededRandom | undefined;

	constructor(world: World, index: number, build: Build) {
		this.world = world;
		this.index = index;
		this.name = build.name;
		this.ip = build.ip;
		this.cluster = build.cluster;
		this.position = build.position;
		this.nat = build.nat;
		this.process = new Process(this, -1, false);
	}

	/** What its clock shows, in microseconds. */
	get time(): number {
		return this.#shown + (this.world.now - this.#since) * this.#rate;
	}

	/** How fast its clock runs. */
	get rate(): number {
		return this.#rate;
	}

	/** The machine itself stands in for the chance of its messages: no object more a host. */
	get chance(): LatencyChance {
		return this;
	}

	next(): number {
		this.#chance ??= this.stream(1, 0);
		return this.#chance.next();
	}

	fixed(a: number, b?: number, c?: number): number {
		return hashOf(this.world.seed, a, b, c) / 4294967296;
	}

	/** A stream of chance that belongs to this machine alone. */
	stream(purpose: number, number: number): SeededRandom {
		return new SeededRandom(hashOf(this.world.seed, purpose), this.index, number);
	}

	/** From now on the clock runs at `rate`, after a leap of `jump` microseconds. */
	setClock(rate: number, jump: number): void {
		const { now, queue } = this.world;
		const before = this.#rate;
		this.#shown = this.time + jump;
		this.#since = now;
		this.#rate = rate;
		queue.move((task, time) => {
			if (!(task instanceof SimTimer) || task.process !== this.process) return time;
			const left = (time - now) * before - jump;
			return now + (left > 0 ? Math.round(left / rate) : 0);
		});
	}

	/** Starts a new process, and kills the one that runs. */
	restart(): void {
		this.kill(false);
		this.up = true;
		const process = new Process(this, this.process.life + 1, true);
		this.process = process;
		this.world.note("start", this, 0, 0);
		process.clock.defer(() => this.boot?.());
	}

	kill(silent: boolean): void {
		if (this.process.alive) this.process.die(silent);
		if (silent) this.up = false;
		this.gate?.reset();
	}

	pause(): void {
		this.gate ??= new Gate(this);
		this.gate.paused = true;
	}

	resume(): void {
		if (this.gate === undefined) return;
		this.gate.paused = false;
		this.gate.changed();
	}

	/** From now on the process needs `cost` microseconds for each thing. */
	slow(cost: number): void {
		this.gate ??= new Gate(this);
		this.gate.cost = cost;
		this.gate.changed();
	}

	/** A free port for the near end of a link, or for a listener that asked for any. */
	freePort(): number {
		do {
			this.#port = this.#port >= 65535 ? 49152 : this.#port + 1;
		} while (this.listeners?.has(this.#port) === true);
		return this.#port;
	}

	/** Hands something to the process: now, or when its gate lets it. */
	admit(held: Held): void {
		if (this.gate === undefined) held.perform();
		else this.gate.hold(held);
	}
}
