import type { Held } from "./gate.ts";
import { isLoopback } from "./ip.ts";
import { LinkEnd } from "./link.ts";
import type { SimListener } from "./listener.ts";
import { type Place, route, sourceOf } from "./nat.ts";
import type { Address, LinkHandler } from "./ports.ts";
import type { Process } from "./process.ts";
import type { Task } from "./queue.ts";

/** Microseconds before the first packet of a link is sent again; twice as long after each time. */
const FIRST_RETRY = 1_000_000;

/** The opening of a link: a packet there, an answer back (open, or refused), and a packet that lets the other end know. */
export class Dial implements Task, Held {
	readonly dead = false;
	readonly end: LinkEnd;
	readonly #address: Address;
	readonly #deadline: number;
	#target: Place | undefined;
	#listener: SimListener | undefined;
	#stage: "knock" | "arrive" | "answer" | "late" = "knock";
	#retry = FIRST_RETRY;

	constructor(process: Process, address: Address, handler: LinkHandler) {
		const { machine } = process;
		const { world } = machine;
		const near = {
			host: isLoopback(address.host) ? address.host : machine.ip,
			port: machine.freePort(),
		};
		this.end = new LinkEnd(process, ++world.links, near, address, handler);
		this.#address = address;
		this.#deadline = world.now + world.rules.dialTimeout;
		if (!process.alive) return;
		process.adopt(this.end);
		world.note("dial", machine, this.end.id, 0);
		this.#knock();
	}

	run(): void {
		if (this.end.closed) return;
		if (this.#stage === "knock") this.#knock();
		else if (this.#stage === "arrive") this.#arrive();
		else this.#answer();
	}

	perform(): void {
		const { end } = this;
		if (end.closed) return;
		if (this.#stage === "late") end.fail("ETIMEDOUT", this.#text("does not answer"));
		else if (this.#listener === undefined) end.fail("ECONNREFUSED", this.#text("refuses"));
		else end.opened();
	}

	#knock(): void {
		const { machine } = this.end;
		const { world } = machine;
		this.#target = route(world.network, machine, this.#address);
		const target = this.#target?.machine;
		if (target === undefined || !target.up || world.network.blocked(machine, target)) {
			this.#lost();
			return;
		}
		this.#stage = "arrive";
		world.at(world.now + world.delay(machine, target), this);
	}

	#arrive(): void {
		const { machine } = this.end;
		const { world } = machine;
		const { machine: target, port } = this.#target as Place;
		if (!target.up || world.network.blocked(target, machine)) {
			this.#lost();
			return;
		}
		const listener = target.listeners?.get(port);
		const host = isLoopback(this.#address.host) ? this.#address.host : target.ip;
		this.#listener = listener?.takes(host) === true ? listener : undefined;
		this.#stage = "answer";
		world.at(world.now + world.delay(target, machine), this);
	}

	#answer(): void {
		const { end } = this;
		const listener = this.#listener;
		if (listener !== undefined && this.#stage === "answer") {
			const { process } = listener;
			const near = {
				host: isLoopback(this.#address.host) ? this.#address.host : process.machine.ip,
				port: listener.address.port,
			};
			const far = new LinkEnd(process, end.id, near, sourceOf(end, process.machine), undefined);
			end.meet(far, listener);
		}
		end.machine.admit(this);
	}

	/** A packet got lost: the kernel tries again, until it gives up. */
	#lost(): void {
		const { world } = this.end.machine;
		const again = world.now + this.#retry;
		this.#retry *= 2;
		this.#stage = again < this.#deadline ? "knock" : "late";
		world.at(Math.min(again, this.#deadline), this);
	}

	#text(what: string): string {
		return `${this.#address.host}:${this.#address.port} ${what}`;
	}
}
