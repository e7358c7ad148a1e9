import { type Address, Hash, canonicalIp, formatAddress } from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";

/** Whom a message is for, once its name is known: a position, and whether only the peer at just that place will do. */
export interface Destination {
	readonly hash: Hash;
	readonly exact: boolean;
	/** Where it can be dialled, as far as the caller said. */
	readonly address: Address | undefined;
	/** True when the caller named nothing but the address: then whoever is there will do, whatever his id. */
	readonly byAddress?: true;
	/** For error messages. */
	readonly name: string;
}

/** Gives the literal IP address of a host name. */
export type Resolve = (host: string) => string | Promise<string>;

/**
 * What a caller names as a target, as a destination; a promise of it while a host name is being resolved. Names are
 * resolved first, so that `localhost` and `127.0.0.1` are one peer.
 * @throws SwarmError `INVALID_ARGUMENT`, `INVALID_PORT`; the promise rejects with `UNRESOLVED`
 */
export function destination(target: unknown, resolve: Resolve): Destination | Promise<Destination> {
	if (target instanceof Hash) {
		return { hash: target, exact: false, address: undefined, name: target.toString() };
	}
	if (Array.isArray(target) && target.length === 2) {
		return byAddress({ host: target[0] as string, port: target[1] as number }, resolve);
	}
	if (typeof target === "object" && target !== null) {
		const { hash, address, host, port } = target as Record<string, unknown>;
		if (hash instanceof Hash) return new NamedPeer(hash, address);
		return byAddress({ host: host as string, port: port as number }, resolve);
	}
	throw invalidTarget();
}

/** A peer that the caller names by its id. */
class NamedPeer implements Destination {
	readonly hash: Hash;
	readonly exact = true;
	readonly #host: unknown;
	readonly #port: unknown;

	constructor(hash: Hash, address: unknown) {
		const { host, port } = (address ?? {}) as Partial<Address>;
		this.hash = hash;
		this.#host = host;
		this.#port = port;
	}

	get name(): string {
		return this.hash.toString();
	}

	/** Where it has one that can be dialled. Few messages need to know. */
	get address(): Address | undefined {
		const ip = typeof this.#host === "string" ? canonicalIp(this.#host) : undefined;
		return ip !== undefined && isPort(this.#port) ? { host: ip, port: this.#port } : undefined;
	}
}

function isPort(port: unknown): port is number {
	return Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535;
}

function byAddress(address: Address, resolve: Resolve): Destination | Promise<Destination> {
	const { host, port } = address;
	if (typeof host !== "string" || host === "") throw invalidTarget();
	if (!isPort(port)) {
		throw new SwarmError("INVALID_PORT", `${String(port)} is not a port to send to`);
	}
	const named = (ip: string): Destination => {
		const name = formatAddress({ host: ip, port });
		const hash = new Hash({ value: name });
		return { hash, exact: true, address: { host: ip, port }, byAddress: true, name };
	};
	const resolved = resolve(host);
	return typeof resolved === "string" ? named(resolved) : resolved.then(named);
}

function invalidTarget(): SwarmError {
	return new SwarmError(
		"INVALID_ARGUMENT",
		"a target is { host, port }, [host, port], a Hash, a SwarmPeer or a RemotePeer",
	);
}
