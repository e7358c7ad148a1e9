import { getEventListeners } from "node:events";

import { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import { type Answer, ChordError, Waits } from "../src/index.ts";
import { WatchedClock } from "./timers.ts";

interface Scene {
	readonly simulation: Simulation;
	readonly clock: WatchedClock;
	readonly waits: Waits;
	/** How often something that was started has been cancelled. */
	readonly cancelled: () => number;
	readonly start: (budget: number, done: Answer<string>) => () => void;
	/** Ends what was started last. */
	readonly finish: Answer<string>;
}

function scene(): Scene {
	const simulation = new Simulation({ seed: 1 });
	const clock = new WatchedClock(simulation.host("a").clock);
	const waits = new Waits(clock);
	let cancels = 0;
	let answer: Answer<string> = () => {};
	return {
		simulation,
		clock,
		waits,
		cancelled: () => cancels,
		start: (_budget, done) => {
			answer = done;
			return () => void cancels++;
		},
		finish: (error, value) => {
			answer(error, value);
		},
	};
}

const codeOf = (error: ChordError): string => error.code;

test("an operation that ends in time gives its value, or its error, and is not cancelled", async () => {
	const { clock, waits, cancelled, start, finish } = scene();
	const first = waits.run(undefined, 100, start);
	finish(undefined, "value");
	expect(await first).toBe("value");
	const second = waits.run(undefined, 100, start).catch(codeOf);
	finish(new ChordError("BUSY", "x"));
	expect(await second).toBe("BUSY");
	expect([cancelled(), clock.waiting]).toEqual([0, 0]);
});

test("an operation that ends before start returns is as good", async () => {
	const { clock, waits } = scene();
	const value = waits.run<string>(undefined, 100, (_budget, done) => {
		done(undefined, "at once");
		return () => {};
	});
	expect(await value).toBe("at once");
	expect(clock.waiting).toBe(0);
});

test("what start throws is what the promise rejects with, and nothing is left", async () => {
	const { clock, waits } = scene();
	const error = new ChordError("TOO_LARGE", "x");
	const signal = new AbortController().signal;
	const run = waits.run<string>({ signal }, 100, () => {
		throw error;
	});
	await expect(run).rejects.toBe(error);
	expect([clock.waiting, getEventListeners(signal, "abort").length]).toEqual([0, 0]);
});

test("the time-out is the one given, or the fallback; then the operation is cancelled", async () => {
	for (const [options, ms] of [
		[{ timeout: 50 }, 50],
		[undefined, 100],
		[{}, 100],
		[{ timeout: 0 }, 0],
	] as const) {
		const { simulation, waits, cancelled, start } = scene();
		const outcome = waits.run(options, 100, start).catch(codeOf);
		expect(await simulation.runUntil(outcome)).toBe("TIMEOUT");
		expect([simulation.now, cancelled()]).toEqual([ms, 1]);
	}
});

test("without end means without a timer", async () => {
	const { clock, waits, start, finish } = scene();
	const run = waits.run({ timeout: Infinity }, 100, start);
	expect(clock.waiting).toBe(0);
	finish(undefined, "late");
	expect(await run).toBe("late");
});

test("an abort rejects with the reason, and cancels; the signal is let go whatever ends the operation", async () => {
	const reason = { because: "so" };
	for (const end of ["abort", "value", "time-out", "close"]) {
		const { simulation, clock, waits, cancelled, start, finish } = scene();
		const abort = new AbortController();
		const run = waits.run({ signal: abort.signal }, 100, start).catch((error: unknown) => error);
		expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
		if (end === "abort") abort.abort(reason);
		else if (end === "value") finish(undefined, "value");
		else if (end === "close") waits.closeAll();
		else simulation.advance(100);
		const outcomes: Record<string, unknown> = {
			abort: reason,
			value: "value",
			"time-out": expect.objectContaining({ code: "TIMEOUT" }),
			close: expect.objectContaining({ code: "CLOSED" }),
		};
		expect(await run).toEqual(outcomes[end]);
		expect(cancelled()).toBe(end === "value" ? 0 : 1);
		expect([getEventListeners(abort.signal, "abort").length, clock.waiting]).toEqual([0, 0]);
	}
});

test("what comes after the end changes nothing", async () => {
	const { simulation, waits, cancelled, start, finish } = scene();
	const run = waits.run({ timeout: 10 }, 100, start).catch(codeOf);
	simulation.advance(10);
	finish(undefined, "too late");
	waits.closeAll();
	expect(await run).toBe("TIMEOUT");
	expect(cancelled()).toBe(1);
});

test("whatever ends an operation, and also where it never began, its end is told once, first, and may change the error", async () => {
	const order: unknown[] = [];
	const aborted = AbortSignal.abort("so");
	const done = (_budget: number, answer: Answer<string>): (() => void) => {
		answer(undefined, "value");
		return () => {};
	};
	const fails = (): never => {
		throw new ChordError("TOO_LARGE", "x");
	};
	for (const [options, start, told, outcome] of [
		[{}, done, [undefined], "value"],
		[{ signal: aborted }, done, ["so"], "other"],
		[{ timeout: Number.NaN }, done, ["INVALID_ARGUMENT"], "other"],
		[{}, fails, ["TOO_LARGE"], "other"],
		[{ timeout: 10 }, (): (() => void) => () => void order.push("cancelled"), ["TIMEOUT"], "other"],
	] as const) {
		const { simulation, waits } = scene();
		order.length = 0;
		const run = waits.run<string>(options, 100, start, (error) => {
			order.push(error instanceof ChordError ? error.code : error);
			return "other";
		});
		const settled = run.catch((error: unknown) => error);
		expect(await simulation.runUntil(settled)).toBe(outcome);
		expect(order.slice(0, 1)).toEqual(told);
		expect(order.filter((what) => what !== "cancelled")).toEqual(told);
	}
});

test("what is cancelled may answer that it was: the time-out is what the caller hears of", async () => {
	const { simulation, waits } = scene();
	const waiting = waits.run<string>({ timeout: 1_000 }, 0, (_budget, done) => () => {
		done(new ChordError("CLOSED", "it was cancelled"));
	});
	await expect(simulation.runUntil(waiting)).rejects.toMatchObject({ code: "TIMEOUT" });
});
