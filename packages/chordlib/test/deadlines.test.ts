import { Simulation } from "@cicada/simnet";
import fc from "fast-check";
import { expect, test } from "vitest";

import { Deadlines } from "../src/deadlines.ts";
import { cases } from "./seeds.ts";
import { WatchedClock } from "./timers.ts";

function scene(): {
	readonly simulation: Simulation;
	readonly clock: WatchedClock;
	readonly deadlines: Deadlines;
} {
	const simulation = new Simulation({ seed: 1 });
	const clock = new WatchedClock(simulation.host("a").clock);
	return { simulation, clock, deadlines: new Deadlines(clock) };
}

test("those that wait equally long share a timer, and each runs at its time", () => {
	const { simulation, clock, deadlines } = scene();
	const ran: string[] = [];
	for (const name of ["first", "second", "third"]) {
		deadlines.schedule(100, () => ran.push(`${name} at ${simulation.now}`));
		simulation.advance(10);
	}
	expect(clock.waiting).toBe(1);
	deadlines.schedule(20, () => ran.push(`other at ${simulation.now}`));
	expect(clock.waiting).toBe(2);
	simulation.advance(1_000);
	expect(ran).toEqual(["other at 50", "first at 100", "second at 110", "third at 120"]);
	expect(clock.waiting).toBe(0);
});

test("what is cancelled does not run, however often, and the last one leaves no timer", () => {
	const { simulation, clock, deadlines } = scene();
	const ran: number[] = [];
	const timers = [0, 1, 2, 3].map((name) => deadlines.schedule(100, () => ran.push(name)));
	for (const name of [1, 3, 1]) timers[name]?.cancel();
	simulation.advance(100);
	expect(ran).toEqual([0, 2]);
	for (const timer of timers) timer.cancel();
	const again = deadlines.schedule(100, () => ran.push(4));
	again.cancel();
	expect(clock.waiting).toBe(0);
	simulation.advance(200);
	expect(ran).toEqual([0, 2]);
});

test("one that runs may cancel others, and begin more that wait as long", () => {
	const { simulation, clock, deadlines } = scene();
	const ran: string[] = [];
	const say = (name: string) => () => {
		ran.push(`${name} at ${simulation.now}`);
	};
	deadlines.schedule(100, () => {
		say("first")();
		second.cancel();
		deadlines.schedule(100, say("fourth"));
	});
	const second = deadlines.schedule(100, say("second"));
	deadlines.schedule(100, say("third"));
	simulation.advance(1_000);
	expect(ran).toEqual(["first at 100", "third at 100", "fourth at 200"]);
	expect(clock.waiting).toBe(0);
});

test("one that throws keeps none of the others from running", () => {
	const { simulation, clock, deadlines } = scene();
	const ran: number[] = [];
	deadlines.schedule(100, () => {
		throw new Error("its own");
	});
	deadlines.schedule(100, () => ran.push(simulation.now));
	simulation.advance(10);
	deadlines.schedule(100, () => ran.push(simulation.now));
	expect(() => {
		simulation.advance(1_000);
	}).toThrow("its own");
	simulation.advance(1_000);
	expect(ran).toEqual([100, 110]);
	expect(clock.waiting).toBe(0);
});

test("whatever is begun and cancelled when, what runs is what would with a timer for each, less than 1 ms before", () => {
	const step = fc.record({
		after: fc.double({ min: 0, max: 50, noNaN: true }),
		delay: fc.constantFrom(0, 10, 10.5, 100),
		cancelled: fc.option(fc.double({ min: 0, max: 150, noNaN: true })),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
			const { simulation, clock, deadlines } = scene();
			const ran = [new Map<number, number>(), new Map<number, number>()] as const;
			for (const [index, { after, delay, cancelled }] of steps.entries()) {
				simulation.advance(after);
				const timers = [deadlines, clock].map((timing, which) =>
					timing.schedule(delay, () => ran[which]?.set(index, simulation.now)),
				);
				if (cancelled === null || Math.abs(cancelled - delay) < 2) continue;
				clock.schedule(cancelled, () => {
					for (const timer of timers) timer.cancel();
				});
			}
			simulation.advance(1_000);
			expect([...ran[0].keys()].toSorted((a, b) => a - b)).toEqual(
				[...ran[1].keys()].toSorted((a, b) => a - b),
			);
			for (const [index, at] of ran[1]) {
				const early = at - (ran[0].get(index) ?? -Infinity);
				expect(early).toBeGreaterThanOrEqual(-0.000_001);
				expect(early).toBeLessThan(1);
			}
			expect(clock.waiting).toBe(0);
		}),
		cases(500),
	);
});
