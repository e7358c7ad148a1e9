import { system } from "./node/system.ts";
import type { World } from "./ports.ts";

/** An address that is not this machine's; nothing is sent to it (RFC 5737). */
const ELSEWHERE = "192.0.2.1";

/**
 * The IPv4 address of the interface that faces the default route: what other machines of the home network reach
 * this one by. `"127.0.0.1"` when there is no such interface. It sends nothing, and never rejects.
 */
export async function localAddress(options: { readonly world?: World } = {}): Promise<string> {
	const world = options.world ?? system;
	return (await world.addressTowards(ELSEWHERE)) ?? "127.0.0.1";
}
