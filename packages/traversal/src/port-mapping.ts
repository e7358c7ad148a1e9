import { type Evidence, evidenceOf, summarize, TraversalError } from "./errors.ts";
import { Events } from "./events.ts";
import {
	checkAttempts,
	checkLifetime,
	checkPort,
	checkProtocol,
	type MappedPort,
	type MappingEvents,
	portsFrom,
} from "./mapped-port.ts";
import { NatPMP } from "./nat-pmp.ts";
import { system } from "./node/system.ts";
import type { PortMapper } from "./port-mapper.ts";
import type { World } from "./ports.ts";
import { UPnP } from "./upnp.ts";
import { checkTimeout, type Wait, within } from "./wait.ts";

/** What NAT-PMP needs at most, in milliseconds, to be sure that nobody answers. UPnP leaves it that much. */
const NAT_PMP_NEEDS = 4_000;

export interface PortMappingOptions extends Wait {
	/** `"tcp"` unless said otherwise. */
	readonly protocol?: "tcp" | "udp";
	/** How many external ports to try, from {@link PortMapping.port} upwards; 5 unless said otherwise. */
	readonly attempts?: number;
	/** How long the router keeps the mapping without hearing of it again, in seconds; 3,600 unless said otherwise. */
	readonly lifetime?: number;
	/** How long {@link PortMapping.open} may take, in milliseconds; 8,000 unless said otherwise. */
	readonly timeout?: number;
	/** Ends {@link PortMapping.open}. */
	readonly signal?: AbortSignal;
	/** Whether SIGINT, SIGTERM and SIGHUP take the mapping off the router before they end the process. */
	readonly closeOnExit?: boolean;
	/** What it asks of the machine; tests may give another. */
	readonly world?: World;
}

/**
 * A port of the router that leads to a port of this machine: by UPnP where the router speaks it, else by NAT-PMP.
 * It lasts, renewed at half its life, until it is closed.
 */
export class PortMapping {
	/** The local port. */
	readonly port: number;
	readonly #protocol: "tcp" | "udp";
	readonly #attempts: number;
	readonly #lifetime: number;
	readonly #wait: Required<Pick<Wait, "timeout">> & Wait;
	readonly #closeOnExit: boolean;
	readonly #world: World;
	readonly #events: Events<MappingEvents> = new Events<MappingEvents>((error) => {
		this.#events.emit("error", error);
	});
	readonly #closing = new AbortController();
	/** Mappers that were given up, and still tidy up. */
	readonly #tidying = new Set<Promise<void>>();
	#mapper: PortMapper | undefined;
	#opening: Promise<void> | undefined;
	#closed: Promise<void> | undefined;

	/** @throws TraversalError `INVALID_ARGUMENT` */
	constructor(port: number, options: PortMappingOptions = {}) {
		const { protocol = "tcp", attempts = 5, lifetime = 3_600, timeout = 8_000 } = options;
		checkPort("port", port);
		checkProtocol(protocol);
		checkAttempts(attempts);
		checkLifetime(lifetime);
		checkTimeout(timeout);
		this.port = port;
		this.#protocol = protocol;
		this.#attempts = attempts;
		this.#lifetime = lifetime;
		this.#wait = { timeout, ...(options.signal && { signal: options.signal }) };
		this.#closeOnExit = options.closeOnExit ?? false;
		this.#world = options.world ?? system;
	}

	/** The router's public address, as last seen. @throws TraversalError `NOT_OPEN`, `CLOSED` */
	get externalIp(): string {
		return this.mapper.externalIp;
	}

	/** The port of the router; it may differ from {@link port}. @throws TraversalError `NOT_OPEN`, `CLOSED` */
	get externalPort(): number {
		const mapped = this.mapper.mappings.find(
			({ localPort, protocol }) => localPort === this.port && protocol === this.#protocol,
		);
		if (mapped === undefined) throw new TraversalError("NOT_OPEN", "the mapping was removed");
		return mapped.externalPort;
	}

	/** The address of the interface that faces the router: the one to listen at. @throws TraversalError `NOT_OPEN`, `CLOSED` */
	get localAddress(): string {
		return this.mapper.localAddress;
	}

	/** What mapped it. @throws TraversalError `NOT_OPEN`, `CLOSED` */
	get mapper(): PortMapper {
		if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
		if (this.#mapper === undefined) throw new TraversalError("NOT_OPEN", "open comes first");
		return this.#mapper;
	}

	/**
	 * Maps the port. Opening what is open changes nothing; what failed may be opened again.
	 *
	 * @throws TraversalError with what each method and router answered in `evidence`, and the `code` that tells most
	 *   of it: `NO_GATEWAY`, `DOUBLE_NAT`, `PORT_TAKEN`, `REFUSED`, …; `TIMEOUT`; `CLOSED`
	 */
	async open(): Promise<this> {
		if (this.#mapper === undefined) {
			this.#opening ??= this.#open().finally(() => {
				this.#opening = undefined;
			});
			await this.#opening;
		}
		this.#closing.signal.throwIfAborted();
		return this;
	}

	/** Calls `listener` for each event of a type, until it is taken back or `signal` aborts. */
	on<Type extends keyof MappingEvents>(
		type: Type,
		listener: (event: MappingEvents[Type]) => void,
		options?: { signal?: AbortSignal },
	): () => void {
		return this.#events.on(type, listener, options);
	}

	/** Takes the mapping off the router, as well as it can within 6 s. Never rejects. */
	close(): Promise<void> {
		this.#closed ??= this.#close();
		return this.#closed;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #close(): Promise<void> {
		this.#closing.abort(new TraversalError("CLOSED", "the mapping was closed"));
		await this.#opening?.catch(() => {});
		await Promise.all([this.#mapper?.close(), ...this.#tidying]);
	}

	async #open(): Promise<void> {
		const { timeout, signal } = this.#wait;
		const evidence: Evidence[] = [];
		const late = (): TraversalError => {
			const said = evidence.length > 0 ? `: ${summarize(evidence).message}` : "";
			return new TraversalError("TIMEOUT", `not done within ${Math.round(timeout)} ms${said}`, {
				evidence,
			});
		};
		await within(
			this.#world.clock,
			timeout,
			[this.#closing.signal, signal],
			async (signal) => {
				const leave = Math.min(NAT_PMP_NEEDS, timeout / 2);
				if (await this.#try(new UPnP({ world: this.#world }), timeout - leave, evidence, signal))
					return;
				if (await this.#try(new NatPMP({ world: this.#world }), Infinity, evidence, signal)) return;
				throw summarize(evidence);
			},
			late,
		);
	}

	/** Whether a mapper did it; if not, what it said is added to `evidence`. */
	async #try(
		mapper: UPnP | NatPMP,
		timeout: number,
		evidence: Evidence[],
		signal: AbortSignal,
	): Promise<boolean> {
		const end = this.#world.clock.now() + timeout;
		try {
			await mapper.create({ timeout, signal });
			await this.#map(mapper, end, signal);
			signal.throwIfAborted();
		} catch (error) {
			const tidying = mapper.close().finally(() => this.#tidying.delete(tidying));
			this.#tidying.add(tidying);
			signal.throwIfAborted();
			evidence.push(...evidenceOf(error, mapper.name));
			return false;
		}
		this.#adopt(mapper);
		return true;
	}

	/** Maps to the first external port that is free. */
	async #map(mapper: PortMapper, end: number, signal: AbortSignal): Promise<MappedPort> {
		const evidence: Evidence[] = [];
		for (const externalPort of portsFrom(this.port, this.#attempts)) {
			try {
				return await mapper.addPortMapping(this.port, externalPort, {
					protocol: this.#protocol,
					lifetime: this.#lifetime,
					timeout: Math.max(0, end - this.#world.clock.now()),
					signal,
				});
			} catch (error) {
				if (!(error instanceof TraversalError && error.code === "PORT_TAKEN")) throw error;
				evidence.push(...evidenceOf(error, mapper.name));
			}
		}
		throw summarize(evidence);
	}

	#adopt(mapper: UPnP | NatPMP): void {
		this.#mapper = mapper;
		const { signal } = this.#closing;
		for (const type of ["renewed", "moved", "lost"] as const) {
			mapper.on(
				type,
				(event) => {
					this.#events.emit(type, event);
				},
				{ signal },
			);
		}
		if (!this.#closeOnExit) return;
		const forget = this.#world.beforeExit(() => this.close());
		signal.addEventListener("abort", forget);
	}
}
