import { natPmp } from "./nat-pmp/discovery.ts";
import { system } from "./node/system.ts";
import { PortMapper } from "./port-mapper.ts";
import type { World } from "./ports.ts";

/**
 * Maps ports by NAT-PMP (RFC 6886), on the router of a default route. Only that router's own answers count.
 *
 * `create` asks the routers of the default routes, and takes the nearest that has a public address; one that is silent is
 * given up after 3.75 s. The router may choose another external port than the one that `addPortMapping` asks for.
 */
export class NatPMP extends PortMapper {
	/** How it is called. */
	readonly name = "NAT-PMP";

	/** @param options.world what it asks of the machine; tests may give another */
	constructor(options: { readonly world?: World } = {}) {
		const world = options.world ?? system;
		super(world, natPmp(world));
	}
}
