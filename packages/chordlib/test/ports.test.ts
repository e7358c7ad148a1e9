import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

import { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	type Clock,
	type Link,
	type LinkHandler,
	type Ports,
	type Random,
	type Transport,
	systemClock,
	systemRandom,
	tcp,
} from "../src/index.ts";

const host = new Simulation({ seed: 1 }).host("host");

test("a simulated host's clock, chance and network are what a node stands on", () => {
	const ports = {
		clock: host.clock satisfies Clock,
		random: host.random satisfies Random,
		transport: host.transport satisfies Transport,
	} satisfies Ports;
	expect(Object.keys(ports)).toEqual(
		Object.keys({ clock: systemClock, random: systemRandom, transport: tcp }),
	);
	type Accept = Parameters<typeof host.transport.listen>[1];
	const accept: Accept = ((link: Link): LinkHandler => {
		link.destroy();
		return { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
	}) satisfies Parameters<Transport["listen"]>[1];
	expect(accept).toBeTypeOf("function");
});

test.each(["system's", "simulated"])(
	"the %s clock goes forward, runs deferred calls before timers, and takes timers back",
	async (kind) => {
		const simulation = new Simulation({ seed: 1 });
		const clock: Clock = kind === "simulated" ? simulation.host("a").clock : systemClock;
		const order: string[] = [];
		const start = clock.now();
		const done = new Promise<void>((resolve) => {
			clock.schedule(20, () => {
				order.push("late");
				resolve();
			});
			clock.schedule(10, () => order.push("taken back")).cancel();
			clock.schedule(10, () => order.push("early"));
			clock.defer(() => order.push("deferred"));
			order.push("now");
		});
		await (kind === "simulated" ? simulation.runUntil(done) : done);
		expect(order).toEqual(["now", "deferred", "early", "late"]);
		expect(clock.now() - start).toBeGreaterThanOrEqual(19);
	},
);

test("a timer that the program itself made late runs after what has arrived meanwhile", async () => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
	const [far] = (await once(server, "connection")) as [typeof near];
	const order: string[] = [];
	far.once("data", () => order.push("data"));
	await new Promise((written) => near.write("x", written));
	order.length = 0;
	await new Promise<void>((resolve) => {
		systemClock.schedule(1, () => {
			order.push("timer");
			resolve();
		});
		near.write("y");
		far.once("data", () => order.push("data"));
		const start = systemClock.now();
		while (systemClock.now() < start + 100);
	});
	near.destroy();
	server.close();
	expect(order).toContain("data");
	expect(order.indexOf("data")).toBeLessThan(order.indexOf("timer"));
});

test("chance is in [0, 1), and bytes are as many as were asked for", () => {
	for (const random of [systemRandom, host.random]) {
		const draws = Array.from({ length: 100 }, () => random.next());
		expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
		expect(new Set(draws).size).toBeGreaterThan(90);
		expect(random.bytes(6)).toHaveLength(6);
		expect(random.bytes(0)).toHaveLength(0);
	}
});
