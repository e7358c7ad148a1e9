import { type Transport, canonicalIp } from "@cicada/chordlib";

import { SwarmError } from "./errors.ts";

/** The addresses of host names. */
export class Names {
	readonly #transport: Transport;
	readonly #resolving = new Map<string, Promise<string>>();

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/** The literal IP address of a host; a promise of it, which rejects with `UNRESOLVED`, when that is a name. */
	resolve(host: string): string | Promise<string> {
		const literal = canonicalIp(host);
		if (literal !== undefined) return literal;
		const known = this.#resolving.get(host);
		if (known !== undefined) return known;
		const resolving = this.#transport
			.resolve(host)
			.catch((cause: unknown) => {
				throw new SwarmError("UNRESOLVED", `the host name ${host} has no address`, { cause });
			})
			.finally(() => {
				this.#resolving.delete(host);
			});
		this.#resolving.set(host, resolving);
		return resolving;
	}
}
