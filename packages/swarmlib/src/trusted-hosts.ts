/**
 * Hosts with which keys were agreed on beforehand: what is between two of them takes these keys besides their own. The
 * list is JSON:
 *
 * ```json
 * {"trusted_hosts": [{"peer": "…", "address": "192.0.2.7:7000", "outbound_key": "…", "inbound_key": "…"}]}
 * ```
 *
 * A host is named by its id (64 hexadecimal digits, or decimal ones), by its address, or by both, which then have to agree.
 * One end's `outbound_key` is the other's `inbound_key`. Spaces around names and values do not count, and empty entries are
 * left out.
 *
 * @module
 */
import { type Address, type Crypto, Hash, canonicalIp, formatAddress } from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";

/** An entry of the list. */
export interface TrustedHost {
	/** Its id: 64 hexadecimal digits, or decimal ones. This or `address`, or both. */
	readonly peer?: string | undefined;
	/** Where its id is that of its address: `"192.0.2.7:7000"`, `"[2001:db8::7]:7000"`, or a host name and a port. */
	readonly address?: string | undefined;
	/** A secret for what is sent to it; there it is the `inbound_key`. Long and random: short ones can be tried out. */
	readonly outbound_key: string;
	/** A secret for what comes from it. */
	readonly inbound_key: string;
}

/** The pre-shared keys with one host, 32 bytes each. */
export interface TrustedKeys {
	readonly outbound: Uint8Array;
	readonly inbound: Uint8Array;
}

const FIELDS = ["peer", "address", "outbound_key", "inbound_key"] as const;
type Field = (typeof FIELDS)[number];

const MOST_HOSTS = 4_096;
const LONGEST_KEY = 1_024;

/**
 * The list in the text of a file of trusted hosts. What is said when it is none never tells a key.
 * @throws SwarmError `TRUSTED_HOSTS`, which names the entry, counted from 1, and the field
 */
export function parseTrustedHosts(text: string): TrustedHost[] {
	try {
		return checkTrustedHosts(listIn(text));
	} catch (cause) {
		if (!(cause instanceof SwarmError)) throw cause;
		throw new SwarmError("TRUSTED_HOSTS", `not a list of trusted hosts: ${cause.message}`);
	}
}

/** The entries of a list, trimmed, without the empty ones. @throws SwarmError `INVALID_ARGUMENT` */
export function checkTrustedHosts(given: unknown): TrustedHost[] {
	if (!Array.isArray(given)) throw invalid("trusted_hosts is not a list");
	if (given.length > MOST_HOSTS) throw invalid(`it has more than ${MOST_HOSTS} entries`);
	return (given as readonly unknown[]).flatMap(
		(entry, index) => checkEntry(entry, index + 1) ?? [],
	);
}

/** The hosts with which keys were agreed on, by id. */
export class Trust {
	readonly #keys = new Map<string, TrustedKeys>();

	/**
	 * For entries that were checked; host names are looked up.
	 * @throws SwarmError `INVALID_ARGUMENT` when peer and address do not agree, or two entries are of one host; whatever
	 * `resolve` throws
	 */
	static async of(
		crypto: Crypto,
		hosts: readonly TrustedHost[],
		resolve: (host: string) => string | Promise<string>,
	): Promise<Trust> {
		const trust = new Trust();
		for (const { peer, address, outbound_key, inbound_key } of hosts) {
			const named = peer === undefined ? undefined : new Hash({ hashed: peer });
			const located = address === undefined ? undefined : addressIn(address);
			const found = located && hashOf({ ...located, host: await resolve(located.host) });
			if (named && found && !named.equals(found)) throw disagree(address);
			const id = String(named ?? found);
			if (trust.#keys.has(id)) throw invalid(`two entries are of the host ${address ?? id}`);
			trust.#keys.set(id, {
				outbound: keyOf(crypto, outbound_key),
				inbound: keyOf(crypto, inbound_key),
			});
		}
		return trust;
	}

	/** The keys with the host of an id; `undefined` for one that is not listed. */
	keysFor(id: Hash): TrustedKeys | undefined {
		return this.#keys.size === 0 ? undefined : this.#keys.get(id.toString());
	}
}

function listIn(text: string): unknown {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		// The cause is not given: its message quotes the text, and the text holds secrets.
		throw invalid("it is not JSON");
	}
	const { trusted_hosts: list } = fieldsOf(value, ["trusted_hosts"], "the file");
	if (list === undefined) throw invalid("it has no trusted_hosts");
	return list;
}

/** An entry; `undefined` for an empty one. */
function checkEntry(given: unknown, place: number): TrustedHost | undefined {
	if (given === null || given === "") return undefined;
	const where = `entry ${place}`;
	const fields = fieldsOf(given, FIELDS, where);
	const text = (name: Field): string | undefined => {
		const { [name]: value } = fields;
		if (value === undefined || value === null) return undefined;
		if (typeof value !== "string") throw invalid(`${where}: ${name} is not a string`);
		return value.trim() === "" ? undefined : value.trim();
	};
	const [peer, address, outbound, inbound] = FIELDS.map(text);
	if ([peer, address, outbound, inbound].every((value) => value === undefined)) return undefined;
	if (peer === undefined && address === undefined) {
		throw invalid(`${where}: it has neither peer nor address`);
	}
	const named = peer === undefined ? undefined : checkPeer(peer, where);
	if (address !== undefined) checkAddress(address, named, where);
	return {
		...(peer !== undefined && { peer }),
		...(address !== undefined && { address }),
		outbound_key: checkKey("outbound_key", outbound, where),
		inbound_key: checkKey("inbound_key", inbound, where),
	};
}

function fieldsOf(
	given: unknown,
	known: readonly string[],
	where: string,
): Record<string, unknown> {
	if (typeof given !== "object" || given === null || Array.isArray(given)) {
		throw invalid(`${where} is not an object`);
	}
	const fields = new Map<string, unknown>();
	for (const [written, value] of Object.entries(given)) {
		const name = written.trim();
		if (!known.includes(name)) throw invalid(`${where}: ${JSON.stringify(name)} is no field of it`);
		if (fields.has(name)) throw invalid(`${where}: it has ${name} twice`);
		fields.set(name, value);
	}
	return Object.fromEntries(fields);
}

function checkPeer(peer: string, where: string): Hash {
	try {
		return new Hash({ hashed: peer });
	} catch {
		throw invalid(`${where}: peer is not an id, which has 64 hexadecimal digits, or decimal ones`);
	}
}

function checkAddress(address: string, peer: Hash | undefined, where: string): void {
	const located = addressIn(address);
	if (located === undefined) throw invalid(`${where}: address is not a host and a port`);
	if (peer === undefined || canonicalIp(located.host) === undefined) return;
	if (!hashOf(located).equals(peer)) throw disagree(where);
}

function checkKey(name: Field, key: string | undefined, where: string): string {
	if (key === undefined) throw invalid(`${where}: it has no ${name}`);
	if (key.length > LONGEST_KEY) {
		throw invalid(`${where}: ${name} is longer than ${LONGEST_KEY} characters`);
	}
	return key;
}

/** A host, without the brackets of IPv6, and a port. */
function addressIn(text: string): Address | undefined {
	const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
	const [, ipv6, other, digits] = match ?? [];
	const port = Number(digits);
	const host = ipv6 ?? other;
	if (host === undefined || port < 1 || port > 65_535) return undefined;
	if (ipv6 !== undefined && canonicalIp(ipv6) === undefined) return undefined;
	return { host: canonicalIp(host) ?? host, port };
}

function hashOf(address: Address): Hash {
	return new Hash({ value: formatAddress(address) });
}

function keyOf(crypto: Crypto, key: string): Uint8Array {
	const utf8 = new TextEncoder();
	return crypto.blake2b(utf8.encode("cicada trusted host\0"), utf8.encode(key)).slice(0, 32);
}

function disagree(where: string | undefined): SwarmError {
	return invalid(`${where}: peer is not the id of address; leave one of them out`);
}

function invalid(message: string): SwarmError {
	return new SwarmError("INVALID_ARGUMENT", message);
}
