import { type Evidence, evidenceOf, summarize, TraversalError } from "./errors.ts";
import { Events } from "./events.ts";
import type { Binding, Gateway, Grant, Method } from "./gateway.ts";
import { isPublic } from "./ipv4.ts";
import {
	checkLifetime,
	checkPort,
	checkProtocol,
	type MappedPort,
	type MappingEvents,
	portsFrom,
} from "./mapped-port.ts";
import type { Timer, World } from "./ports.ts";
import { type Wait, within } from "./wait.ts";

/** How long operations may take, in milliseconds, when nothing is said. */
const DEFAULT_TIMEOUT = 8_000;
/** How long a mapping may be without a look at whether the router still has it. */
const CHECK = 60_000;
/** How long one attempt to remove a mapping may take, how often it is tried, and all of it at the end. */
const REMOVAL = 2_000;
const REMOVALS = 3;
const CLOSING = 6_000;
/** How long the search for what was left behind may take. */
const SWEEP = 10_000;
/** How many other ports are tried when a mapping comes back from a restart and finds its port taken. */
const NEARBY = 5;
const SHORTEST_RETRY = 1_000;

/** After these answers, there certainly is no mapping. */
const CERTAIN: readonly unknown[] = ["PORT_TAKEN", "REFUSED", "UNSUPPORTED"];
/** After these, another gateway may do better. */
const ELSEWHERE: readonly unknown[] = ["REFUSED", "UNSUPPORTED", "MALFORMED", "NO_ANSWER"];

const codeOf = (error: unknown): unknown =>
	error instanceof TraversalError ? error.code : undefined;

const keyOf = ({ protocol, localPort }: Pick<Binding, "protocol" | "localPort">): string =>
	`${protocol} ${localPort}`;

/** A mapping that is kept alive. */
interface Lease {
	readonly protocol: "tcp" | "udp";
	readonly localPort: number;
	externalPort: number;
	/** Seconds, as asked for. */
	readonly lifetime: number;
	/** Milliseconds of the clock; undefined for a mapping without end. */
	ends: number | undefined;
	/** When to renew it: half its life. */
	due: number;
	failures: number;
	timer: Timer | undefined;
}

/**
 * The mappings that were made by one method, each renewed at half its life, made anew when the router lost it,
 * and removed in the end. If the router doesn't answer as before, it is looked for again.
 */
export class MappingTable {
	readonly events: Events<MappingEvents> = new Events<MappingEvents>((error) => {
		this.events.emit("error", error);
	});
	readonly #world: World;
	readonly #method: Method;
	readonly #leases = new Map<string, Lease>();
	readonly #closing = new AbortController();
	readonly #background = new Set<Promise<void>>();
	#gateway: Gateway | undefined;
	#searching: Promise<Gateway> | undefined;
	#closed: Promise<void> | undefined;

	constructor(world: World, method: Method) {
		this.#world = world;
		this.#method = method;
	}

	/** @throws TraversalError `NOT_OPEN` */
	get gateway(): Gateway {
		if (this.#gateway === undefined) {
			throw new TraversalError("NOT_OPEN", `${this.#method.name}: create comes first`);
		}
		return this.#gateway;
	}

	get mappings(): readonly MappedPort[] {
		return [...this.#leases.values()].map((lease) => this.#snapshot(lease));
	}

	async create(options: Wait = {}): Promise<void> {
		const evidence: Evidence[] = [];
		this.#closing.signal.throwIfAborted();
		if (this.#gateway !== undefined) return;
		const gateway = await this.#within(
			options,
			(signal) => this.#method.discover(new Set(), evidence, signal),
			evidence,
		);
		if (this.#gateway !== undefined) return;
		this.#gateway = gateway;
		this.#inBackground(() =>
			within(this.#world.clock, SWEEP, [this.#closing.signal], (signal) => gateway.sweep(signal)),
		);
	}

	async add(
		localPort: number,
		externalPort: number,
		options: { readonly protocol?: "tcp" | "udp"; readonly lifetime?: number } & Wait = {},
	): Promise<MappedPort> {
		const { protocol = "tcp", lifetime = 3600 } = options;
		checkPort("localPort", localPort);
		checkPort("externalPort", externalPort);
		checkProtocol(protocol);
		checkLifetime(lifetime);
		const binding: Binding = { protocol, localPort, externalPort };
		return this.#within(options, async (signal) => {
			void this.gateway;
			const old = this.#leases.get(keyOf(binding));
			if (old !== undefined && old.externalPort !== externalPort) await this.#remove(old, signal);
			const grant = await this.#mapSomewhere(binding, lifetime, signal);
			return this.#snapshot(this.#keep(binding, lifetime, grant));
		});
	}

	async delete(
		localPort: number,
		options: { readonly protocol?: "tcp" | "udp" } & Wait = {},
	): Promise<void> {
		const { protocol = "tcp" } = options;
		checkPort("localPort", localPort);
		checkProtocol(protocol);
		await this.#within(options, async (signal) => {
			const lease = this.#leases.get(keyOf({ protocol, localPort }));
			if (lease === undefined) {
				throw new TraversalError("NOT_MAPPED", `${localPort} (${protocol}) is not mapped`);
			}
			await this.#remove(lease, signal);
		});
	}

	async cleanup(): Promise<void> {
		const leases = [...this.#leases.values()];
		const failed: Evidence[] = [];
		await Promise.all(
			leases.map(async (lease) => {
				try {
					await this.#removeSurely(lease);
				} catch (error) {
					failed.push(...evidenceOf(error, this.#method.name, this.#gateway?.host));
				}
			}),
		);
		if (failed.length > 0) throw summarize(failed);
	}

	close(): Promise<void> {
		this.#closed ??= this.#close();
		return this.#closed;
	}

	async #close(): Promise<void> {
		this.#closing.abort(new TraversalError("CLOSED", "it was closed"));
		for (const { timer } of this.#leases.values()) timer?.cancel();
		try {
			await within(this.#world.clock, CLOSING, [], async () => {
				while (this.#background.size > 0) await Promise.all(this.#background);
				await this.cleanup();
			});
		} catch {
			// The router is gone, or does not obey: the lease ends without us.
		}
		this.#leases.clear();
	}

	/** Maps on the gateway, or on another one that answers. */
	async #mapSomewhere(binding: Binding, lifetime: number, signal: AbortSignal): Promise<Grant> {
		try {
			return await this.#map(this.gateway, binding, lifetime, signal);
		} catch (error) {
			if (this.#leases.size > 0 || !ELSEWHERE.includes(codeOf(error)) || signal.aborted)
				throw error;
			const other = await this.#method
				.discover(new Set([this.gateway.id]), [], signal)
				.catch(() => undefined);
			if (other === undefined) throw error;
			this.#gateway = other;
			return this.#map(other, binding, lifetime, signal);
		}
	}

	async #map(
		gateway: Gateway,
		binding: Binding,
		lifetime: number,
		signal: AbortSignal,
	): Promise<Grant> {
		try {
			const grant = await gateway.map(binding, lifetime, signal);
			signal.throwIfAborted();
			return grant;
		} catch (error) {
			// Nobody waits for the answer any more, or nobody knows what it meant: it may be mapped.
			if (!CERTAIN.includes(codeOf(error)) && !this.#leases.has(keyOf(binding))) {
				this.#inBackground(() =>
					within(this.#world.clock, REMOVAL, [], (signal) => gateway.unmap(binding, signal)),
				);
			}
			throw error;
		}
	}

	#keep(binding: Binding, lifetime: number, grant: Grant): Lease {
		const key = keyOf(binding);
		const old = this.#leases.get(key);
		old?.timer?.cancel();
		const now = this.#world.clock.now();
		const life = grant.lifetime === undefined ? undefined : grant.lifetime * 1000;
		const lease: Lease = {
			protocol: binding.protocol,
			localPort: binding.localPort,
			externalPort: grant.externalPort,
			lifetime,
			ends: life === undefined ? undefined : now + life,
			due: life === undefined ? Number.POSITIVE_INFINITY : now + life / 2,
			failures: 0,
			timer: undefined,
		};
		this.#leases.set(key, lease);
		this.#wake(lease, Math.min(lease.due - now, CHECK));
		return lease;
	}

	#wake(lease: Lease, delay: number): void {
		if (this.#closing.signal.aborted) return;
		const tend = (): Promise<void> =>
			within(this.#world.clock, DEFAULT_TIMEOUT, [this.#closing.signal], (signal) =>
				this.#tend(lease, signal),
			).catch((error: unknown) => {
				this.#failed(lease, error);
			});
		lease.timer = this.#world.clock.schedule(
			delay,
			() => {
				this.#inBackground(tend);
			},
			true,
		);
	}

	/** Looks whether a mapping is still there, and renews it when that is due. */
	async #tend(lease: Lease, signal: AbortSignal): Promise<void> {
		const before = { gateway: this.gateway, externalIp: this.gateway.externalIp };
		let grant: Grant | undefined;
		try {
			const { kept, externalIp } = await before.gateway.check(lease, signal);
			if (!isPublic(externalIp)) throw new Error(`its external address is ${externalIp} now`);
			const due = this.#world.clock.now() >= lease.due || lease.failures > 0;
			if (!kept || due) grant = await before.gateway.map(lease, lease.lifetime, signal);
		} catch {
			signal.throwIfAborted();
			grant = await this.#mapAgain(lease, signal);
		}
		signal.throwIfAborted();
		if (this.#leases.get(keyOf(lease)) !== lease) return;
		const kept = grant === undefined ? lease : this.#keep(lease, lease.lifetime, grant);
		const mapping = this.#snapshot(kept);
		if (grant === undefined) {
			this.#wake(lease, Math.min(lease.due - this.#world.clock.now(), CHECK));
		} else {
			this.events.emit("renewed", mapping);
		}
		const { externalIp } = this.gateway;
		if (externalIp !== before.externalIp || kept.externalPort !== lease.externalPort) {
			this.events.emit("moved", { mapping, externalIp });
		}
	}

	/** Looks for the router again, and for a port of it. */
	async #mapAgain(lease: Lease, signal: AbortSignal): Promise<Grant> {
		this.#searching ??= this.#method.discover(new Set(), [], signal).finally(() => {
			this.#searching = undefined;
		});
		const gateway = await this.#searching;
		this.#gateway = gateway;
		let taken: unknown;
		for (const externalPort of portsFrom(lease.externalPort, NEARBY)) {
			try {
				return await gateway.map({ ...lease, externalPort }, lease.lifetime, signal);
			} catch (error) {
				if (codeOf(error) !== "PORT_TAKEN") throw error;
				taken = error;
			}
		}
		throw taken;
	}

	#failed(lease: Lease, cause: unknown): void {
		if (this.#closing.signal.aborted || this.#leases.get(keyOf(lease)) !== lease) return;
		const left = (lease.ends ?? 0) - this.#world.clock.now();
		const delay = left > 0 ? left / 2 : SHORTEST_RETRY * 2 ** lease.failures;
		lease.failures++;
		this.#wake(lease, Math.min(Math.max(delay, SHORTEST_RETRY), CHECK));
		const error =
			cause instanceof TraversalError
				? cause
				: summarize(evidenceOf(cause, this.#method.name, this.#gateway?.host));
		this.events.emit("lost", { mapping: this.#snapshot(lease), error });
	}

	async #remove(lease: Lease, signal: AbortSignal): Promise<void> {
		lease.timer?.cancel();
		await this.gateway.unmap(lease, signal);
		if (this.#leases.get(keyOf(lease)) === lease) this.#leases.delete(keyOf(lease));
	}

	async #removeSurely(lease: Lease): Promise<void> {
		for (let attempt = 1; ; attempt++) {
			try {
				await within(this.#world.clock, REMOVAL, [], (signal) => this.#remove(lease, signal));
				return;
			} catch (error) {
				if (attempt === REMOVALS) throw error;
			}
		}
	}

	#snapshot({ protocol, localPort, externalPort, ends }: Lease): MappedPort {
		const expires = ends === undefined ? undefined : this.#world.clock.date(ends);
		return { protocol, localPort, externalPort, expires };
	}

	/** Runs what nobody waits for, but {@link close}. */
	#inBackground(run: () => Promise<void>): void {
		const running = run()
			.catch(() => {})
			.finally(() => this.#background.delete(running));
		this.#background.add(running);
	}

	#within<T>(
		{ timeout = DEFAULT_TIMEOUT, signal }: Wait,
		run: (signal: AbortSignal) => Promise<T>,
		evidence: readonly Evidence[] = [],
	): Promise<T> {
		const { name } = this.#method;
		return within(this.#world.clock, timeout, [this.#closing.signal, signal], run, () => {
			const answer = `not done within ${Math.round(timeout)} ms`;
			const late: Evidence = { method: name, gateway: undefined, code: "TIMEOUT", answer };
			const all = [...evidence, late];
			return new TraversalError("TIMEOUT", summarize(all).message, { evidence: all });
		});
	}
}
