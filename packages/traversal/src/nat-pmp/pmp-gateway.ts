import { TraversalError } from "../errors.ts";
import type { Binding, Gateway, Grant } from "../gateway.ts";
import { isPublic } from "../ipv4.ts";
import type { World } from "../ports.ts";
import { ask } from "./ask.ts";
import { Epoch } from "./epoch.ts";

/** A router that answers NAT-PMP (RFC 6886). */
export class PmpGateway implements Gateway {
	readonly id: string;
	readonly host: string;
	readonly localAddress: string;
	readonly #world: World;
	readonly #epoch = new Epoch();
	/** Counts the times that the router lost its state; a mapping of an earlier time is gone. */
	#era = 0;
	readonly #made = new Map<string, number>();
	#externalIp = "";

	constructor(world: World, host: string, localAddress: string) {
		this.#world = world;
		this.id = host;
		this.host = host;
		this.localAddress = localAddress;
	}

	get externalIp(): string {
		return this.#externalIp;
	}

	/**
	 * Asks for its external address.
	 *
	 * @throws TraversalError `DOUBLE_NAT` when it is not public
	 */
	async connect(signal: AbortSignal): Promise<this> {
		await this.#refresh(signal);
		if (!isPublic(this.#externalIp)) {
			throw new TraversalError(
				"DOUBLE_NAT",
				`it has no public address: its external address is ${this.#externalIp}`,
			);
		}
		return this;
	}

	async map(binding: Binding, lifetime: number, signal: AbortSignal): Promise<Grant> {
		const { protocol, localPort: internalPort, externalPort } = binding;
		const request = { kind: "map", protocol, internalPort, externalPort, lifetime } as const;
		const granted = await ask(this.#world, this.host, request, signal);
		this.#heard(granted.epoch);
		if (granted.externalPort === 0 || granted.lifetime === 0) {
			throw new TraversalError("MALFORMED", "it granted a mapping without a port or a lifetime");
		}
		this.#made.set(`${protocol} ${internalPort}`, this.#era);
		return {
			externalPort: granted.externalPort,
			// A router may grant more than was asked for; it is not held to it.
			lifetime: Math.min(granted.lifetime, lifetime),
		};
	}

	async unmap({ protocol, localPort }: Binding, signal: AbortSignal): Promise<void> {
		this.#made.delete(`${protocol} ${localPort}`);
		// Section 3.4: the external port is 0 as well.
		const request = {
			kind: "map",
			protocol,
			internalPort: localPort,
			externalPort: 0,
			lifetime: 0,
		} as const;
		const { epoch } = await ask(this.#world, this.host, request, signal);
		this.#heard(epoch);
	}

	async check(
		{ protocol, localPort }: Binding,
		signal: AbortSignal,
	): Promise<{ kept: boolean; externalIp: string }> {
		await this.#refresh(signal);
		const kept = this.#made.get(`${protocol} ${localPort}`) === this.#era;
		return { kept, externalIp: this.#externalIp };
	}

	/** Mappings have no name here by which to know them. Those of runs before end with their lease. */
	async sweep(): Promise<void> {
		await Promise.resolve();
	}

	async #refresh(signal: AbortSignal): Promise<void> {
		const { epoch, address } = await ask(this.#world, this.host, { kind: "address" }, signal);
		this.#heard(epoch);
		this.#externalIp = address;
	}

	#heard(epoch: number): void {
		if (this.#epoch.lost(epoch, this.#world.clock.now())) this.#era++;
	}
}
