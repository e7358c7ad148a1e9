import { expect, test } from "vitest";

import { constant, Simulation } from "../src/index.ts";
import { bytes, dial, pair, serve } from "./programs.ts";

const make = (): Simulation =>
	new Simulation({ seed: 1, latency: constant(10), dialTimeout: 5_000, stallTimeout: 60_000 });

test("across a partition links stay open, and what was sent arrives in order when it heals", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	simulation.partition([a], [b]);
	near.link?.send(bytes("one "));
	near.link?.send(bytes("two"));
	far.link?.send(bytes("back"));
	simulation.advance(9_000);
	expect([near.lines, far.lines]).toEqual([[], []]);
	expect(near.link?.buffered).toBe(7);
	simulation.heal();
	near.link?.send(bytes(" three"));
	simulation.advance(100);
	expect(far.text).toBe("one two three");
	expect(near.text).toBe("back");
	expect(near.link?.buffered).toBe(0);
	expect(near.lines).toContain("10000 drain");
});

test("what was under way when the partition came arrives", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	near.link?.send(bytes("just in time"));
	simulation.partition([a], [b]);
	simulation.advance(100);
	expect(far.text).toBe("just in time");
});

test("a partition of one direction lets the other through", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	simulation.partition([a], [b], { oneWay: true });
	near.link?.send(bytes("lost?"));
	far.link?.send(bytes("through"));
	simulation.advance(100);
	expect(far.lines).toEqual([]);
	expect(near.text).toBe("through");
});

test("nobody can be dialled across a partition, in whichever direction it is", () => {
	for (const direction of ["there", "back"]) {
		const simulation = make();
		const [a, b] = [simulation.host("a"), simulation.host("b")];
		const accepted = serve(simulation, b);
		if (direction === "there") simulation.partition([a], [b], { oneWay: true });
		else simulation.partition([b], [a], { oneWay: true });
		const near = dial(simulation, a, b);
		simulation.advance(10_000);
		expect(near.lines).toEqual(["5000 close ETIMEDOUT"]);
		expect(accepted).toEqual([]);
	}
});

test("dialling goes on trying, and gets through when the partition heals", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	serve(simulation, b);
	simulation.partition([a]);
	const near = dial(simulation, a, b);
	simulation.advance(2_000);
	simulation.heal();
	simulation.advance(2_000);
	expect(near.lines).toEqual(["3020 open"]);
});

test("an end that is not told of its acceptance is told after the partition", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const accepted = serve(simulation, b);
	const near = dial(simulation, a, b);
	simulation.advance(15);
	simulation.partition([a], [b], { oneWay: true });
	simulation.advance(500);
	expect(near.lines).toEqual(["20 open"]);
	expect(accepted).toEqual([]);
	simulation.heal();
	simulation.advance(100);
	expect(accepted[0]?.lines).toEqual(["525 accept"]);
});

test("a partition without another side is from everyone else; others talk on", () => {
	const simulation = make();
	const { a, near } = pair(simulation);
	const c = simulation.host("c");
	const accepted = serve(simulation, c);
	simulation.partition([a]);
	const blocked = dial(simulation, a, c);
	const open = dial(simulation, simulation.host("d"), c);
	simulation.advance(100);
	expect([blocked.lines, open.lines.length, accepted.length]).toEqual([[], 1, 1]);
	near.link?.close();
	simulation.advance(100);
	expect(near.lines).toEqual([]);
});

test("partitions heal by name", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	simulation.partition([a], [b], { name: "one" });
	simulation.partition([a], [b], { name: "two" });
	near.link?.send(bytes("x"));
	simulation.heal("one");
	simulation.advance(100);
	expect(far.lines).toEqual([]);
	simulation.heal("two");
	simulation.advance(100);
	expect(far.text).toBe("x");
});

test("a link on which nothing is acknowledged fails in the end", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	simulation.partition([a], [b]);
	near.link?.send(bytes("x"));
	simulation.advance(100_000);
	expect(near.lines).toEqual(["61000 close ETIMEDOUT"]);
	expect(far.lines).toEqual([]);
});

test("half-open: one direction is dead without a word, the other works, new links are well", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	simulation.halfOpen(a, b);
	near.link?.send(bytes("lost"));
	far.link?.send(bytes("well"));
	simulation.advance(1_000);
	expect(near.text).toBe("well");
	expect(far.lines).toEqual([]);
	simulation.heal();
	simulation.advance(1_000);
	expect(far.lines).toEqual([]);
	const fresh = dial(simulation, a, b);
	simulation.advance(100);
	expect(fresh.lines).toEqual(["3020 open"]);
	simulation.advance(60_000);
	expect(near.lines.at(-1)).toBe("61000 close ETIMEDOUT");
});

test("an end that closed during a partition says so after it", () => {
	const simulation = new Simulation({ seed: 1, latency: constant(10), linger: 60_000 });
	const { a, b, near, far } = pair(simulation);
	simulation.partition([b], [a], { oneWay: true });
	near.link?.close();
	simulation.advance(100);
	expect(far.lines).toEqual(["1010 close"]);
	expect(near.lines).toEqual([]);
	simulation.heal();
	simulation.advance(100);
	expect(near.lines).toEqual(["1110 close"]);
});

test("a host always reaches itself", () => {
	const simulation = make();
	const a = simulation.host("a");
	serve(simulation, a);
	simulation.partition([a], [a]);
	const near = dial(simulation, a, a);
	simulation.advance(100);
	expect(near.lines).toEqual(["0.04 open"]);
});
