import { expect, test } from "vitest";

import { constant, Simulation } from "../src/index.ts";
import { pair } from "./programs.ts";

test("a cut stream comes in other pieces, the same bytes, before the end", () => {
	const sizes = new Set<number>();
	for (let seed = 0; seed < 20; seed++) {
		const simulation = new Simulation({ seed, latency: constant(10), cut: true });
		const { near, far } = pair(simulation);
		const sent = Array.from({ length: 300 }, (_, i) => i % 251);
		for (let i = 0; i < 300; i += 10) near.link?.send(Uint8Array.from(sent.slice(i, i + 10)));
		near.link?.close();
		simulation.advance(1_000);
		expect(far.chunks.flatMap((chunk) => [...chunk])).toEqual(sent);
		expect(far.lines.at(-1)).toMatch(/close$/);
		for (const { length } of far.chunks) sizes.add(length);
	}
	// Single bytes, parts of what was sent, and several of them in one.
	expect(sizes).toContain(1);
	expect([...sizes].filter((size) => size > 1 && size < 10).length).toBeGreaterThan(3);
	expect([...sizes].filter((size) => size > 20).length).toBeGreaterThan(3);
});

test("streams are left alone unless asked for", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10) });
	const { near, far } = pair(simulation);
	for (let i = 1; i < 20; i++) near.link?.send(new Uint8Array(i));
	simulation.advance(100);
	expect(far.chunks.map(({ length }) => length)).toEqual(
		Array.from({ length: 19 }, (_, i) => i + 1),
	);
});
