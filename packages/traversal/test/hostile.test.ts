// Each behaviour of the scripted router, on loopback; hostile-lab.test.ts meets them in a network of their own.
import { HostileRouter } from "@cicada/natlab";
import { test, vi } from "vitest";

import { NatPMP, PortMapping, UPnP } from "../src/index.ts";
import { search } from "../src/node/nat-upnp.ts";
import { system } from "../src/node/system.ts";
import { expectations } from "./expectations.ts";
import { loopback, placeOf, portsOf } from "./loopback.ts";

vi.setConfig({ maxConcurrency: 20 });

// Other systems have one loopback address only.
test.skipIf(process.platform !== "linux").concurrent.for(
	Object.entries(expectations).map(([name, expectation], index) => ({
		name,
		...expectation,
		number: index + 1,
	})),
)("$name", async ({ name, ask, ends, externalPort = 7000, number }, { expect }) => {
	const router = await HostileRouter.create(placeOf(number));
	router.behave(name);
	const world = loopback({ system, search }, number);
	const mapper = new (ask === "NAT-PMP" ? NatPMP : UPnP)({ world });
	const mapping = new PortMapping(7000, { world });
	const map = async () => {
		if (ask === "PortMapping") return mapping.open();
		await mapper.create();
		return mapper.addPortMapping(7000, 7000);
	};
	try {
		if (ends === "mapped") {
			await expect(map()).resolves.toMatchObject({ externalPort });
			expect(portsOf(router)).toEqual([`${externalPort} 7000`]);
		} else {
			await expect(map()).rejects.toMatchObject({ name: "TraversalError", code: ends });
		}
		await Promise.all([mapper.close(), mapping.close()]);
		expect(portsOf(router)).toEqual([]);
	} finally {
		await router.close();
	}
});
