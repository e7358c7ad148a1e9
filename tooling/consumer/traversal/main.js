// A port on the router, where there is one; otherwise, what was tried.
import assert from "node:assert/strict";

import { localAddress, NatPMP, PortMapping, TraversalError, UPnP } from "@cicada/traversal";

assert.match(await localAddress(), /^\d+\.\d+\.\d+\.\d+$/);
assert.throws(() => new PortMapping(0), { code: "INVALID_ARGUMENT" });

const mapping = new PortMapping(7000, { timeout: 0 });
await assert.rejects(mapping.open(), (error) => {
	assert(error instanceof TraversalError);
	assert.equal(error.code, "TIMEOUT");
	return true;
});
await mapping.close();
await assert.rejects(mapping.open(), { code: "CLOSED" });

for (const mapper of [new UPnP(), new NatPMP()]) {
	assert.throws(() => mapper.externalIp, { code: "NOT_OPEN" });
	await mapper.close();
}
