import { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Admission } from "../src/admission.ts";
import { type Limits, defaultLimits } from "../src/index.ts";
import { LimitCounter } from "../src/stats.ts";
import { TokenBucket } from "../src/token-bucket.ts";

const SECOND = 1_000;
const simulation = new Simulation({ seed: 1 });
const { clock } = simulation.host("node");

function admission(
	limits: Partial<Limits> = {},
	countLocal = false,
): { gate: Admission; counter: LimitCounter } {
	const counter = new LimitCounter();
	return {
		gate: new Admission(clock, { ...defaultLimits, ...limits }, counter, countLocal),
		counter,
	};
}

const times = (count: number, run: () => unknown): unknown[] => Array.from({ length: count }, run);
const none = (count: number): undefined[] => Array.from({ length: count }, () => undefined);

test("a bucket lets through its burst at once, and then its rate", () => {
	const bucket = new TokenBucket(5, 20, 0);
	const take = (now: number) => (): boolean => bucket.take(now);
	expect(times(21, take(0)).filter(Boolean)).toHaveLength(20);
	expect(bucket.take(199)).toBe(false);
	expect([bucket.take(200), bucket.take(200)]).toEqual([true, false]);
	expect(times(6, take(SECOND + 200)).filter(Boolean)).toHaveLength(5);
	expect(times(21, take(60 * SECOND)).filter(Boolean)).toHaveLength(20);
});

test("eight links from one address, and another when one of them is gone", () => {
	const { gate, counter } = admission();
	expect(times(9, () => gate.enter("20.0.0.1"))).toEqual([...none(8), "linksPerIp"]);
	expect(counter.counts.linksPerIp).toBe(1);
	gate.leave("20.0.0.1");
	expect(times(2, () => gate.enter("20.0.0.1"))).toEqual([undefined, "linksPerIp"]);
});

test.each([
	["IPv4", (n: number) => `20.0.0.${n}`, "20.0.1.1"],
	["IPv6", (n: number) => `2a00:1:2:3:${n}::1`, "2a00:1:2:4::1"],
])("32 links from one subnet of %s, whatever their addresses", (_name, ip, neighbour) => {
	const { gate } = admission();
	const links = Array.from({ length: 33 }, (_, n) => gate.enter(ip(n + 1)));
	expect(links).toEqual([...none(32), "linksPerSubnet"]);
	expect(gate.enter(neighbour)).toBeUndefined();
});

test("20 links at once from one address, then five a second, though none of them stays", async () => {
	const { gate } = admission();
	const comeAndGo = (): unknown => {
		const limit = gate.enter("20.0.0.1");
		if (limit === undefined) gate.leave("20.0.0.1");
		return limit;
	};
	expect(times(21, comeAndGo)).toEqual([...none(20), "inboundPerIp"]);
	expect(gate.enter("20.0.1.1")).toBeUndefined();
	await simulation.run(SECOND);
	expect(times(6, comeAndGo)).toEqual([...none(5), "inboundPerIp"]);
});

test("80 links at once from one subnet", () => {
	const { gate } = admission({ linksPerSubnet: 1_000 });
	const links = Array.from({ length: 81 }, (_, n) => gate.enter(`20.0.0.${n + 1}`));
	expect(links).toEqual([...none(80), "inboundPerSubnet"]);
});

test("an IPv4 address is the same when a socket shows it as one of IPv6", () => {
	const { gate } = admission();
	for (let i = 0; i < 4; i++) {
		expect([gate.enter("20.0.0.1"), gate.enter("::ffff:20.0.0.1")]).toEqual(none(2));
	}
	expect(gate.enter("::ffff:20.0.0.1")).toBe("linksPerIp");
	expect(gate.known).toBe(2);
});

test.each(["127.0.0.1", "::1", "10.1.2.3", "::ffff:192.168.0.1", "fe80::1", "fd00::1"])(
	"%s is not counted, unless it is asked for",
	(ip) => {
		const { gate } = admission();
		expect(times(100, () => gate.enter(ip))).toEqual(none(100));
		times(100, () => {
			gate.offend(ip);
		});
		expect([gate.enter(ip), gate.known]).toEqual([undefined, 0]);
		const { gate: strict } = admission({}, true);
		expect(times(9, () => strict.enter(ip))).toEqual([...none(8), "linksPerIp"]);
	},
);

test("three offences are borne; with the fourth the address is barred for a minute, and nobody beside it", async () => {
	const { gate, counter } = admission();
	for (let i = 0; i < 3; i++) gate.offend("20.0.0.1");
	expect([gate.enter("20.0.0.1"), counter.counts.offences, gate.barred]).toEqual([undefined, 0, 0]);
	gate.offend("20.0.0.1");
	expect([counter.counts.offences, gate.barred]).toEqual([1, 1]);
	await simulation.run(59_999);
	expect([gate.enter("20.0.0.1"), gate.enter("20.0.0.2")]).toEqual(["barTime", undefined]);
	await simulation.run(1);
	expect([gate.enter("20.0.0.1"), gate.barred]).toEqual([undefined, 0]);
});

test("an offence is forgotten after a minute", async () => {
	const { gate } = admission();
	for (let i = 0; i < 3; i++) gate.offend("20.0.0.1");
	await simulation.run(60_000);
	gate.offend("20.0.0.1");
	expect(gate.barred).toBe(0);
	gate.offend("20.0.0.1");
	expect(gate.barred).toBe(1);
});

test("whoever has an IPv6 address has a whole /64, and answers for it", () => {
	const { gate } = admission();
	for (let i = 0; i < 4; i++) gate.offend(`2a00:1:2:3:${i}::1`);
	expect(gate.enter("2a00:1:2:3:9::1")).toBe("barTime");
	expect(gate.enter("2a00:1:2:4::1")).toBeUndefined();
});

test("of addresses no more than the limit are remembered, and never is one forgotten that holds a link", () => {
	const { gate, counter } = admission({ knownHosts: 6 });
	gate.enter("20.0.0.1");
	for (let n = 1; n <= 2; n++) {
		gate.enter(`20.0.${n}.1`);
		gate.leave(`20.0.${n}.1`);
	}
	expect([gate.known, counter.counts.knownHosts]).toEqual([6, 0]);
	for (let n = 3; n <= 100; n++) {
		gate.enter(`20.0.${n}.1`);
		gate.leave(`20.0.${n}.1`);
		expect(gate.known).toBe(6);
	}
	expect(counter.counts.knownHosts).toBe(2 * 98);
	expect(times(8, () => gate.enter("20.0.0.1"))).toEqual([...none(7), "linksPerIp"]);
});
