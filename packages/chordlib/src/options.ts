import { type Address, canonicalAddress, isPort } from "./address.ts";
import type { Ports } from "./core.ts";
import { invalid } from "./errors.ts";
import { type Limits, completeLimits } from "./limits.ts";
import type { NodeHooks } from "./node-events.ts";
import { systemClock } from "./node/clock.ts";
import { systemRandom } from "./node/crypto.ts";
import { tcp } from "./node/tcp.ts";
import { LONGEST_LIST } from "./ring/messages.ts";
import type { Pace } from "./ring/stabilize.ts";
import { Identity } from "./secure/identity.ts";
import { type Network, checkNetwork } from "./secure/secret.ts";

/** What a node can be told when it is made. All of it has a default. */
export interface LocalNodeOptions {
	/**
	 * The network's name, or name and secret: nodes of different networks, or with different secrets, refuse each other.
	 * Without a secret anyone may join. Default `""`.
	 */
	readonly network?: string | Network;
	/**
	 * `"required"` (default): links are encrypted, and both ends prove their keys. `"off"`: for simulations, and to measure
	 * what it costs; anyone on the way can read and change what is sent. Both ends have to be set alike.
	 */
	readonly encryption?: "required" | "off";
	/** Who the node is, as `loadIdentity` gives it. Default: one that is made anew. */
	readonly identity?: Identity;
	/**
	 * The address at which others dial this node, where that is not the bound one; or a function that gives it, or
	 * `undefined` for the bound one, once it is known where the node listens.
	 */
	readonly advertise?: Address | ((bound: Address) => Promise<Address | undefined>);
	/**
	 * Whether a node that dialled this one gets a place in the ring only when this one can dial it, too, where it says that
	 * it is (`"required"`); and whether this one wants others to try that before it gets a place. With `"id"` besides, its id has
	 * to be the hash of its address or of its public key, where links are encrypted. Default `"off"`.
	 */
	readonly proof?: Proof;
	/** Length of the successor list, 1 to 64: one fewer in a row may die at once. Default 16. */
	readonly successors?: number;
	/** How often pointers are checked, in milliseconds: `fastest` after a change (100), `slowest` at rest (5,000). */
	readonly pace?: Partial<Pace>;
	/** What the node allows itself and others; {@link defaultLimits} where not given. */
	readonly limits?: Partial<Limits>;
	/** True when the limits by IP address, subnet and rate hold for loopback and private addresses too. Default false. */
	readonly limitLocal?: boolean;
	/** Clock, randomness and network: the system's where not given. */
	readonly ports?: Partial<Ports>;
	/** Functions that see every packet. None by default. */
	readonly hooks?: Partial<NodeHooks>;
}

/** What a node's id is the hash of, or what gives that once it is known where the node listens. */
export type NodeData = string | Uint8Array | ((bound: Address) => string | Uint8Array);

/** What a node is made with, checked, and with the defaults. */
export interface CompleteOptions {
	readonly data: NodeData;
	readonly bind: Address;
	readonly advertise: Advertised;
	readonly proof: Proof;
	readonly network: Network;
	readonly encrypted: boolean;
	readonly identity: Identity | undefined;
	readonly successors: number;
	readonly pace: Pace;
	readonly limits: Limits;
	readonly limitLocal: boolean;
	readonly ports: Ports;
	readonly hooks: Partial<NodeHooks>;
}

/** @throws ChordError `INVALID_ARGUMENT` */
export function completeOptions(
	data: NodeData,
	bind: Address,
	options: LocalNodeOptions,
): CompleteOptions {
	const {
		network: named = "",
		encryption = "required",
		successors = 16,
		hooks = {},
	} = checkObject("options", options);
	const network = checkNetwork(named);
	return {
		data: checkData(data),
		bind: checkBindAddress(bind),
		advertise: checkAdvertised(options.advertise),
		proof: checkProof(options.proof),
		network,
		encrypted: checkEncryption(encryption, network),
		identity: checkIdentity(options.identity),
		successors: checkSuccessors(successors),
		pace: checkPace(options.pace),
		limits: completeLimits(options.limits),
		limitLocal: checkFlag("limitLocal", options.limitLocal),
		ports: completePorts(options.ports),
		hooks: checkObject("hooks", hooks),
	};
}

function completePorts(ports: Partial<Ports> = {}): Ports {
	const { clock, random, transport } = checkObject("ports", ports);
	return {
		clock: clock ?? systemClock,
		random: random ?? systemRandom,
		transport: transport ?? tcp,
	};
}

/** A copy of `data`. */
function checkData(data: NodeData): NodeData {
	return typeof data === "function" ? data : checkBytes(data);
}

/** A copy of `data`, which is what is to be hashed. */
export function checkBytes(data: string | Uint8Array): string | Uint8Array {
	if (typeof data === "string") return data;
	if (data instanceof Uint8Array) return new Uint8Array(data);
	throw invalid("data must be a string, a Uint8Array, or a function that gives one");
}

function checkBindAddress(address: Address): Address {
	const { host, port } = address ?? {};
	if (typeof host !== "string" || (port !== 0 && !isPort(port))) {
		throw invalid("the address to bind must be { host: string, port: 0 to 65535 }");
	}
	return { host, port };
}

export function checkDialAddress(address: Address): Address {
	const { host, port } = address ?? {};
	if (typeof host !== "string" || host === "" || !isPort(port)) {
		throw invalid("an address to join through must be { host: string, port: 1 to 65535 }");
	}
	return { host, port };
}

/** Where others dial a node, or what gives that; `undefined` for where it is bound. */
export type Advertised = Address | ((bound: Address) => Promise<Address | undefined>) | undefined;

function checkAdvertised(given: Advertised): Advertised {
	return given === undefined || typeof given === "function" ? given : canonicalAddress(given);
}

/** What a node that opened a link has to prove before it counts. */
export type Proof = "off" | "required" | "id";

function checkProof(given: Proof = "off"): Proof {
	if (given === "off" || given === "required" || given === "id") return given;
	throw invalid('proof must be "off", "required" or "id"');
}

function checkEncryption(encryption: "required" | "off", { secret }: Network): boolean {
	if (encryption === "required") return true;
	if (encryption !== "off") throw invalid("encryption must be required or off");
	if (secret !== undefined) throw invalid("a secret takes encrypted links");
	return false;
}

function checkIdentity(identity: Identity | undefined): Identity | undefined {
	if (identity === undefined || identity instanceof Identity) return identity;
	throw invalid("identity must be an Identity, as loadIdentity and Identity.create give it");
}

function checkSuccessors(count: number): number {
	if (!Number.isInteger(count) || count < 1 || count > LONGEST_LIST) {
		throw invalid(`successors must be an integer from 1 to ${LONGEST_LIST}`);
	}
	return count;
}

function checkPace({ fastest = 100, slowest = 5_000 }: Partial<Pace> = {}): Pace {
	if (![fastest, slowest].every(Number.isFinite) || fastest <= 0 || slowest < fastest) {
		throw invalid("pace must have 0 < fastest <= slowest, in milliseconds");
	}
	return { fastest, slowest };
}

/** For options, which must be an object when they are given. */
function checkObject<Options extends object>(what: string, given: Options): Options {
	if (typeof given !== "object" || given === null) throw invalid(`${what} must be an object`);
	return given;
}

/** For what is on or off, and off when it is not given. */
function checkFlag(what: string, given: boolean | undefined): boolean {
	if (given !== undefined && typeof given !== "boolean") throw invalid(`${what} must be a boolean`);
	return given === true;
}

/** For handlers and listeners, which are called much later. */
export function checkFunction(what: string, given: unknown): void {
	if (typeof given !== "function") throw invalid(`${what} must be a function`);
}

/** For message types, which `defineRequest` and `defineNotice` make. */
export function checkType(kind: "request" | "notice", type: { readonly kind: string }): void {
	if (type?.kind !== kind) throw invalid(`expected a ${kind} type, as define… makes it`);
}
