import { HostileRouter, until } from "@cicada/natlab";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import {
	localAddress,
	NatPMP,
	PortMapping,
	TraversalError,
	UPnP,
	type World,
} from "../src/index.ts";
import { search } from "../src/node/nat-upnp.ts";
import { system } from "../src/node/system.ts";
import { failure } from "./failure.ts";
import { loopback, placeOf, portsOf } from "./loopback.ts";
import { settle } from "./manual-clock.ts";

/** A world without a network. */
const nowhere: World = {
	...system,
	addresses: () => [],
	addressTowards: () => Promise.resolve(undefined),
	defaultRoutes: () => Promise.resolve([]),
};

test.each([
	[0, {}],
	[65_536, {}],
	[1.5, {}],
	[1, { attempts: 0 }],
	[1, { attempts: 1_001 }],
	[1, { lifetime: 0.5 }],
	[1, { timeout: Number.NaN }],
	[1, { protocol: "icmp" as "tcp" }],
])("new PortMapping(%d, %o) throws", (port, options) => {
	expect(() => new PortMapping(port, options)).toThrow(
		expect.objectContaining({ code: "INVALID_ARGUMENT" }),
	);
});

test("before open there is nothing to tell", () => {
	const mapping = new PortMapping(7000, { world: nowhere });
	expect(mapping.port).toBe(7000);
	for (const name of ["externalIp", "externalPort", "localAddress", "mapper"] as const) {
		expect(() => mapping[name]).toThrow(expect.objectContaining({ code: "NOT_OPEN" }));
	}
});

test("without a network, each method says so", async () => {
	const mapping = new PortMapping(7000, { world: nowhere });
	await expect(mapping.open()).rejects.toMatchObject({
		code: "NO_GATEWAY",
		message:
			"UPnP: this machine is in no network; NAT-PMP: this machine has no default route, so no router to ask",
	});
	await mapping.close();
	await expect(localAddress({ world: nowhere })).resolves.toBe("127.0.0.1");
});

test("a route whose interface is gone is said to be so", async () => {
	const world = {
		...nowhere,
		defaultRoutes: () => Promise.resolve([{ gateway: "192.168.1.1", interface: "eth0" }]),
	};
	await expect(new NatPMP({ world }).create()).rejects.toThrow("no interface leads to it");
});

test("this machine has an address", async () => {
	await expect(localAddress()).resolves.toMatch(/^\d+\.\d+\.\d+\.\d+$/);
	for (const address of system.addresses()) expect(address).not.toMatch(/^127\./);
});

describe("closed before it was opened", () => {
	test("open rejects, and close is one and the same", async () => {
		const mapping = new PortMapping(7000, { world: nowhere });
		const closing = mapping.close();
		expect(mapping.close()).toBe(closing);
		await closing;
		await expect(mapping.open()).rejects.toMatchObject({ code: "CLOSED" });
		expect(() => mapping.mapper).toThrow(TraversalError);
	});
});

describe.skipIf(process.platform !== "linux")("with a router on loopback", () => {
	let router: HostileRouter;
	let world: World;

	beforeEach(async () => {
		router = await HostileRouter.create(placeOf(111));
		world = loopback({ system, search }, 111);
	});

	afterEach(() => router.close());

	test("open, use, close", async () => {
		router.behave("UPnP as it should be");
		const mapping = new PortMapping(7000, { world, protocol: "udp" });
		expect(await Promise.all([mapping.open(), mapping.open()])).toEqual([mapping, mapping]);
		expect(await mapping.open()).toBe(mapping);
		expect(mapping).toMatchObject({
			externalPort: 7000,
			externalIp: "198.51.101.1",
			localAddress: "192.168.77.2",
			mapper: { name: "UPnP", localAddress: "192.168.77.2" },
		});
		expect(portsOf(router)).toEqual(["7000 7000"]);
		expect(router.asked.filter((asked) => asked === "AddPortMapping")).toHaveLength(1);
		await mapping.mapper.cleanup();
		expect(() => mapping.externalPort).toThrow(expect.objectContaining({ code: "NOT_OPEN" }));
		await mapping[Symbol.asyncDispose]();
		expect(() => mapping.externalIp).toThrow(expect.objectContaining({ code: "CLOSED" }));
	});

	test("a lease that is renewed is told", async () => {
		router.behave("UPnP as it should be");
		const mapping = await new PortMapping(7000, { world, lifetime: 1 }).open();
		await new Promise((resolve) => {
			mapping.on("renewed", resolve);
		});
		await mapping.close();
		expect(portsOf(router)).toEqual([]);
	});

	test("both methods silent within the time: what each said so far", async () => {
		router.behave("HTTP silence");
		const mapping = new PortMapping(7000, { world, timeout: 1_500 });
		await expect(mapping.open()).rejects.toMatchObject({ code: "TIMEOUT" });
		await mapping.close();
	});

	test("timeout 0 asks nobody anything", async () => {
		router.behave("UPnP as it should be");
		const mapping = new PortMapping(7000, { world, timeout: 0 });
		await expect(mapping.open()).rejects.toMatchObject({ code: "TIMEOUT" });
		await mapping.close();
		expect(router.asked).toEqual([]);

		const mapper = await new UPnP({ world }).create();
		await expect(mapper.create({ timeout: 0 })).resolves.toBe(mapper);
		await mapper.close();
	});

	test("closed while it opens: CLOSED, and nothing is left on the router", async () => {
		router.behave("SSDP slow");
		const mapping = new PortMapping(7000, { world });
		const opening = failure(mapping.open());
		await mapping.close();
		expect(await opening).toMatchObject({ code: "CLOSED" });
		expect(portsOf(router)).toEqual([]);
	});

	test("a mapper's methods", async () => {
		router.behave("NAT-PMP as it should be");
		for (const mapper of [new NatPMP({ world })]) {
			await mapper.create();
			await mapper.create();
			await mapper.addPortMapping(7000, 8000, { protocol: "udp", lifetime: 60 });
			expect(mapper.mappings).toHaveLength(1);
			await mapper.deletePortMapping(7000, { protocol: "udp" });
			await mapper.addPortMapping(7001, 8001);
			await mapper.cleanup();
			expect(mapper.mappings).toEqual([]);
			expect(mapper.on("lost", () => {})()).toBeUndefined();
			await mapper[Symbol.asyncDispose]();
		}
		router.behave("UPnP as it should be");
		const mapper = await new UPnP({ world }).create();
		await mapper.addPortMapping(7000, 8000);
		await mapper.deletePortMapping(7000);
		expect(portsOf(router)).toEqual([]);
		await mapper[Symbol.asyncDispose]();
	});

	test("of one machine, four descriptions are read and no more", async () => {
		router.behave("LOCATIONs without number");
		const mapper = await new UPnP({ world }).create();
		expect(router.asked.filter((asked) => asked.startsWith("/description")).length).toBeLessThan(5);
		await mapper.close();
	});

	test("of an endless table, 128 entries are read and no more", async () => {
		router.behave("endless table");
		const read = (): number =>
			router.asked.filter((asked) => asked === "GetGenericPortMappingEntry").length;
		const mapper = await new UPnP({ world }).create();
		await until("128 entries were read", () => Promise.resolve(read() >= 128 ? true : undefined));
		// These wait for their turn: more entries would be read between.
		await mapper.addPortMapping(7000, 7000);
		await mapper.addPortMapping(7001, 7001);
		expect(read()).toBe(128);
		await mapper.close();
	});

	test("the process is told to end: the mapping goes first", async () => {
		router.behave("UPnP as it should be");
		let end: () => Promise<void> = () => Promise.resolve();
		const beforeExit: World["beforeExit"] = (run) => {
			end = run;
			return () => {};
		};
		await new PortMapping(7000, { world: { ...world, beforeExit }, closeOnExit: true }).open();
		await end();
		expect(portsOf(router)).toEqual([]);
	});
});

test("eight machines are heard and no more", async () => {
	const asked: string[] = [];
	const world: World = {
		...nowhere,
		addresses: () => ["192.168.77.2"],
		search: (_, __, found) => {
			for (let number = 10; number < 30; number++) {
				const source = `192.168.77.${number}`;
				found({ location: `http://${source}/`, source, localAddress: "192.168.77.2" });
			}
		},
		get: ({ url }) => {
			asked.push(url.hostname);
			return Promise.resolve({ status: 404, body: "" });
		},
	};
	await expect(new UPnP({ world }).create()).rejects.toMatchObject({ code: "MALFORMED" });
	expect(asked).toHaveLength(8);
});

test("an interface that cannot send harms nothing", async () => {
	const controller = new AbortController();
	// From loopback, nothing can be sent to another address.
	const unreachable = { address: "192.0.2.1", port: 1900 };
	search(["127.0.0.1", "192.0.2.2"], ["a", "b", "c"], () => {}, controller.signal, unreachable);
	for (let times = 0; times < 10; times++) await settle();
	controller.abort();
	await settle();
	expect(process.getActiveResourcesInfo()).not.toContain("UDPWrap");
});

test("signals: listened to for as long as it is open", () => {
	const before = process.listenerCount("SIGTERM");
	const forget = system.beforeExit(() => Promise.resolve());
	expect(process.listenerCount("SIGTERM")).toBe(before + 1);
	forget();
	expect(process.listenerCount("SIGTERM")).toBe(before);
});
