import { TraversalError } from "../errors.ts";
import type { Binding, Gateway, Grant } from "../gateway.ts";
import { isPublic } from "../ipv4.ts";
import { describe, isLeftBehind } from "../owner.ts";
import type { SoapRequest, World } from "../ports.ts";
import { type Element, escapeXml, textAt } from "../xml.ts";
import type { Service } from "./description.ts";
import { exchange, SIZE } from "./exchange.ts";
import { answerTo, Fault } from "./soap.ts";

/** How many entries of the router's table are looked at for what was left behind. */
const TABLE = 128;

// Error codes of WANIPConnection.
const NO_SUCH_ENTRY = 714;
const CONFLICT_IN_MAPPING_ENTRY = 718;
const ONLY_PERMANENT_LEASES = 725;
const CONFLICT_WITH_OTHER_MECHANISMS = 729;

/** A line of the router's table. */
interface Entry {
	readonly client: string;
	readonly port: number;
	readonly description: string;
	/** Seconds; 0 is for ever. */
	readonly lease: number;
}

const numberAt = (element: Element, name: string, most: number): number => {
	const text = textAt(element, name);
	const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
	if (value > most) throw new TraversalError("MALFORMED", `its ${name} is not a number`);
	return value;
};

const entryOf = (element: Element): Entry => ({
	client: textAt(element, "NewInternalClient"),
	port: numberAt(element, "NewInternalPort", 65_535),
	description: textAt(element, "NewPortMappingDescription"),
	lease: numberAt(element, "NewLeaseDuration", 2 ** 32 - 1),
});

const taken = ({ externalPort, protocol }: Binding, cause?: unknown): TraversalError =>
	new TraversalError("PORT_TAKEN", `external port ${externalPort} (${protocol}) is taken`, {
		cause,
	});

const keyOf = ({ externalPort, protocol }: Binding): SoapRequest["args"] => [
	["NewRemoteHost", ""],
	["NewExternalPort", externalPort],
	["NewProtocol", protocol.toUpperCase()],
];

/** One connection of an Internet Gateway Device: WANIPConnection:1 or :2, or WANPPPConnection:1. */
export class Igd implements Gateway {
	readonly id: string;
	readonly host: string;
	readonly localAddress: string;
	readonly #world: World;
	readonly #service: Service;
	#externalIp = "";
	// What was looked up must not change before it is acted on: one sequence at a time.
	#queue: Promise<unknown> = Promise.resolve();

	constructor(world: World, service: Service, localAddress: string) {
		this.#world = world;
		this.#service = service;
		this.localAddress = localAddress;
		this.host = service.controlUrl.hostname;
		this.id = `${service.type} ${service.controlUrl.href}`;
	}

	get externalIp(): string {
		return this.#externalIp;
	}

	/**
	 * Asks for its state and its address.
	 *
	 * @throws TraversalError `DOUBLE_NAT` when it has no public address
	 */
	async connect(signal: AbortSignal): Promise<this> {
		const state = await this.#call("GetStatusInfo", [], signal).catch(nothingIfRefused);
		this.#externalIp = await this.#address(signal);
		if (!isPublic(this.#externalIp)) {
			const status = state === undefined ? "" : textAt(state, "NewConnectionStatus").slice(0, 40);
			const address = this.#externalIp === "" ? "none" : this.#externalIp.slice(0, 40);
			throw new TraversalError(
				"DOUBLE_NAT",
				`it has no public address: its external address is ${address}` +
					(status === "" || status === "Connected" ? "" : `, its connection is ${status}`),
			);
		}
		return this;
	}

	map(binding: Binding, lifetime: number, signal: AbortSignal): Promise<Grant> {
		return this.#inTurn(signal, async () => {
			const before = await this.#lookUp(binding, signal);
			if (typeof before === "object" && !this.#mayReplace(before, binding)) throw taken(binding);
			const asked = await this.#add(binding, lifetime, signal);
			// Some say yes and do nothing; some grant less than was asked for.
			const after = await this.#lookUp(binding, signal);
			if (after === "none") {
				throw new TraversalError("REFUSED", "it said that it mapped the port, but it did not");
			}
			if (typeof after === "object" && !this.#leadsTo(after, binding)) throw taken(binding);
			const told = typeof after === "object" && after.lease > 0 ? after.lease : asked;
			const granted = Math.min(asked, told);
			return {
				externalPort: binding.externalPort,
				lifetime: granted === 0 ? undefined : granted,
			};
		});
	}

	unmap(binding: Binding, signal: AbortSignal): Promise<void> {
		return this.#inTurn(signal, async () => {
			const before = await this.#lookUp(binding, signal);
			if (before === "none") return;
			if (typeof before === "object" && !this.#leadsTo(before, binding)) return;
			await this.#call("DeletePortMapping", keyOf(binding), signal).catch((error: unknown) => {
				if (!(error instanceof Fault && error.fault === NO_SUCH_ENTRY)) throw error;
			});
			const after = await this.#lookUp(binding, signal);
			if (typeof after === "object" && this.#leadsTo(after, binding)) {
				throw new TraversalError("REFUSED", "it said that it removed the mapping, but it did not");
			}
		});
	}

	check(binding: Binding, signal: AbortSignal): Promise<{ kept: boolean; externalIp: string }> {
		return this.#inTurn(signal, async () => {
			const entry = await this.#lookUp(binding, signal);
			const kept = typeof entry === "object" ? this.#leadsTo(entry, binding) : entry === "unknown";
			this.#externalIp = await this.#address(signal);
			return { kept, externalIp: this.#externalIp };
		});
	}

	async sweep(signal: AbortSignal): Promise<void> {
		let index = 0;
		for (let seen = 0; seen < TABLE; seen++) {
			// What is deleted moves the rest up by one.
			if (!(await this.#inTurn(signal, () => this.#sweepEntry(index, signal)))) index++;
		}
	}

	/** Whether it removed the entry. Throws where the table ends. */
	async #sweepEntry(index: number, signal: AbortSignal): Promise<boolean> {
		const args = [["NewPortMappingIndex", index]] as const;
		const answer = await this.#call("GetGenericPortMappingEntry", args, signal);
		const { client, description } = entryOf(answer);
		const { owner } = this.#world;
		if (client !== this.localAddress || !isLeftBehind(owner, description)) return false;
		const binding: Binding = {
			protocol: textAt(answer, "NewProtocol").toUpperCase() === "UDP" ? "udp" : "tcp",
			localPort: 0,
			externalPort: numberAt(answer, "NewExternalPort", 65_535),
		};
		await this.#call("DeletePortMapping", keyOf(binding), signal);
		return true;
	}

	/** Answers the lease that it asked for in the end: 0 where the router knows no other. */
	async #add(binding: Binding, lifetime: number, signal: AbortSignal): Promise<number> {
		const add = (lease: number): Promise<Element> =>
			this.#call(
				"AddPortMapping",
				[
					...keyOf(binding),
					["NewInternalPort", binding.localPort],
					["NewInternalClient", this.localAddress],
					["NewEnabled", 1],
					["NewPortMappingDescription", escapeXml(describe(this.#world.owner))],
					["NewLeaseDuration", lease],
				],
				signal,
			);
		try {
			await add(lifetime);
			return lifetime;
		} catch (error) {
			if (!(error instanceof Fault)) throw error;
			switch (error.fault) {
				case ONLY_PERMANENT_LEASES: {
					await add(0);
					return 0;
				}
				case CONFLICT_IN_MAPPING_ENTRY:
				case CONFLICT_WITH_OTHER_MECHANISMS: {
					throw taken(binding, error);
				}
				default: {
					throw error;
				}
			}
		}
	}

	/** The entry of a port; none; or unknown, of routers that don't tell. */
	async #lookUp(binding: Binding, signal: AbortSignal): Promise<Entry | "none" | "unknown"> {
		try {
			return entryOf(await this.#call("GetSpecificPortMappingEntry", keyOf(binding), signal));
		} catch (error) {
			if (!(error instanceof TraversalError)) throw error;
			if (error instanceof Fault) return error.fault === NO_SUCH_ENTRY ? "none" : "unknown";
			if (error.code === "MALFORMED") return "unknown";
			throw error;
		}
	}

	#leadsTo(entry: Entry, { localPort }: Binding): boolean {
		return entry.client === this.localAddress && entry.port === localPort;
	}

	#mayReplace(entry: Entry, binding: Binding): boolean {
		return (
			this.#leadsTo(entry, binding) ||
			(entry.client === this.localAddress && isLeftBehind(this.#world.owner, entry.description))
		);
	}

	async #address(signal: AbortSignal): Promise<string> {
		const answer = await this.#call("GetExternalIPAddress", [], signal);
		return textAt(answer, "NewExternalIPAddress");
	}

	async #call(action: string, args: SoapRequest["args"], signal: AbortSignal): Promise<Element> {
		const request = {
			url: this.#service.controlUrl,
			service: this.#service.type,
			localAddress: this.localAddress,
			limit: SIZE,
			action,
			args,
		};
		const reply = await exchange(this.#world.clock, signal, (signal) =>
			this.#world.call(request, signal),
		);
		return answerTo(action, reply);
	}

	async #inTurn<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
		const turn = this.#queue.then(() => {
			signal.throwIfAborted();
			return run();
		});
		this.#queue = turn.catch(() => {});
		return turn;
	}
}

const nothingIfRefused = (error: unknown): undefined => {
	if (!(error instanceof Fault)) throw error;
};
