import { SimnetError } from "./errors.ts";
import { isLoopback } from "./ip.ts";
import type { LinkEnd } from "./link.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Address } from "./ports.ts";

/** Options of a NAT. */
export interface NatOptions {
	/** Whether hosts behind it reach each other at its public address. False by default. */
	readonly hairpin?: boolean;
	/** Milliseconds after which it forgets a link over which nothing went; what is sent then is lost without a word. Never by default. */
	readonly idle?: number;
}

/** A router with one public address: see {@link SimNat}. */
export class Nat {
	readonly ip: string;
	readonly hairpin: boolean;
	/** Microseconds. */
	readonly idle: number;
	/** Who is behind it, by private address. */
	readonly inside: Map<string, Machine> = new Map();
	readonly #mapped = new Map<number, Place>();
	#port = 20_000;
	#given = 1;

	constructor(ip: string, options: NatOptions = {}) {
		this.ip = ip;
		this.hairpin = options.hairpin ?? false;
		this.idle = (options.idle ?? Infinity) * 1000;
	}

	/** A private address that is free. */
	privateAddress(): string {
		let ip: string;
		do {
			this.#given++;
			ip = `192.168.${1 + (this.#given >>> 8)}.${this.#given & 255}`;
		} while (this.inside.has(ip));
		return ip;
	}

	/** Lets links to `port` of the public address through to a port of a host behind it. */
	map(port: number, machine: Machine, inner: number): void {
		this.#mapped.set(port, { machine, port: inner });
	}

	unmap(port: number): void {
		this.#mapped.delete(port);
	}

	/** Where what is dialled to a public port goes. */
	behind(port: number): Place | undefined {
		return this.#mapped.get(port);
	}

	/** The public port for a link that goes out. */
	outer(): number {
		do {
			this.#port = this.#port >= 49_151 ? 20_001 : this.#port + 1;
		} while (this.#mapped.has(this.#port));
		return this.#port;
	}
}

/**
 * A router with one public address, made by {@link Simulation.nat}. Hosts behind it have private addresses: they dial out,
 * and are seen with the router's address and a port of its choice; nobody dials them, but for ports that were mapped.
 */
export class SimNat {
	readonly #nat: Nat;

	/** Routers are made by {@link Simulation.nat}. */
	constructor(nat: Nat) {
		this.#nat = nat;
	}

	/** Its public address. */
	get ip(): string {
		return this.#nat.ip;
	}

	/**
	 * Lets links to `port` of the public address through to `inner`, a port of a host behind it (the same number by default).
	 *
	 * @throws A {@link SimnetError} `UNKNOWN_HOST` when the host is not behind it.
	 */
	map(
		port: number,
		host: { readonly ip: string; readonly name: string },
		inner: number = port,
	): void {
		const machine = this.#nat.inside.get(host.ip);
		if (machine?.name !== host.name) {
			throw new SimnetError("UNKNOWN_HOST", `${host.name} is not behind ${this.ip}`);
		}
		this.#nat.map(port, machine, inner);
	}

	/** Takes a mapped port back. Links that came through it live on. */
	unmap(port: number): void {
		this.#nat.unmap(port);
	}
}

/** Where a dialled address leads: a machine, and a port of it. */
export interface Place {
	readonly machine: Machine;
	readonly port: number;
}

/** Where it leads when `from` dials `address`; undefined when nobody is there. */
export function route(network: Network, from: Machine, address: Address): Place | undefined {
	const { host, port } = address;
	const neighbour = isLoopback(host) || host === from.ip ? from : from.nat?.inside.get(host);
	if (neighbour !== undefined) return { machine: neighbour, port };
	const nat = network.nat(host);
	if (nat !== undefined) return nat !== from.nat || nat.hairpin ? nat.behind(port) : undefined;
	const machine = network.at(host);
	return machine === undefined ? undefined : { machine, port };
}

/** The near end of a link as the other machine sees it. */
export function sourceOf(end: LinkEnd, seenBy: Machine): Address {
	const { nat } = end.machine;
	if (nat === undefined || seenBy.nat === nat) return end.local;
	return { host: nat.ip, port: nat.outer() };
}
