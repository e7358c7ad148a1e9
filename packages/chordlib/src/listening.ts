import { type Address, canonicalAddress, formatAddress, ipBytes } from "./address.ts";
import { ChordError } from "./errors.ts";
import type { Advertised } from "./options.ts";
import type { Listener, Transport } from "./ports.ts";

const LISTEN_ERRORS: Readonly<Record<string, "ADDRESS_IN_USE" | "ADDRESS_NOT_AVAILABLE">> = {
	EADDRINUSE: "ADDRESS_IN_USE",
	EADDRNOTAVAIL: "ADDRESS_NOT_AVAILABLE",
	EACCES: "ADDRESS_NOT_AVAILABLE",
	EINVAL: "ADDRESS_NOT_AVAILABLE",
};

/** @throws ChordError `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE` */
export async function listenAt(
	transport: Transport,
	address: Address,
	accept: Parameters<Transport["listen"]>[1],
): Promise<Listener> {
	try {
		return await transport.listen(address, accept);
	} catch (cause) {
		const { code = "", message } = cause as Error & { code?: string };
		throw new ChordError(
			LISTEN_ERRORS[code] ?? "ADDRESS_NOT_AVAILABLE",
			`cannot listen at ${formatAddress(address)}: ${message}`,
			{ cause },
		);
	}
}

/** The IP address of a host; the wildcard for `""`. @throws ChordError `UNRESOLVED` */
export async function resolveHost(transport: Transport, host: string): Promise<string> {
	if (host === "") return "0.0.0.0";
	if (ipBytes(host) !== undefined) return host;
	try {
		return await transport.resolve(host);
	} catch (cause) {
		throw new ChordError("UNRESOLVED", `the host name ${host} has no address`, { cause });
	}
}

/** Where others dial a node that listens at `bound`. */
export async function addressFor(
	transport: Transport,
	bound: Address,
	advertise: Advertised,
): Promise<Address> {
	const given = typeof advertise === "function" ? await advertise(bound) : advertise;
	return given === undefined ? reachable(transport, bound) : canonicalAddress(given);
}

/** Bound to all interfaces, it is the one that others can reach. */
async function reachable(transport: Transport, bound: Address): Promise<Address> {
	const wildcard = ipBytes(bound.host)?.every((byte) => byte === 0) ?? false;
	const host = wildcard ? await transport.localHost() : bound.host;
	return canonicalAddress({ host, port: bound.port });
}
