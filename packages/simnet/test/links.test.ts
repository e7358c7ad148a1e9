import { expect, test } from "vitest";

import { constant, LinkError, Simulation, uniform } from "../src/index.ts";
import { at, bytes, dial, pair, PORT, serve } from "./programs.ts";

const make = (): Simulation => new Simulation({ seed: 1, latency: constant(10) });

test("dialling takes one round trip, and the other end learns of it half a round trip later", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const accepted = serve(simulation, b);
	const near = dial(simulation, a, b);
	expect(near.lines).toEqual([]);
	simulation.advance(100);
	expect(near.lines).toEqual(["20 open"]);
	expect(accepted[0]?.lines).toEqual(["30 accept"]);
	expect(near.link?.remote).toEqual(at(b));
	expect(accepted[0]?.link?.local).toEqual(at(b));
	expect(accepted[0]?.link?.remote).toEqual(near.link?.local);
});

test("where nobody listens the answer is a refusal, after one round trip", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const near = dial(simulation, a, b);
	simulation.advance(100);
	expect(near.lines).toEqual(["20 close ECONNREFUSED"]);
});

test("who is not there does not answer", () => {
	const simulation = make();
	const near = dial(simulation, simulation.host("a"), { host: "203.0.113.1", port: 1 });
	simulation.advance(200_000);
	expect(near.lines).toEqual(["127000 close ETIMEDOUT"]);
});

test("what is sent before the link is open waits, and goes out when it is", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const accepted = serve(simulation, b);
	const near = dial(simulation, a, b);
	near.link?.send(bytes("early"));
	expect(near.link?.buffered).toBe(5);
	simulation.advance(100);
	expect(near.link?.buffered).toBe(0);
	expect(near.lines).toEqual(["20 open", "20 drain"]);
	expect(accepted[0]?.lines).toEqual(["30 accept", "30 data 5"]);
});

test("a link never reorders, however much its latency varies", () => {
	const simulation = new Simulation({ seed: 1, latency: uniform(1, 300) });
	const { near, far } = pair(simulation);
	for (let i = 0; i < 200; i++) near.link?.send(Uint8Array.of(i));
	simulation.advance(1_000);
	expect(far.chunks.map(([first]) => first)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

test("close lets what was sent go out first, and both ends end in good order", () => {
	const simulation = make();
	const { near, far } = pair(simulation);
	near.link?.send(bytes("last words"));
	near.link?.close();
	near.link?.send(bytes("too late"));
	simulation.advance(100);
	expect(far.lines).toEqual(["1010 data 10", "1010 close"]);
	expect(near.lines).toEqual(["1020 close"]);
});

test("who closes does not wait for ever for the other end", () => {
	const simulation = make();
	const { a, b, near } = pair(simulation);
	simulation.partition([a], [b]);
	near.link?.close();
	simulation.advance(5_000);
	expect(near.lines).toEqual(["3000 close"]);
	expect(a.links).toBe(0);
});

test("destroy is a reset to the other end", () => {
	const simulation = make();
	const { near, far, a, b } = pair(simulation);
	near.link?.destroy();
	expect(near.lines).toEqual([]);
	simulation.advance(100);
	expect(near.lines).toEqual(["1000 close"]);
	expect(far.lines).toEqual(["1010 close ECONNRESET"]);
	expect([a.links, b.links]).toEqual([0, 0]);
});

test("sending to an end that is closed is answered with a reset", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	simulation.partition([b], [a], { oneWay: true });
	far.link?.destroy();
	simulation.heal();
	simulation.advance(100);
	expect(near.lines).toEqual([]);
	near.link?.send(bytes("anyone?"));
	simulation.advance(100);
	expect(near.lines).toEqual(["1120 close ECONNRESET"]);
});

test("a link that nobody accepts any more is reset", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	void b.transport
		.listen(at(b), () => expect.unreachable())
		.then((listener) => simulation.schedule(25, () => void listener.close()));
	const near = dial(simulation, a, b);
	return simulation.run(100).then(() => {
		expect(near.lines).toEqual(["20 open", "40 close ECONNRESET"]);
	});
});

test("links that break are reset at both ends", () => {
	const simulation = make();
	const { a, b, near, far } = pair(simulation);
	simulation.breakLinks(a, b);
	simulation.advance(1);
	expect(near.lines).toEqual(["1000 close ECONNRESET"]);
	expect(far.lines).toEqual(["1000 close ECONNRESET"]);
});

test("ports are taken once, given back, and made up when asked for as 0", async () => {
	const simulation = make();
	const { transport, ip } = simulation.host("a");
	const nobody = (): never => expect.unreachable();
	const first = await transport.listen({ host: ip, port: PORT }, nobody);
	await expect(transport.listen({ host: ip, port: PORT }, nobody)).rejects.toMatchObject({
		code: "EADDRINUSE",
	});
	await first.close();
	await expect(transport.listen({ host: ip, port: PORT }, nobody)).resolves.toBeDefined();
	const any = await transport.listen({ host: "0.0.0.0", port: 0 }, nobody);
	expect(any.address.port).toBeGreaterThan(49_151);
	const elsewhere = transport.listen({ host: "203.0.113.1", port: 1 }, nobody);
	await expect(elsewhere).rejects.toBeInstanceOf(LinkError);
	await expect(elsewhere).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
});

test("names lead to addresses", async () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b.example")];
	await expect(a.transport.resolve("b.example")).resolves.toBe(b.ip);
	await expect(a.transport.resolve("localhost")).resolves.toBe("127.0.0.1");
	await expect(a.transport.resolve("192.0.2.7")).resolves.toBe("192.0.2.7");
	await expect(a.transport.resolve("c.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
	await expect(a.transport.localHost()).resolves.toBe(a.ip);
});

test("the loopback address leads home, and nowhere else", async () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const loopback = { host: "127.0.0.1", port: PORT };
	await a.transport.listen(loopback, () => ({
		open() {},
		data() {},
		drain() {},
		close() {},
	}));
	const home = dial(simulation, a, loopback);
	const away = dial(simulation, b, a);
	simulation.advance(100);
	expect(home.lines).toEqual(["0.04 open"]);
	expect(away.lines).toEqual(["20 close ECONNREFUSED"]);
});

test("two hosts cannot share a name or an address", () => {
	const simulation = make();
	simulation.host("a", { ip: "192.0.2.1" });
	const taken: unknown = expect.objectContaining({ code: "INVALID_ARGUMENT" });
	expect(() => simulation.host("a")).toThrow(taken);
	expect(() => simulation.host("b", { ip: "192.0.2.1" })).toThrow(taken);
	expect(() => simulation.nat({ ip: "192.0.2.1" })).toThrow(taken);
});

test("what is sent after close is ignored, even while what was sent before waits", () => {
	const simulation = make();
	const [a, b] = [simulation.host("a"), simulation.host("b")];
	const accepted = serve(simulation, b);
	const near = dial(simulation, a, b);
	near.link?.send(bytes("before"));
	near.link?.close();
	near.link?.send(bytes(" after"));
	simulation.advance(100);
	expect(accepted[0]?.text).toBe("before");
	expect(accepted[0]?.lines.at(-1)).toBe("30 close");
});
