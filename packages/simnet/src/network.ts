import type { LinkEnd } from "./link.ts";
import type { Machine } from "./machine.ts";
import type { Nat } from "./nat.ts";

/** One direction in which nothing gets through. */
interface Wall {
	readonly name: string | undefined;
	readonly from: ReadonlySet<number>;
	readonly to: ReadonlySet<number>;
}

/** Who is where, and who cannot reach whom. */
export class Network {
	readonly machines: Machine[] = [];
	readonly #byName = new Map<string, Machine>();
	readonly #byIp = new Map<string, Machine>();
	readonly #nats = new Map<string, Nat>();
	readonly #stalled = new Set<LinkEnd>();
	#walls: Wall[] = [];

	add(machine: Machine): void {
		this.machines.push(machine);
		this.#byName.set(machine.name, machine);
		if (machine.nat === undefined) this.#byIp.set(machine.ip, machine);
		else machine.nat.inside.set(machine.ip, machine);
	}

	addNat(nat: Nat): void {
		this.#nats.set(nat.ip, nat);
	}

	nat(ip: string): Nat | undefined {
		return this.#nats.get(ip);
	}

	named(name: string): Machine | undefined {
		return this.#byName.get(name);
	}

	at(ip: string): Machine | undefined {
		return this.#byIp.get(ip);
	}

	/** Whether a public address is given to someone. */
	taken(ip: string): boolean {
		return this.#byIp.has(ip) || this.#nats.has(ip);
	}

	/** Whether nothing gets from one machine to another. */
	blocked(from: Machine, to: Machine): boolean {
		if (this.#walls.length === 0) return false;
		if (from === to) return false;
		return this.#walls.some((wall) => wall.from.has(from.index) && wall.to.has(to.index));
	}

	wall(name: string | undefined, from: ReadonlySet<number>, to: ReadonlySet<number>): void {
		this.#walls.push({ name, from, to });
	}

	/** Takes down the walls of one name, or all of them, and lets go what they held up. */
	heal(name?: string): void {
		this.#walls = name === undefined ? [] : this.#walls.filter((wall) => wall.name !== name);
		const stalled = [...this.#stalled];
		this.#stalled.clear();
		for (const end of stalled) end.pump();
	}

	/** `end` waits for a wall to fall. */
	stall(end: LinkEnd): void {
		this.#stalled.add(end);
	}

	/** `end` waits no more. */
	forget(end: LinkEnd): void {
		this.#stalled.delete(end);
	}
}
