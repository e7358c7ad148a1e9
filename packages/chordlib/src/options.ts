import { type Address, canonicalAddress, isPort } from "./address.ts";
import { ChordError } from "./errors.ts";
import { LONGEST_LIST } from "./ring/messages.ts";
import type { Pace } from "./ring/stabilize.ts";
import { Identity } from "./secure/identity.ts";
import type { Network } from "./secure/secret.ts";

/** What a node's id is the hash of, or what gives that once it is known where the node listens. */
export type NodeData = string | Uint8Array | ((bound: Address) => string | Uint8Array);

/** `INVALID_ARGUMENT`, to be thrown. */
export function invalid(message: string): ChordError {
	return new ChordError("INVALID_ARGUMENT", message);
}

/** A copy of `data`. */
export function checkData(data: NodeData): NodeData {
	return typeof data === "function" ? data : checkBytes(data);
}

/** A copy of `data`, which is what is to be hashed. */
export function checkBytes(data: string | Uint8Array): string | Uint8Array {
	if (typeof data === "string") return data;
	if (data instanceof Uint8Array) return new Uint8Array(data);
	throw invalid("data must be a string, a Uint8Array, or a function that gives one");
}

export function checkBindAddress(address: Address): Address {
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

type Advertised = Address | ((bound: Address) => Promise<Address | undefined>) | undefined;

export function checkAdvertised(given: Advertised): Advertised {
	return given === undefined || typeof given === "function" ? given : canonicalAddress(given);
}

/** What a node that opened a link has to prove before it counts. */
export type Proof = "off" | "required" | "id";

export function checkProof(given: Proof = "off"): Proof {
	if (given === "off" || given === "required" || given === "id") return given;
	throw invalid('proof must be "off", "required" or "id"');
}

export function checkEncryption(encryption: "required" | "off", { secret }: Network): boolean {
	if (encryption === "required") return true;
	if (encryption !== "off") throw invalid("encryption must be required or off");
	if (secret !== undefined) throw invalid("a secret takes encrypted links");
	return false;
}

export function checkIdentity(identity: Identity | undefined): Identity | undefined {
	if (identity === undefined || identity instanceof Identity) return identity;
	throw invalid("identity must be an Identity, as loadIdentity and Identity.create give it");
}

export function checkSuccessors(count: number): number {
	if (!Number.isInteger(count) || count < 1 || count > LONGEST_LIST) {
		throw invalid(`successors must be an integer from 1 to ${LONGEST_LIST}`);
	}
	return count;
}

export function checkPace({ fastest = 100, slowest = 5_000 }: Partial<Pace> = {}): Pace {
	if (![fastest, slowest].every(Number.isFinite) || fastest <= 0 || slowest < fastest) {
		throw invalid("pace must have 0 < fastest <= slowest, in milliseconds");
	}
	return { fastest, slowest };
}

/** For options, which must be an object when they are given. */
export function checkObject<Options extends object>(what: string, given: Options): Options {
	if (typeof given !== "object" || given === null) throw invalid(`${what} must be an object`);
	return given;
}

/** For what is on or off, and off when it is not given. */
export function checkFlag(what: string, given: boolean | undefined): boolean {
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
