import { type Address, canonicalIp, formatAddress, scopeOf } from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";

/** A port that a router maps to ours, as `@cicada/traversal`'s `PortMapping` has it. */
export interface Mapping {
	/** The local port. */
	readonly port: number;
	/** The router's public address. */
	readonly externalIp: string;
	/** The port there that leads to ours. */
	readonly externalPort: number;
}

/**
 * How others reach a peer when not at the address that it binds: a pair that is known to lead here, or an open port
 * mapping. With `nat: "auto"` the peer finds out by itself, and maps a port where it can. `nat: "off"` says that the
 * bound address is the one.
 */
export type External =
	| { readonly ip: string; readonly port: number }
	| Mapping
	| { readonly nat: "auto" | "off" };

/** The lowest port that others dial back, and the first too high one that a peer may bind. */
const LOWEST = 1_025;
const TOO_HIGH = 65_535;

/** @throws SwarmError `INVALID_PORT` for anything but 0 and the ports in [1025, 65535). */
export function checkPort(port: unknown): number {
	const valid =
		port === 0 || (Number.isInteger(port) && Number(port) >= LOWEST && Number(port) < TOO_HIGH);
	if (!valid) {
		throw new SwarmError(
			"INVALID_PORT",
			`port ${String(port)}: use 0 for any free one, or ${LOWEST} to ${TOO_HIGH - 1}`,
		);
	}
	return port as number;
}

/** Why nobody else could dial an address, in words; `undefined` when it is one to be tried. */
export function uselessness({ host, port }: Address): string | undefined {
	const scope = canonicalIp(host) === undefined ? "none" : scopeOf(host);
	if (scope === "none") return "it is not the IP address of a machine";
	if (scope === "loopback") return "only this machine reaches it";
	return isDialablePort(port) ? undefined : `others dial only ports from ${LOWEST} to ${TOO_HIGH}`;
}

function isDialablePort(port: number): boolean {
	return Number.isInteger(port) && port >= LOWEST && port <= TOO_HIGH;
}

/**
 * The address that `external` names, for a peer that binds `port`; `undefined` when it is the bound one.
 * @throws SwarmError `INVALID_ARGUMENT`, `INVALID_PORT`
 */
export function externalAddress(external: External | undefined, port: number): Address | undefined {
	if (external === undefined) return undefined;
	if (typeof external !== "object" || external === null) throw malformed();
	if ("nat" in external) return natOf(external.nat);
	if ("ip" in external) return address(external.ip, external.port);
	const { port: mapped, externalIp, externalPort } = openMapping(external);
	if (mapped !== port) {
		throw new SwarmError(
			"INVALID_ARGUMENT",
			`the mapping is for port ${mapped}, and port ${port} is to be bound`,
		);
	}
	return address(externalIp, externalPort);
}

/** The fields of a mapping, whose getters throw while it is not open. */
function openMapping(mapping: Mapping): Mapping {
	try {
		const { port, externalIp, externalPort } = mapping;
		return { port, externalIp, externalPort };
	} catch (cause) {
		throw new SwarmError("INVALID_ARGUMENT", "the port mapping is not open", { cause });
	}
}

/** Whether the peer is to find out by itself how others reach it. */
export function isAutomatic(external: External | undefined): boolean {
	return typeof external === "object" && "nat" in external && external.nat === "auto";
}

/** What is found out by itself is not known yet. */
function natOf(nat: unknown): undefined {
	if (nat !== "off" && nat !== "auto") throw malformed();
}

function address(host: unknown, port: unknown): Address {
	if (typeof host !== "string" || host === "" || !Number.isInteger(port)) throw malformed();
	const given = { host, port: port as number };
	if (!isDialablePort(given.port)) {
		const what = `others dial only ports from ${LOWEST} to ${TOO_HIGH}`;
		throw new SwarmError("INVALID_PORT", `the external address ${formatAddress(given)}: ${what}`);
	}
	return given;
}

function malformed(): SwarmError {
	return new SwarmError(
		"INVALID_ARGUMENT",
		'external is { ip, port }, an open port mapping, or { nat: "auto" | "off" }',
	);
}
