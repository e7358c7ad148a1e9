import { expect, test } from "vitest";

import { constant, type Ports, Simulation } from "../src/index.ts";
import { bytes, dial, Diary, pair, serve } from "./programs.ts";

const make = (): Simulation =>
	new Simulation({ seed: 1, latency: constant(10), dialTimeout: 5_000, stallTimeout: 60_000 });

test("crash: links are reset, calls do not come, dialling is refused", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	b.clock.schedule(5, () => expect.unreachable());
	b.clock.defer(() => expect.unreachable());
	near.link?.send(bytes("x"));
	b.crash();
	simulation.advance(100);
	expect(near.lines).toEqual(["1010 close ECONNRESET"]);
	expect(far.lines).toEqual([]);
	expect([b.running, b.links, a.links]).toEqual([false, 0, 0]);
	const again = dial(simulation, a, b);
	simulation.advance(100);
	expect(again.lines).toEqual(["1120 close ECONNREFUSED"]);
});

test("a silent crash tells nobody: links stay, nothing is answered, and in the end they fail", () => {
	const simulation = make();
	const { a, b, near } = pair(simulation);
	b.crash({ silent: true });
	near.link?.send(bytes("hello?"));
	const again = dial(simulation, a, b);
	simulation.advance(4_000);
	expect([near.lines, again.lines]).toEqual([[], []]);
	simulation.advance(100_000);
	expect(again.lines).toEqual(["6000 close ETIMEDOUT"]);
	expect(near.lines).toEqual(["61010 close ETIMEDOUT"]);
});

test("after a silent crash and a restart, what is sent on an old link is reset", () => {
	const simulation = make();
	const { b, near } = pair(simulation);
	b.crash({ silent: true });
	simulation.advance(500);
	b.restart();
	simulation.advance(500);
	expect(near.lines).toEqual([]);
	near.link?.send(bytes("hello?"));
	simulation.advance(100);
	expect(near.lines).toEqual(["2020 close ECONNRESET"]);
});

test("what was sent into the silence is repeated, and so finds the restarted machine", () => {
	const simulation = make();
	const { b, near } = pair(simulation);
	b.crash({ silent: true });
	near.link?.send(bytes("hello?"));
	simulation.advance(500);
	b.restart();
	simulation.advance(5_000);
	expect(near.lines).toEqual(["2010 close ECONNRESET"]);
});

test("restart starts the program again, with new ports; the old ones do nothing", () => {
	const simulation = make();
	const lives: Ports[] = [];
	const b = simulation.host("b", {
		start: (ports, host) => {
			lives.push(ports);
			expect(ports.transport).toBe(host.transport);
			serve(simulation, host);
		},
	});
	const a = simulation.host("a");
	simulation.advance(1);
	const first = b.clock;
	const oldRandom = b.random.next();
	b.crash();
	const fresh = b.restart();
	expect(fresh.clock).toBe(b.clock);
	expect(b.clock).not.toBe(first);
	expect(b.random.next()).not.toBe(oldRandom);
	expect(b.life).toBe(1);
	first.schedule(1, () => expect.unreachable());
	first.defer(() => expect.unreachable());
	const ghost = new Diary(simulation);
	lives[0]?.transport.dial({ host: a.ip, port: 1 }, ghost).send(bytes("boo"));
	void lives[0]?.transport.listen({ host: b.ip, port: 9 }, () => expect.unreachable());
	simulation.advance(10);
	expect(lives).toHaveLength(2);
	const near = dial(simulation, a, b);
	const nine = dial(simulation, a, { host: b.ip, port: 9 });
	simulation.advance(1_000);
	expect(near.lines).toEqual(["31 open"]);
	expect(nine.lines).toEqual(["31 close ECONNREFUSED"]);
	expect(ghost.lines).toEqual([]);
});

test("a host may be made without a process, and started later", () => {
	const simulation = make();
	const b = simulation.host("b", {
		running: false,
		start: (_ports, host) => void serve(simulation, host),
	});
	const a = simulation.host("a");
	const before = dial(simulation, a, b);
	simulation.plan([{ at: 100, kind: "restart", host: "b" }]);
	simulation.advance(100);
	const after = dial(simulation, a, b);
	simulation.advance(100);
	expect(before.lines).toEqual(["20 close ECONNREFUSED"]);
	expect(after.lines).toEqual(["120 open"]);
});

test("pause: the machine completes connections, the process gets all later, in order", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	const calls: string[] = [];
	b.clock.schedule(5, () => calls.push(`${b.clock.now()} call`));
	b.pause();
	near.link?.send(bytes("one"));
	const second = dial(simulation, a, b);
	second.link?.send(bytes("two"));
	simulation.advance(500);
	near.link?.send(bytes("three"));
	simulation.advance(500);
	expect([calls, far.lines]).toEqual([[], []]);
	expect(second.lines).toEqual(["1020 open", "1020 drain"]);
	b.resume();
	simulation.advance(100);
	expect(calls).toEqual(["2000 call"]);
	expect(far.lines).toEqual(["2000 data 3", "2000 data 5"]);
	expect(b.links).toBe(2);
	near.link?.send(bytes("four"));
	simulation.advance(10);
	expect(far.lines.at(-1)).toBe("2110 data 4");
});

test("a process that is killed while it is stopped starts afresh", () => {
	const simulation = make();
	const { b, near, far } = pair(simulation);
	b.pause();
	near.link?.send(bytes("never read"));
	simulation.advance(100);
	b.restart();
	let ran = false;
	b.clock.schedule(1, () => (ran = true));
	simulation.advance(100);
	expect([ran, far.lines]).toEqual([true, []]);
});

test("slow: each thing takes its time, one after the other", () => {
	const simulation = make();
	const { b, near, far } = pair(simulation);
	b.slow(50);
	for (let i = 0; i < 3; i++) near.link?.send(Uint8Array.of(i));
	simulation.advance(1_000);
	expect(far.lines).toEqual(["1060 data 1", "1110 data 1", "1160 data 1"]);
	b.slow(0);
	near.link?.send(Uint8Array.of(4));
	simulation.advance(1_000);
	expect(far.lines.at(-1)).toBe("2010 data 1");
});

test("lag: all that a host sends and gets takes longer", () => {
	const simulation = make();
	const { b, near, far } = pair(simulation);
	b.lag(30);
	near.link?.send(bytes("x"));
	far.link?.send(bytes("y"));
	simulation.advance(1_000);
	expect([near.lines, far.lines]).toEqual([["1040 data 1"], ["1040 data 1"]]);
});

test("skew: a clock may run fast or slow, and its calls with it", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const calls: string[] = [];
	simulation.advance(100);
	b.clock.schedule(100, () => calls.push(`before ${simulation.now}`));
	a.clock.schedule(100, () => calls.push(`other ${simulation.now}`));
	b.skew({ rate: 2 });
	b.clock.schedule(100, () => calls.push(`after ${simulation.now}`));
	simulation.advance(100);
	expect(calls).toEqual(["before 150", "after 150", "other 200"]);
	expect([a.clock.now(), b.clock.now()]).toEqual([200, 300]);
	b.skew({ rate: 1 });
	simulation.advance(100);
	expect(b.clock.now()).toBe(400);
});

test("skew: a clock may leap, and what is due by it comes at once", () => {
	const simulation = make();
	const b = simulation.host("b");
	const calls: string[] = [];
	for (const delay of [1_500, 500, 3_000]) {
		b.clock.schedule(delay, () => calls.push(`${delay} at ${simulation.now}`));
	}
	simulation.advance(100);
	b.skew({ jump: 2_000 });
	expect(b.clock.now()).toBe(2_100);
	simulation.advance(2_000);
	expect(calls).toEqual(["1500 at 100", "500 at 100", "3000 at 1000"]);
});

test("faults that make no sense are refused", () => {
	const simulation = make();
	const host = simulation.host("a");
	const invalid: unknown = expect.objectContaining({ code: "INVALID_ARGUMENT" });
	expect(() => host.skew({ jump: -1 })).toThrow(invalid);
	expect(() => host.skew({ rate: 0 })).toThrow(invalid);
	expect(() => host.slow(Number.NaN)).toThrow(invalid);
	expect(() => host.lag(-1)).toThrow(invalid);
	const unknown: unknown = expect.objectContaining({ code: "UNKNOWN_HOST" });
	expect(() => simulation.apply({ kind: "crash", host: "b" })).toThrow(unknown);
	expect(simulation.faults).toEqual([]);
});

test("the faults are written down, as a plan", () => {
	const simulation = make();
	const { a, b } = pair(simulation);
	simulation.plan([{ at: 1_500, kind: "lag", host: "a", ms: 5 }]);
	simulation.partition([a], [b], { oneWay: true });
	simulation.advance(1_000);
	a.crash({ silent: true });
	expect(simulation.faults).toEqual([
		{ at: 1_000, kind: "partition", from: ["a"], to: ["b"], oneWay: true },
		{ at: 1_500, kind: "lag", host: "a", ms: 5 },
		{ at: 2_000, kind: "crash", host: "a", silent: true },
	]);
});

test("a process that is stopped again at once does nothing in between", () => {
	const simulation = make();
	const { b, near, far } = pair(simulation);
	b.pause();
	near.link?.send(bytes("x"));
	simulation.advance(100);
	b.resume();
	b.pause();
	simulation.advance(100);
	expect(far.lines).toEqual([]);
	b.resume();
	simulation.advance(100);
	expect(far.lines).toEqual(["1200 data 1"]);
});
