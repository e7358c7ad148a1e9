import { SimClock } from "./clock.ts";
import type { LinkEnd } from "./link.ts";
import type { Machine } from "./machine.ts";
import type { Clock, Ports, Random, Transport } from "./ports.ts";
import type { SeededRandom } from "./prng.ts";
import { SimTransport } from "./transport.ts";

/** One life of a program on a machine. Its ports are no use to anyone once it is dead. */
export class Process implements Ports {
	readonly machine: Machine;
	readonly clock: Clock;
	readonly transport: Transport;
	alive: boolean;
	readonly #life: number;
	#random: SeededRandom | undefined;
	/** The first of its links, which know their neighbours. */
	#links: LinkEnd | undefined;

	constructor(machine: Machine, life: number, alive: boolean) {
		this.machine = machine;
		this.#life = life;
		this.alive = alive;
		this.clock = new SimClock(this);
		this.transport = new SimTransport(this);
	}

	get random(): Random {
		this.#random ??= this.machine.stream(2, this.#life);
		return this.#random;
	}

	/** Which life of the machine this is, from 0. */
	get life(): number {
		return this.#life;
	}

	/** Its links that are not closed, the latest first. */
	links(): LinkEnd[] {
		const links: LinkEnd[] = [];
		for (let link = this.#links; link !== undefined; link = link.after) links.push(link);
		return links;
	}

	adopt(link: LinkEnd): void {
		link.after = this.#links;
		if (this.#links !== undefined) this.#links.before = link;
		this.#links = link;
	}

	release(link: LinkEnd): void {
		if (link.before !== undefined) link.before.after = link.after;
		else if (this.#links === link) this.#links = link.after;
		if (link.after !== undefined) link.after.before = link.before;
		link.before = undefined;
		link.after = undefined;
	}

	/** Ends it. `silent`: the machine falls silent with it, and nobody is told. */
	die(silent: boolean): void {
		this.alive = false;
		const { machine } = this;
		machine.listeners = undefined;
		for (const link of this.links()) link.orphan(silent);
	}
}
