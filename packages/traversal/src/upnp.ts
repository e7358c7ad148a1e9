import { system } from "./node/system.ts";
import { PortMapper } from "./port-mapper.ts";
import type { World } from "./ports.ts";
import { upnp } from "./upnp/discovery.ts";

/**
 * Maps ports by UPnP: Internet Gateway Device, versions 1 and 2, with WANIPConnection or WANPPPConnection.
 *
 * `create` searches all interfaces, asks whoever answers, and takes the first that has a public address. What crashed runs
 * of this program left on that router is removed in the background. `addPortMapping` rejects with `PORT_TAKEN` when the
 * external port is another's. A router that knows only permanent mappings makes one of those; its `expires` is undefined.
 *
 * What the home network says is not believed without need: descriptions and control URLs must be the answering
 * router's own, by literal private addresses, and answers are small, in time, and plain XML.
 */
export class UPnP extends PortMapper {
	/** How it is called. */
	readonly name = "UPnP";

	/** @param options.world what it asks of the machine; tests may give another */
	constructor(options: { readonly world?: World } = {}) {
		const world = options.world ?? system;
		super(world, upnp(world));
	}
}
