import { SwarmError, type SwarmErrorCode } from "@cicada/swarmlib";

/** What a person can do about an error; it follows what the error itself says. */
const advice: Partial<Record<SwarmErrorCode, string>> = {
	ADDRESS_IN_USE:
		"another program has that port: end it, or choose another with --port (0: any free one)",
	ADDRESS_NOT_AVAILABLE: "this machine has no such address: see --interface",
	IDENTITY_FILE: "see --identity; cicada keygen makes such a file",
	UNRESOLVED: "check the name, and that this machine has a network",
	UNREACHABLE:
		"check the address, that this machine has a network, that a peer runs there, and that no firewall is between",
	INCOMPATIBLE: "is it a peer, of the same version, with the same --network and --secret?",
	NOT_FOUND: "is that peer in the swarm, and is that its own address?",
	TRUST_MISMATCH: "compare the --keys of both: what is outbound_key here is inbound_key there",
	TRUSTED_HOSTS: "see --keys",
	TOO_LARGE: "send it in parts",
	BUSY: "try again in a moment",
	NOT_DIALABLE:
		"have the router map the port, or bind with --interface to an address at which the others reach this machine",
	TIMEOUT: "try again, or give it longer with --timeout",
};

/** What went wrong, and what to do: one line. */
export function explained(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const hint = error instanceof SwarmError ? advice[error.code] : undefined;
	return hint === undefined ? error.message : `${error.message} (${hint})`;
}
