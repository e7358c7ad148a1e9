import { expect, test } from "vitest";

import { SimnetError, Simulation } from "../src/index.ts";

test("calls come in the order of their times, and those of one time in the order of their making", () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("a");
	const order: string[] = [];
	clock.schedule(2, () => order.push(`late ${clock.now()}`));
	for (const name of ["first", "second", "third"]) clock.schedule(1, () => order.push(name));
	clock.schedule(0, () => {
		clock.defer(() => order.push("deferred"));
		order.push("now");
	});
	clock.schedule(0, () => order.push("also now"));
	simulation.advance(10);
	expect(order).toEqual(["now", "deferred", "also now", "first", "second", "third", "late 2"]);
	expect(simulation.now).toBe(10);
});

test("many calls at random times come in order", () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock, random } = simulation.host("a");
	const times: number[] = [];
	const due = Array.from({ length: 5_000 }, () => Math.floor(random.next() * 1_000));
	const timers = due.map((delay) => clock.schedule(delay, () => times.push(clock.now())));
	// Enough of them die that the queue is rebuilt.
	const kept = due.filter((_, index) => index % 3 === 0);
	timers.forEach((timer, index) => index % 3 !== 0 && timer.cancel());
	expect(simulation.pending).toBeLessThan(4_000);
	simulation.advance(1_000);
	expect(times).toEqual(kept.toSorted((a, b) => a - b));
});

test("a call that was taken back does not come, even by one of the same moment", () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("a");
	const calls: string[] = [];
	clock.schedule(1, () => second.cancel());
	const second = clock.schedule(1, () => calls.push("second"));
	const third = clock.schedule(1, () => calls.push("third"));
	simulation.advance(2);
	third.cancel();
	expect(calls).toEqual(["third"]);
});

test("a delay that is no number is refused; one without end never ends", () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("a");
	expect(() => clock.schedule(Number.NaN, () => undefined)).toThrow(SimnetError);
	clock.schedule(Infinity, () => expect.unreachable()).cancel();
	clock.schedule(Infinity, () => expect.unreachable());
	expect(simulation.step()).toBe(true); // the start of the process
	expect(simulation.step()).toBe(false);
});

test("promises settle before the next event, however many jobs that takes", async () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("a");
	const sleep = (ms: number): Promise<void> =>
		new Promise((resolve) => void clock.schedule(ms, resolve));
	const times: number[] = [];
	const walk = async (): Promise<void> => {
		for (let i = 0; i < 10; i++) {
			await sleep(10);
			for (let job = 0; job < 50; job++) await Promise.resolve();
			times.push(clock.now());
		}
	};
	for (let i = 1; i < 100; i++) clock.schedule(i + 0.5, () => undefined);
	const walked = walk();
	await simulation.runUntil(walked);
	expect(times).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
	expect(simulation.now).toBe(100);
});

test("runUntil gives what the promise gave, stops at a condition, and does not wait for ever", async () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("a");
	const answer = new Promise<number>((resolve) => void clock.schedule(5, () => resolve(42)));
	await expect(simulation.runUntil(answer)).resolves.toBe(42);
	let ticks = 0;
	const tick = (): void => {
		ticks++;
		clock.schedule(10, tick);
	};
	tick();
	await simulation.runUntil(() => ticks === 4);
	expect(simulation.now).toBe(35);
	await expect(simulation.runUntil(() => false, { limit: 100 })).rejects.toMatchObject({
		code: "LIMIT",
	});
	await expect(simulation.runUntil(Promise.reject(new Error("no")))).rejects.toThrow("no");
	const idle = new Simulation({ seed: 1 });
	await expect(idle.runUntil(() => false)).rejects.toMatchObject({ code: "IDLE" });
});

test("run lets exactly so much time pass", async () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("a");
	const times: number[] = [];
	for (const delay of [5, 10, 10.001]) clock.schedule(delay, () => times.push(clock.now()));
	await simulation.run(10);
	expect([times, simulation.now]).toEqual([[5, 10], 10]);
	const other = simulation.run(1);
	await expect(simulation.run(1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	await other;
});

test("what a host throws comes out, and the simulation goes on after it", () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("a");
	const calls: string[] = [];
	clock.schedule(1, () => {
		clock.defer(() => {
			throw new Error("broken");
		});
		clock.defer(() => calls.push("deferred"));
	});
	clock.schedule(2, () => calls.push("next"));
	expect(() => simulation.advance(10)).toThrow("broken");
	simulation.advance(10);
	expect(calls).toEqual(["deferred", "next"]);
});

test("a simulation does not run inside itself", () => {
	const simulation = new Simulation({ seed: 1 });
	simulation.host("a").clock.schedule(1, () => simulation.advance(1));
	expect(() => simulation.advance(10)).toThrow("inside itself");
});
