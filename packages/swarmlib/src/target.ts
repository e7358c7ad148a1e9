import { type Address, Hash, formatAddress } from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";

/** Whom a message is for, once its name is known: a position, and whether only the peer at just that place will do. */
export interface Destination {
	readonly hash: Hash;
	readonly exact: boolean;
	/** For error messages. */
	readonly name: string;
}

/** Gives the literal IP address of a host name. */
export type Resolve = (host: string) => string | Promise<string>;

/**
 * Turns what callers name as targets into destinations. Host names are resolved first, so that `localhost` and
 * `127.0.0.1` are one peer.
 */
export class Targets {
	readonly #resolve: Resolve;
	/** Targets whose host names are being resolved. */
	readonly #open = new Set<{
		readonly port: number | undefined;
		readonly named: Promise<unknown>;
	}>();

	constructor(resolve: Resolve) {
		this.#resolve = resolve;
	}

	/**
	 * The destination; a promise of it while its name, or an earlier one that may turn out to mean the same peer, is
	 * being resolved: what was sent first shall also leave first.
	 * @throws SwarmError `INVALID_ARGUMENT`, `INVALID_PORT`; the promise rejects with `UNRESOLVED`
	 */
	find(target: unknown): Destination | Promise<Destination> {
		const { port, found } = destination(target, this.#resolve);
		const before = [...this.#open].filter((other) => other.port === port);
		if (!(found instanceof Promise) && before.length === 0) return found;
		const named = Promise.allSettled(before.map(({ named }) => named)).then(() => found);
		const entry = { port, named };
		this.#open.add(entry);
		// Before whoever waits for it goes on, and starts the next.
		const forget = (): void => {
			this.#open.delete(entry);
		};
		named.then(forget, forget);
		if (found instanceof Promise) found.catch(() => {});
		return named;
	}
}

/** A destination, and the port where it can be dialled as far as that is known. */
interface Found {
	readonly port: number | undefined;
	readonly found: Destination | Promise<Destination>;
}

function destination(target: unknown, resolve: Resolve): Found {
	if (target instanceof Hash) return byHash(target, false);
	if (Array.isArray(target) && target.length === 2) {
		return byAddress({ host: target[0] as string, port: target[1] as number }, resolve);
	}
	if (typeof target === "object" && target !== null) {
		const { hash, host, port, address, listener } = target as Record<string, unknown>;
		if (!(hash instanceof Hash)) {
			return byAddress({ host: host as string, port: port as number }, resolve);
		}
		return byHash(hash, true, (address ?? listener) as Partial<Address> | undefined);
	}
	throw invalidTarget();
}

function byHash(hash: Hash, exact: boolean, address?: Partial<Address>): Found {
	return { port: address?.port, found: { hash, exact, name: hash.toString() } };
}

function byAddress(address: Address, resolve: Resolve): Found {
	const { host, port } = address;
	if (typeof host !== "string" || host === "") throw invalidTarget();
	if (!Number.isInteger(port) || port < 1 || port > 65_535) {
		throw new SwarmError("INVALID_PORT", `${String(port)} is not a port to send to`);
	}
	const named = (ip: string): Destination => {
		const name = formatAddress({ host: ip, port });
		return { hash: new Hash({ value: name }), exact: true, name };
	};
	const resolved = resolve(host);
	return { port, found: typeof resolved === "string" ? named(resolved) : resolved.then(named) };
}

function invalidTarget(): SwarmError {
	return new SwarmError(
		"INVALID_ARGUMENT",
		"a target is { host, port }, [host, port], a Hash, a SwarmPeer or a RemotePeer",
	);
}
