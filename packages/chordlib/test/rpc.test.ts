import type { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	Hash,
	type LocalNode,
	Reader,
	type LocalNodeOptions,
	defaultLimits,
	defineNotice,
	defineRequest,
	nothing,
	text,
	u8,
} from "../src/index.ts";
import { Handlers } from "../src/protocol.ts";
import { Rpc } from "../src/rpc.ts";
import { LimitCounter } from "../src/stats.ts";
import type { Outgoing } from "../src/wire/messages.ts";
import { Ring, nameOf } from "./ring.ts";
import { HELLO, IDENTIFY, Stranger } from "./stranger.ts";

const echo = defineRequest("test/echo", { request: text(100), response: text(100) });
const wait = defineRequest("test/wait", { request: nothing, response: nothing });
const shy = defineRequest("test/shy", { request: nothing, response: nothing });
const small = defineRequest("test/small", { request: nothing, response: text(5) });
const large = defineRequest("test/large", { request: text(100_000), response: text(100_000) });
const shout = defineNotice("test/shout", text(100));
const BODY = 65_536 - 13;

async function pair(
	options: LocalNodeOptions = {},
): Promise<{ ring: Ring; simulation: Simulation; a: LocalNode; b: LocalNode; errors: unknown[] }> {
	const ring = new Ring(1, options);
	const [a, b] = [await ring.add("a"), await ring.add("b")];
	const errors: unknown[] = [];
	b.on("error", (error) => errors.push(error));
	b.handle(echo, (value) => value);
	await ring.until(a.request(b, echo, "first"));
	return { ring, simulation: ring.simulation, a, b, errors };
}

const code = (error: { code?: string }): string => error.code ?? "not a ChordError";

test("a request is answered by its handler, which knows who asks", async () => {
	const { ring, a, b } = await pair();
	const who = defineRequest("test/who", { request: nothing, response: text(100) });
	b.handle(who, (_value, { peer }) => nameOf(peer));
	expect(await ring.until(a.request(b, who, undefined))).toBe(nameOf(a));
});

test("ask calls back with what request resolves or rejects with, once, and never before it has returned", async () => {
	const { ring, simulation, a, b } = await pair({ limits: { requestTimeout: 60_000 } });
	b.handle(wait, () => new Promise(() => {}));
	const heard: unknown[] = [];
	const note = (error: { code?: string } | undefined, value?: unknown): void => {
		heard.push(error?.code ?? value);
	};
	const said = async (ask: () => unknown): Promise<unknown> => {
		heard.length = 0;
		ask();
		expect(heard).toEqual([]);
		await simulation.run(2_000);
		return heard;
	};
	expect(await said(() => a.ask(b, echo, "x", 1_000, note))).toEqual(["x"]);
	expect(await said(() => a.ask(b, shy, undefined, 1_000, note))).toEqual(["NOT_HANDLED"]);
	expect(await said(() => a.ask(b, wait, undefined, 1_000, note))).toEqual(["TIMEOUT"]);
	expect(await said(() => a.ask(b, echo, "x".repeat(101), 1_000, note))).toEqual(["TOO_LARGE"]);
	expect(await said(() => a.ask(b, echo, "x", NaN, note))).toEqual(["INVALID_ARGUMENT"]);
	const nobody = { hash: new Hash({ value: "?" }), address: { host: "192.0.2.9", port: 7_000 } };
	expect(await said(() => a.ask(nobody, echo, "x", 1_000, note))).toEqual(["TIMEOUT"]);
	expect(a.stats.reached.requestTimeout).toBe(2);
	a.ask(b, wait, undefined, 60_000, note);
	heard.length = 0;
	await ring.until(a.close());
	expect(heard).toEqual(["CLOSED"]);
	expect(await said(() => a.ask(b, echo, "x", 1_000, note))).toEqual(["CLOSED"]);
	expect(ring.timersOf(a)).toBe(0);
});

test("what is asked and taken back is called back no more, and its handler is told", async () => {
	const { ring, simulation, a, b } = await pair();
	let aborted = false;
	b.handle(wait, (_value, { signal }) => {
		signal.addEventListener("abort", () => {
			aborted = true;
		});
		return new Promise(() => {});
	});
	const heard: unknown[] = [];
	const note = (error: unknown): void => void heard.push(error);
	const cancel = a.ask(b, wait, undefined, 1_000, note);
	a.ask(b, echo, "x", 1_000, note)();
	a.ask(b, echo, "x".repeat(101), 1_000, note)();
	await simulation.run(100);
	expect(a.stats.requests.asked).toBe(1);
	cancel();
	cancel();
	await simulation.run(100);
	expect([aborted, a.stats.requests.asked, heard]).toEqual([true, 0, []]);
	await ring.until(a.close());
	expect(heard).toEqual([]);
});

test("answers find their requests whatever their order", async () => {
	const { ring, simulation, a, b } = await pair();
	const later = defineRequest("test/later", { request: u8, response: u8 });
	const { clock } = ring.hostOf(b);
	b.handle(later, (n) => new Promise((resolve) => clock.schedule(100 - n, () => resolve(n))));
	const numbers = Array.from({ length: 100 }, (_, i) => i);
	const order: number[] = [];
	const asked = numbers.map(async (n) => {
		expect(await a.request(b, later, n)).toBe(n);
		order.push(n);
	});
	await ring.until(Promise.all(asked));
	expect(order).toEqual(numbers.toReversed());
	expect(simulation.now).toBeLessThan(1_000);
});

test("a notice arrives, and nobody answers it", async () => {
	const { ring, simulation, a, b } = await pair();
	const heard: string[] = [];
	b.handle(shout, (value, { peer }) => void heard.push(`${value} from ${nameOf(peer)}`));
	await ring.until(a.notify(b, shout, "hey"));
	await simulation.run(100);
	expect(heard).toEqual([`hey from ${nameOf(a)}`]);
});

test("what nobody handles is NOT_HANDLED, before and after there was a handler", async () => {
	const { ring, a, b } = await pair();
	const outcome = (): Promise<string> =>
		ring.until(a.request(b, wait, undefined).then(() => "answered", code));
	expect(await outcome()).toBe("NOT_HANDLED");
	const remove = b.handle(wait, () => {});
	expect(await outcome()).toBe("answered");
	remove();
	remove();
	expect(await outcome()).toBe("NOT_HANDLED");
});

test("one handler a type", async () => {
	const { b } = await pair();
	expect(() => b.handle(echo, (value) => value)).toThrow(
		expect.objectContaining({ code: "INVALID_ARGUMENT" }),
	);
});

test("a handler that fails is REMOTE to who asked, and an error event where it failed", async () => {
	const { ring, a, b, errors } = await pair();
	b.handle(wait, () => {
		throw new Error("now");
	});
	b.handle(small, () => Promise.reject(new Error("later")));
	const failures = [a.request(b, wait, undefined), a.request(b, small, undefined)];
	const outcomes = await ring.until(Promise.allSettled(failures));
	expect(outcomes).toMatchObject([{ reason: { code: "REMOTE" } }, { reason: { code: "REMOTE" } }]);
	expect(errors.map(String)).toEqual(["Error: now", "Error: later"]);
	expect(await ring.until(a.request(b, echo, "still there"))).toBe("still there");
});

test("a notice's handler that fails is an error event, and the link lives", async () => {
	const { ring, simulation, a, b, errors } = await pair();
	b.handle(shout, () => {
		throw new Error("notice");
	});
	await ring.until(a.notify(b, shout, "x"));
	await simulation.run(100);
	expect(errors.map(String)).toEqual(["Error: notice"]);
	expect(a.peers).toHaveLength(1);
});

test("a response that does not fit its type, or the frame, is REMOTE at once, and an error event", async () => {
	const { ring, a, b, errors } = await pair();
	b.handle(small, () => "too long");
	b.handle(large, () => "x".repeat(BODY - 4 + 1));
	const outcomes = await ring.until(
		Promise.allSettled([a.request(b, small, undefined), a.request(b, large, "")]),
	);
	expect(outcomes).toMatchObject([{ reason: { code: "REMOTE" } }, { reason: { code: "REMOTE" } }]);
	expect(errors).toMatchObject([{ code: "TOO_LARGE" }, { code: "TOO_LARGE" }]);
	expect(ring.simulation.now).toBeLessThan(1_000);
});

test("the largest body goes through both ways; one byte more is TOO_LARGE, and harms nothing", async () => {
	const { ring, a, b } = await pair();
	b.handle(large, (value) => value);
	const most = "x".repeat(BODY - 4);
	expect(await ring.until(a.request(b, large, most))).toBe(most);
	await expect(a.request(b, large, `${most}x`)).rejects.toMatchObject({ code: "TOO_LARGE" });
	const other = await ring.add("other");
	// Also where the link is opened only now.
	await expect(ring.until(other.request(b, large, `${most}x`))).rejects.toMatchObject({
		code: "TOO_LARGE",
	});
	expect(await ring.until(a.request(b, echo, "on"))).toBe("on");
});

test("a response that makes no sense to who asked is REMOTE", async () => {
	const { ring, a, b } = await pair();
	const asked = defineRequest("test/two", { request: nothing, response: u8 });
	const answered = defineRequest("test/two", { request: nothing, response: text(9) });
	b.handle(answered, () => "text");
	await expect(ring.until(a.request(b, asked, undefined))).rejects.toMatchObject({
		code: "REMOTE",
	});
});

test("a request that makes no sense to the handler is REMOTE, and no error event", async () => {
	const { ring, a, b, errors } = await pair();
	const asked = defineRequest("test/two", { request: nothing, response: nothing });
	b.handle(defineRequest("test/two", { request: u8, response: nothing }), () => {});
	await expect(ring.until(a.request(b, asked, undefined))).rejects.toMatchObject({
		code: "REMOTE",
	});
	expect(errors).toEqual([]);
});

test("a request that is not answered ends when its time does, and its handler is told", async () => {
	const { ring, simulation, a, b } = await pair();
	const ends: number[] = [];
	b.handle(wait, (_value, { signal }) => {
		signal.addEventListener("abort", () => ends.push(simulation.now));
		return new Promise<void>(() => {});
	});
	const start = simulation.now;
	const asked = ring.until(a.request(b, wait, undefined, { timeout: 700 }));
	await expect(asked).rejects.toMatchObject({ code: "TIMEOUT" });
	expect(simulation.now - start).toBe(700);
	await simulation.run(100);
	expect(ends).toEqual([start + 710]);
});

test("the ring's own requests tell who serves them when their time is over", async () => {
	const ring = new Ring(1);
	const { clock } = ring.host("asker");
	const sent: Outgoing[] = [];
	const context = {
		clock,
		limits: defaultLimits,
		handlers: new Handlers<undefined>(BODY),
		counter: new LimitCounter(),
		pending: { asked: 0, serving: 0 },
		handlerFailed: () => {},
	};
	const rpc = new Rpc(context, undefined, (frame) => sent.push(frame));
	const answers: (string | undefined)[] = [];
	rpc.request(5, new Uint8Array(), 100, (error) => answers.push(error?.code));
	rpc.request(6, new Uint8Array(), 100, () => answers.push("cancelled"))();
	expect([answers, context.pending.asked]).toEqual([[], 1]);
	await ring.simulation.run(200);
	expect([answers, context.pending.asked]).toEqual([["TIMEOUT"], 0]);
	expect(sent.map(({ kind }) => kind)).toEqual(["request", "request", "cancel", "cancel"]);
	rpc.receive({ kind: "response", call: 1, body: new Reader(new Uint8Array()) });
	expect(answers).toEqual(["TIMEOUT"]);
	expect(rpc.quiet).toBe(true);
});

test("a request that is aborted rejects with the signal's reason, and its handler is told", async () => {
	const { simulation, a, b } = await pair();
	let aborted = 0;
	b.handle(wait, (_value, { signal }) => {
		signal.addEventListener("abort", () => aborted++);
		return new Promise<void>(() => {});
	});
	const abort = new AbortController();
	const reason = new Error("changed my mind");
	const asked = a.request(b, wait, undefined, { signal: abort.signal });
	const outcome = asked.catch((error: unknown) => error);
	await simulation.run(100);
	abort.abort(reason);
	expect(await outcome).toBe(reason);
	await simulation.run(100);
	expect(aborted).toBe(1);
});

test("a handler that looks at its signal only after the asker has gone finds it aborted", async () => {
	const { ring, simulation, a, b } = await pair();
	const { clock } = ring.hostOf(b);
	const seen: boolean[] = [];
	b.handle(wait, async (_value, asker) => {
		await new Promise<void>((resolve) => clock.schedule(1_000, resolve));
		seen.push(asker.signal.aborted);
	});
	const asked = a.request(b, wait, undefined, { timeout: 500 });
	expect(await ring.until(asked.catch(code))).toBe("TIMEOUT");
	await simulation.run(1_000);
	expect(seen).toEqual([true]);
});

test.each([
	["of one peer", { requestsPerPeer: 3 }],
	["of all peers", { requests: 3 }],
])("of requests that wait %s, one beyond the limit is BUSY to itself", async (_name, limits) => {
	const ring = new Ring(1);
	const [a, b] = [await ring.add("a", { limits }), await ring.add("b")];
	let answer = (): void => {};
	const gate = new Promise<void>((resolve) => (answer = resolve));
	b.handle(wait, () => gate);
	b.handle(echo, (value) => value);
	await ring.until(a.request(b, echo, ""));
	const asked = [1, 2, 3, 4].map(() => a.request(b, wait, undefined).then(() => "answered", code));
	expect(await ring.until(Promise.race(asked))).toBe("BUSY");
	answer();
	expect(await ring.until(Promise.all(asked))).toEqual([
		"answered",
		"answered",
		"answered",
		"BUSY",
	]);
	expect(await ring.until(a.request(b, echo, "room again"))).toBe("room again");
});

test.each([
	["of one peer", { requestsPerPeer: 3 }],
	["of all peers", { requests: 3 }],
])(
	"of requests %s that are being served, one beyond the limit is answered BUSY",
	async (_name, limits) => {
		const ring = new Ring(1);
		const [a, b] = [await ring.add("a"), await ring.add("b", { limits })];
		let answer = (): void => {};
		const gate = new Promise<void>((resolve) => (answer = resolve));
		b.handle(wait, () => gate);
		b.handle(echo, (value) => value);
		const asked = [1, 2, 3, 4].map(() =>
			a.request(b, wait, undefined).then(() => "answered", code),
		);
		expect(await ring.until(Promise.race(asked))).toBe("BUSY");
		answer();
		expect(await ring.until(Promise.all(asked))).toEqual([
			"answered",
			"answered",
			"answered",
			"BUSY",
		]);
		expect(await ring.until(a.request(b, echo, "room again"))).toBe("room again");
	},
);

test("when the link is lost, what was asked is CLOSED, and what was being served is taken back", async () => {
	const { ring, simulation, a, b } = await pair();
	let aborted = 0;
	b.handle(wait, (_value, { signal }) => {
		signal.addEventListener("abort", () => aborted++);
		return new Promise<void>(() => {});
	});
	const asked = a.request(b, wait, undefined).then(() => "answered", code);
	await simulation.run(100);
	simulation.breakLinks(ring.hostOf(a), ring.hostOf(b));
	expect(await ring.until(asked)).toBe("CLOSED");
	await simulation.run(100);
	expect(aborted).toBe(1);
	expect(await ring.until(a.request(b, echo, "over a new link"))).toBe("over a new link");
});

test("an answer counts only over the link, and with the number, of the request", async () => {
	const ring = new Ring(1);
	const node = await ring.add("node");
	const peers = ["11", "22"].map((digits, i) => {
		const host = ring.host(`peer ${i}`);
		const greeting = HELLO + IDENTIFY.replace("11".repeat(32), digits.repeat(32));
		return Stranger.dial(host, node.address, greeting);
	});
	await ring.simulation.run(100);
	const [asked, other] = peers;
	const [peer] = node.peers;
	if (peer === undefined) throw new Error("no peer");
	const answer = node.request(peer, echo, "x").then((value) => `answered ${value}`, code);
	await ring.simulation.run(100);
	const call = /01([0-9a-f]{8})[0-9a-f]{16}0178$/.exec(asked?.heard ?? "")?.[1] ?? "";
	expect(call).toHaveLength(8);
	const responding = (number: string, letter: string): string => `0000000702${number}01${letter}`;
	other?.say(responding(call, "6f"));
	asked?.say(responding("00000999", "6e"));
	await ring.simulation.run(100);
	asked?.say(responding(call, "79"));
	// A second answer to the same request is passed over.
	asked?.say(responding(call, "7a"));
	expect(await ring.until(answer)).toBe("answered y");
	await ring.simulation.run(100);
	expect([asked?.end, other?.end]).toEqual(["", ""]);
});

test("a request with the number of one that is being served ends the link", async () => {
	const { ring, simulation, b } = await pair();
	b.handle(wait, () => new Promise<void>(() => {}));
	const tag = wait.tag.toString(16).padStart(8, "0");
	const request = `0000000d 01 00000005 ${tag} 00002710`;
	const stranger = Stranger.dial(ring.host("s"), b.address, HELLO + IDENTIFY + request + request);
	await simulation.run(100);
	expect(stranger.end).toBe("in good order");
});

test("a request to a node that is not there, or has another id, is UNREACHABLE", async () => {
	const { ring, a, b } = await pair();
	const outcome = (peer: {
		hash: Hash;
		address: { host: string; port: number };
	}): Promise<string> => ring.until(a.request(peer, echo, "x").then(() => "answered", code));
	const nowhere = { host: b.address.host, port: 9 };
	expect(await outcome({ hash: new Hash({ value: "c" }), address: nowhere })).toBe("UNREACHABLE");
	expect(await outcome({ hash: new Hash({ value: "c" }), address: b.address })).toBe("UNREACHABLE");
	expect(await outcome({ hash: b.hash, address: b.address })).toBe("answered");
});
