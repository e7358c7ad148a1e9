import { expect, test } from "vitest";

import { constant, type Fate, type Passage, Simulation } from "../src/index.ts";
import { bytes, pair } from "./programs.ts";

const make = (): Simulation => new Simulation({ seed: 1, latency: constant(10) });

test("a byzantine host alters, loses and holds back what it sends", () => {
	const simulation = make();
	const { a, near, far } = pair(simulation);
	const seen: Passage[] = [];
	const fates: Fate[] = [bytes("altered"), undefined, { bytes: bytes(" held"), delay: 100 }];
	a.intercept((chunk, passage) => {
		seen.push(passage);
		return fates.length > 0 ? fates.shift() : chunk;
	});
	for (const text of ["true", "lost", "late", " plain"]) near.link?.send(bytes(text));
	far.link?.send(bytes("answer"));
	simulation.advance(1_000);
	expect(far.text).toBe("altered held plain");
	expect(far.lines).toEqual(["1010 data 7", "1110 data 5", "1110 data 6"]);
	expect(seen.map(({ direction, peer }) => `${direction} ${peer}`)).toEqual([
		"out b",
		"out b",
		"out b",
		"out b",
		"in b",
	]);
});

test("it does so with what it gets, and the order stays", () => {
	const simulation = make();
	const { b, near, far } = pair(simulation);
	let count = 0;
	b.intercept((chunk, { direction }) => {
		if (direction === "out") return chunk;
		count++;
		if (count === 1) return { bytes: chunk, delay: 50 };
		return count === 2 ? undefined : chunk;
	});
	for (const text of ["one", "two", "three"]) near.link?.send(bytes(text));
	simulation.advance(50);
	near.link?.send(bytes("four"));
	near.link?.close();
	simulation.advance(1_000);
	expect(far.text).toBe("onethreefour");
	expect(far.lines.map((line) => line.split(" ")[0])).toEqual(["1060", "1060", "1060", "1060"]);
	expect(far.lines.at(-1)).toBe("1060 close");
});

test("what is lost to an interception does not fill the window", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10), window: 10 });
	const { b, near } = pair(simulation);
	b.intercept(() => undefined);
	for (let i = 0; i < 5; i++) near.link?.send(new Uint8Array(10));
	simulation.advance(1_000);
	expect(near.link?.buffered).toBe(0);
});

test("an interception can be taken away, and has chance of its own", () => {
	const simulation = make();
	const { a, near, far } = pair(simulation);
	const before = simulation.traceHash;
	a.intercept((_chunk, { random }) => Uint8Array.of(Math.floor(random.next() * 256)));
	near.link?.send(bytes("x"));
	a.intercept(undefined);
	near.link?.send(bytes("y"));
	simulation.advance(100);
	expect(far.chunks[0]).not.toEqual(bytes("x"));
	expect(far.chunks[1]).toEqual(bytes("y"));
	expect(simulation.traceHash).not.toBe(before);
});

test("nothing overtakes what is held back, even when it arrives at that very moment", () => {
	const simulation = make();
	const { b, near, far } = pair(simulation);
	let first = true;
	b.intercept((chunk) => {
		const delay = first ? 10 : 0;
		first = false;
		return { bytes: chunk, delay };
	});
	simulation.schedule(1_010, () => near.link?.send(bytes("second")));
	near.link?.send(bytes("first "));
	simulation.advance(100);
	expect(far.text).toBe("first second");
	expect(far.lines).toEqual(["1020 data 6", "1020 data 6"]);
});
