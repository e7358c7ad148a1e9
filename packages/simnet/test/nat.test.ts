import { expect, test } from "vitest";

import { constant, Simulation } from "../src/index.ts";
import { at, bytes, dial, PORT, serve } from "./programs.ts";

const make = (): Simulation =>
	new Simulation({ seed: 1, latency: constant(10), dialTimeout: 5_000, stallTimeout: 60_000 });

test("a host behind a NAT dials out, and is seen with the router's address", () => {
	const simulation = make();
	const nat = simulation.nat();
	const inside = simulation.host("inside", { nat });
	const outside = simulation.host("outside");
	const accepted = serve(simulation, outside);
	const near = dial(simulation, inside, outside);
	near.link?.send(bytes("hello"));
	simulation.advance(100);
	expect(accepted[0]?.text).toBe("hello");
	expect(accepted[0]?.link?.remote.host).toBe(nat.ip);
	expect(accepted[0]?.link?.remote.port).not.toBe(near.link?.local.port);
	expect(near.link?.local.host).toBe(inside.ip);
});

test("it is not dialled, by whatever address", () => {
	const simulation = make();
	const nat = simulation.nat();
	const inside = simulation.host("inside", { nat });
	const outside = simulation.host("outside");
	const accepted = serve(simulation, inside);
	const diaries = [at(inside), { host: nat.ip, port: PORT }].map((address) =>
		dial(simulation, outside, address),
	);
	simulation.advance(10_000);
	expect(diaries.map(({ lines }) => lines)).toEqual([
		["5000 close ETIMEDOUT"],
		["5000 close ETIMEDOUT"],
	]);
	expect(accepted).toEqual([]);
});

test("a mapped port leads in, until it is taken back", () => {
	const simulation = make();
	const nat = simulation.nat({ ip: "198.51.100.1" });
	const inside = simulation.host("inside", { nat });
	const outside = simulation.host("outside");
	const accepted = serve(simulation, inside);
	nat.map(8_000, inside, PORT);
	const near = dial(simulation, outside, { host: "198.51.100.1", port: 8_000 });
	simulation.advance(100);
	expect(near.lines).toEqual(["20 open"]);
	expect(accepted[0]?.link?.local).toEqual(at(inside));
	nat.unmap(8_000);
	const later = dial(simulation, outside, { host: "198.51.100.1", port: 8_000 });
	simulation.advance(10_000);
	expect(later.lines).toEqual(["5100 close ETIMEDOUT"]);
	expect(() => nat.map(1, outside)).toThrow(expect.objectContaining({ code: "UNKNOWN_HOST" }));
});

test("neighbours behind one NAT reach each other by private address; two NATs may use the same ones", () => {
	const simulation = make();
	const [first, second] = [simulation.nat(), simulation.nat()];
	const a = simulation.host("a", { nat: first });
	const b = simulation.host("b", { nat: first });
	const c = simulation.host("c", { nat: second });
	expect(c.ip).toBe(a.ip);
	const accepted = serve(simulation, b);
	const near = dial(simulation, a, b);
	const far = dial(simulation, c, b);
	simulation.advance(100);
	expect(near.lines).toEqual(["20 open"]);
	expect(accepted[0]?.link?.remote.host).toBe(a.ip);
	expect(far.lines).toEqual([]);
});

test("names lead to the router from outside, and past it from inside", async () => {
	const simulation = make();
	const nat = simulation.nat();
	const [a, b] = [simulation.host("a", { nat }), simulation.host("b", { nat })];
	await expect(b.transport.resolve("a")).resolves.toBe(a.ip);
	await expect(simulation.host("c").transport.resolve("a")).resolves.toBe(nat.ip);
	await expect(a.transport.localHost()).resolves.toBe(a.ip);
});

test("only a router that hairpins lets its own hosts in by its public address", () => {
	for (const hairpin of [false, true]) {
		const simulation = make();
		const nat = simulation.nat({ hairpin });
		const [a, b] = [simulation.host("a", { nat }), simulation.host("b", { nat })];
		serve(simulation, b);
		nat.map(8_000, b, PORT);
		const near = dial(simulation, a, { host: nat.ip, port: 8_000 });
		simulation.advance(100);
		expect(near.lines).toEqual(hairpin ? ["20 open"] : []);
	}
});

test("a router forgets a link that is idle, without a word to either end", () => {
	const simulation = make();
	const nat = simulation.nat({ idle: 30_000 });
	const outside = simulation.host("outside");
	const accepted = serve(simulation, outside);
	const near = dial(simulation, simulation.host("inside", { nat }), outside);
	simulation.advance(20_000);
	near.link?.send(bytes("awake "));
	simulation.advance(20_000);
	accepted[0]?.link?.send(bytes("still"));
	simulation.advance(29_000);
	expect([accepted[0]?.text, near.text]).toEqual(["awake ", "still"]);
	simulation.advance(5_000);
	accepted[0]?.link?.send(bytes("too late"));
	near.link?.send(bytes("too late"));
	simulation.advance(10_000);
	expect([accepted[0]?.text, near.text]).toEqual(["awake ", "still"]);
	expect(near.lines.filter((line) => line.includes("close"))).toEqual([]);
});
