// What is kept of mappings, with a router that does as it is told, and time that passes when told to.
import { beforeEach, describe, expect, test } from "vitest";

import { type Evidence, TraversalError, type TraversalErrorCode } from "../src/errors.ts";
import type { Binding, Gateway, Grant, Method } from "../src/gateway.ts";
import { MappingTable } from "../src/mapping-table.ts";
import { system } from "../src/node/system.ts";
import { failure } from "./failure.ts";
import { ManualClock, settle } from "./manual-clock.ts";

const error = (code: TraversalErrorCode): TraversalError => new TraversalError(code, "told to");
const key = ({ protocol, externalPort }: Binding): string => `${protocol} ${externalPort}`;

/** A router with a table; functions can be replaced. */
class Router implements Gateway {
	readonly id: string;
	readonly host = "192.168.1.1";
	readonly localAddress = "192.168.1.2";
	externalIp = "198.51.101.1";
	readonly table = new Set<string>();
	granted: number | undefined = 3600;
	renewals = 0;
	mapping: (binding: Binding) => Promise<void> = () => Promise.resolve();
	unmapping: () => Promise<void> = () => Promise.resolve();
	checking: () => Promise<void> = () => Promise.resolve();

	constructor(id: string) {
		this.id = id;
	}

	async map(binding: Binding): Promise<Grant> {
		await this.mapping(binding);
		this.table.add(key(binding));
		this.renewals++;
		return { externalPort: binding.externalPort, lifetime: this.granted };
	}

	async unmap(binding: Binding): Promise<void> {
		await this.unmapping();
		this.table.delete(key(binding));
	}

	async check(binding: Binding): Promise<{ kept: boolean; externalIp: string }> {
		await this.checking();
		return { kept: this.table.has(key(binding)), externalIp: this.externalIp };
	}

	async sweep(): Promise<void> {
		await Promise.resolve();
	}
}

const HOUR = 3_600_000;
const never = (): Promise<never> => new Promise(() => {});

let clock: ManualClock;
let router: Router;
let other: Router;
let routers: Router[];
let table: MappingTable;
let events: string[];

beforeEach(() => {
	clock = new ManualClock();
	router = new Router("one");
	other = new Router("other");
	routers = [router, other];
	events = [];
	const method: Method = {
		name: "UPnP",
		discover: (except: ReadonlySet<string>, evidence: Evidence[]) => {
			const found = routers.find(({ id }) => !except.has(id));
			evidence.push({ method: "UPnP", gateway: "192.168.1.9", code: "REFUSED", answer: "no" });
			return found === undefined ? Promise.reject(error("NO_GATEWAY")) : Promise.resolve(found);
		},
	};
	table = new MappingTable({ ...system, clock }, method);
	for (const type of ["renewed", "moved", "lost"] as const) {
		table.events.on(type, ({ ...event }) => {
			events.push("error" in event ? `${type} ${event.error.code}` : type);
		});
	}
});

const created = async (): Promise<MappingTable> => {
	await table.create();
	return table;
};

describe("a lease", () => {
	test("is renewed at half its life, again and again", async () => {
		await created();
		const mapped = await table.add(7000, 7001);
		expect(mapped.expires).toEqual(new Date(HOUR));
		await clock.pass(HOUR / 2 - 1);
		expect(router.renewals).toBe(1);
		await clock.pass(1);
		expect(router.renewals).toBe(2);
		expect(table.mappings[0]?.expires).toEqual(new Date(HOUR * 1.5));
		await clock.pass(HOUR / 2);
		expect(router.renewals).toBe(3);
		expect(events).toEqual(["renewed", "renewed"]);
	});

	test("that the router shortened is renewed at half of what it granted", async () => {
		await created();
		router.granted = 10;
		await table.add(7000, 7001);
		await clock.pass(5_000);
		expect(router.renewals).toBe(2);
	});

	test("that the router lost is made anew within a minute", async () => {
		await created();
		await table.add(7000, 7001);
		router.table.clear();
		await clock.pass(60_000);
		expect(router.table).toEqual(new Set(["tcp 7001"]));
		expect(events).toEqual(["renewed"]);
	});

	test("without end is looked after as well", async () => {
		await created();
		router.granted = undefined;
		expect((await table.add(7000, 7001)).expires).toBeUndefined();
		await clock.pass(10 * HOUR);
		expect(router.renewals).toBe(1);
		router.table.clear();
		await clock.pass(60_000);
		expect(router.renewals).toBe(2);
	});

	test("of a router that fails is taken to the router that is found then", async () => {
		await created();
		await table.add(7000, 7001);
		router.checking = () => Promise.reject(error("NO_ANSWER"));
		routers = [other];
		other.externalIp = "198.51.102.2";
		await clock.pass(60_000);
		expect(other.table).toEqual(new Set(["tcp 7001"]));
		expect(table.gateway).toBe(other);
		expect(events).toEqual(["renewed", "moved"]);
	});

	test("whose port was taken meanwhile moves to the next", async () => {
		await created();
		await table.add(7000, 7001);
		router.table.clear();
		router.mapping = ({ externalPort }) =>
			externalPort < 7003 ? Promise.reject(error("PORT_TAKEN")) : Promise.resolve();
		await clock.pass(60_000);
		expect(table.mappings).toMatchObject([{ externalPort: 7003 }]);
		expect(events).toEqual(["renewed", "moved"]);
	});

	test("that nobody renews is told as lost, tried again, and comes back", async () => {
		await created();
		await table.add(7000, 7001);
		router.table.clear();
		routers = [];
		router.checking = () => Promise.reject(error("NO_ANSWER"));
		await clock.pass(3 * HOUR);
		expect(new Set(events)).toEqual(new Set(["lost NO_GATEWAY"]));
		expect(events.length).toBeGreaterThan(60);
		routers = [router];
		router.checking = () => Promise.resolve();
		await clock.pass(60_000);
		expect(events.at(-1)).toBe("renewed");
		expect(router.table).toEqual(new Set(["tcp 7001"]));
	});

	test("of a router that has a private address now is lost", async () => {
		await created();
		await table.add(7000, 7001);
		router.externalIp = "10.0.0.1";
		routers = [];
		await clock.pass(60_000);
		expect(events).toEqual(["lost NO_GATEWAY"]);
	});

	test("that hangs while it is renewed is given up after 8 s", async () => {
		await created();
		await table.add(7000, 7001);
		router.checking = never;
		await clock.pass(68_000);
		expect(events).toEqual(["lost TIMEOUT"]);
	});
});

describe("adding", () => {
	test("comes after create", async () => {
		await expect(table.add(7000, 7000)).rejects.toMatchObject({ code: "NOT_OPEN" });
		expect(() => table.gateway).toThrow(TraversalError);
	});

	test.each([
		[0, 1, {}],
		[1, 65_536, {}],
		[1.5, 1, {}],
		[1, 1, { protocol: "sctp" as "tcp" }],
		[1, 1, { lifetime: 0 }],
		[1, 1, { lifetime: 604_801 }],
		[1, 1, { timeout: -1 }],
	])("%d to %d with %o is refused", async (local, external, options) => {
		await created();
		await expect(table.add(local, external, options)).rejects.toMatchObject({
			code: "INVALID_ARGUMENT",
		});
	});

	test.each([
		[1, 65_535, { lifetime: 1 }],
		[65_535, 1, { lifetime: 604_800 }],
	])("%d to %d with %o is within bounds", async (local, external, options) => {
		await created();
		await expect(table.add(local, external, options)).resolves.toMatchObject({
			localPort: local,
			externalPort: external,
		});
	});

	test("the same local port to another external one takes the first away", async () => {
		await created();
		await table.add(7000, 7001);
		await table.add(7000, 7002);
		expect(router.table).toEqual(new Set(["tcp 7002"]));
		expect(table.mappings).toHaveLength(1);
	});

	test("where one router refuses, another that answers is asked", async () => {
		await created();
		router.mapping = () => Promise.reject(error("REFUSED"));
		await table.add(7000, 7001);
		expect(other.table).toEqual(new Set(["tcp 7001"]));
		expect(table.gateway).toBe(other);
	});

	test("where all refuse, the first one's answer counts", async () => {
		await created();
		routers = [router];
		router.mapping = () => Promise.reject(error("REFUSED"));
		await expect(table.add(7000, 7001)).rejects.toMatchObject({ code: "REFUSED" });
	});

	test("that was given up leaves nothing on the router", async () => {
		await created();
		let answer: () => void = () => {};
		router.mapping = () =>
			new Promise((resolve) => {
				answer = resolve;
			});
		const adding = failure(table.add(7000, 7001, { timeout: 100 }));
		await clock.pass(100);
		expect(await adding).toMatchObject({ code: "TIMEOUT" });
		answer();
		await settle();
		expect(router.table).toEqual(new Set());
		expect(table.mappings).toEqual([]);
	});

	test("ends by its signal with the signal's reason, at once", async () => {
		await created();
		router.mapping = never;
		const controller = new AbortController();
		const adding = failure(table.add(7000, 7001, { signal: controller.signal }));
		await settle();
		controller.abort("why");
		expect(await adding).toBe("why");
		await expect(table.add(7000, 7001, { signal: controller.signal })).rejects.toBe("why");
	});
});

describe("removing", () => {
	test("what is not mapped is an error", async () => {
		await created();
		await table.add(7000, 7001);
		await expect(table.delete(7000, { protocol: "udp" })).rejects.toMatchObject({
			code: "NOT_MAPPED",
		});
		await table.delete(7000);
		expect(router.table).toEqual(new Set());
		await expect(table.delete(7000)).rejects.toMatchObject({ code: "NOT_MAPPED" });
	});

	test("is tried three times by cleanup, which says when it failed", async () => {
		await created();
		await table.add(7000, 7001);
		let tries = 0;
		router.unmapping = () => {
			tries++;
			return Promise.reject(error("REFUSED"));
		};
		await expect(table.cleanup()).rejects.toMatchObject({ code: "REFUSED" });
		expect(tries).toBe(3);
		expect(table.mappings).toHaveLength(1);
		router.unmapping = () => (tries++ < 5 ? Promise.reject(error("REFUSED")) : Promise.resolve());
		await table.cleanup();
		expect(router.table).toEqual(new Set());
	});
});

describe("closing", () => {
	test("removes all, stops all timers, and is one and the same when repeated", async () => {
		await created();
		await table.add(7000, 7001);
		await table.add(7001, 7002, { protocol: "udp" });
		const closing = table.close();
		expect(table.close()).toBe(closing);
		await closing;
		expect(router.table).toEqual(new Set());
		expect(table.mappings).toEqual([]);
		expect(clock.pending).toBe(0);
		await expect(table.create()).rejects.toMatchObject({ code: "CLOSED" });
		await expect(table.add(1, 1)).rejects.toMatchObject({ code: "CLOSED" });
	});

	test("ends what is under way with CLOSED", async () => {
		await created();
		router.mapping = never;
		const adding = failure(table.add(7000, 7001));
		await settle();
		const closing = table.close();
		expect(await adding).toMatchObject({ code: "CLOSED" });
		await clock.pass(6_000);
		await closing;
	});

	test("gives up on a router that is silent after 6 s", async () => {
		await created();
		await table.add(7000, 7001);
		router.unmapping = never;
		let closed = false;
		const closing = table.close().then(() => {
			closed = true;
		});
		await clock.pass(5_999);
		expect(closed).toBe(false);
		await clock.pass(1);
		await closing;
		expect(clock.pending).toBe(0);
	});
});

test("a search that takes too long says what was heard so far", async () => {
	const silent: Method = {
		name: "UPnP",
		discover: (_, evidence) => {
			evidence.push({ method: "UPnP", gateway: "192.168.1.9", code: "REFUSED", answer: "no" });
			return never();
		},
	};
	const creating = failure(new MappingTable({ ...system, clock }, silent).create());
	await clock.pass(8_000);
	expect(await creating).toMatchObject({
		code: "TIMEOUT",
		evidence: [{ gateway: "192.168.1.9" }, { code: "TIMEOUT" }],
		message: "UPnP (192.168.1.9): no; UPnP: not done within 8000 ms",
	});
});

test("a listener that throws is an error event, and harms nothing else", async () => {
	await created();
	const errors: unknown[] = [];
	table.events.on("error", (error) => errors.push(error));
	table.events.on("renewed", () => {
		throw new Error("oops");
	});
	const unsubscribe = table.events.on("renewed", () => events.push("never"));
	unsubscribe();
	const controller = new AbortController();
	table.events.on("renewed", () => events.push("once"), { signal: controller.signal });
	await table.add(7000, 7001);
	await clock.pass(HOUR / 2);
	controller.abort();
	await clock.pass(HOUR / 2);
	expect(errors).toHaveLength(2);
	expect(events).toEqual(["renewed", "once", "renewed"]);
	expect(table.events.on("moved", () => {}, { signal: controller.signal })()).toBeUndefined();
});
