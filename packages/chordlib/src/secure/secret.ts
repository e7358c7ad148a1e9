import { invalid } from "../errors.ts";
import type { Crypto } from "../ports.ts";

/**
 * What only members of a network know: 32 bytes that nobody can guess, or a passphrase, from which they are made with
 * scrypt. Whoever hears a link being opened can try out passphrases: take a long one.
 */
export type Secret = Uint8Array | string;

/** A network: nodes of different ones, or with different secrets, refuse each other. */
export interface Network {
	/** Its name. No secret: it goes over the wire as a hash. */
	readonly id: string;
	/**
	 * Without one the network is open: links are encrypted, and anyone may come. Of several the first is used to dial and
	 * all are accepted, at most four: so a secret is changed while the network runs.
	 */
	readonly secret?: Secret | readonly Secret[] | undefined;
}

/** Each costs who dials with none of them as much as it costs the node, which tries them all. */
const MOST_SECRETS = 4;

const SECRET = 32;

/** @throws ChordError `INVALID_ARGUMENT` */
export function checkNetwork(given: string | Network): Network {
	const network = typeof given === "string" ? { id: given } : given;
	if (typeof network?.id !== "string") {
		throw invalid("network must be a string or { id: string, secret? }");
	}
	const secrets = checkSecrets(network.secret);
	return { id: network.id, ...(secrets.length > 0 && { secret: secrets }) };
}

/** Copies of the secrets. @throws ChordError `INVALID_ARGUMENT` */
export function checkSecrets(given: Network["secret"]): Secret[] {
	if (given === undefined) return [];
	const secrets = Array.isArray(given) ? (given as readonly Secret[]) : [given as Secret];
	if (Array.isArray(given) && (secrets.length === 0 || secrets.length > MOST_SECRETS)) {
		throw invalid(`secret must be one, or a list of 1 to ${MOST_SECRETS}`);
	}
	return secrets.map((secret) => {
		if (typeof secret === "string" && secret !== "") return secret;
		if (secret instanceof Uint8Array && secret.length === SECRET) return new Uint8Array(secret);
		throw invalid(`a secret must be ${SECRET} bytes or a passphrase`);
	});
}

/** The keys of secrets, 32 bytes each. */
export async function keysOf(
	crypto: Crypto,
	id: string,
	secrets: readonly Secret[],
): Promise<readonly Uint8Array[]> {
	const salt = new TextEncoder().encode(`cicada network\0${id}`);
	const keyOf = async (secret: Secret): Promise<Uint8Array> =>
		typeof secret === "string" ? crypto.stretch(secret, salt) : secret;
	return Promise.all(secrets.map(keyOf));
}
