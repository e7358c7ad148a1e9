// What counts as delivered. The peers here are names and places only: no process runs.
import { expect, test } from "vitest";

import type { Arrival } from "../../src/demo/calls.ts";
import { Ledger, type Sent } from "../../src/demo/ledger.ts";

const peer = (name: string): Sent["to"] => ({
	name,
	place: { host: "127.0.0.1", port: 2_000, id: name },
});
const [ann, bob, eve] = [peer("ann"), peer("bob"), peer("eve")];

const acknowledged: Sent["fate"] = { outcome: "delivered", hops: 2, rtt: 3, linked: false };

/** One message from ann to bob, and what bob says that he received. */
function after(fate: Sent["fate"], arrivals: (message: number) => Arrival[]): [boolean, string[]] {
	const ledger = new Ledger();
	const message = ledger.number();
	const sent: Sent = { message, from: ann, to: bob, fate };
	ledger.received(bob, arrivals(message));
	return [ledger.sendings([sent])[0]?.delivered === true, ledger.failures([sent])];
}

test("a message is delivered when both ends say so", () => {
	expect(after(acknowledged, (message) => [{ message, from: "ann" }])).toEqual([true, []]);
});

test.each([
	["it never came", (): Arrival[] => [], "0 times"],
	[
		"it came twice",
		(message: number): Arrival[] => [
			{ message, from: "ann" },
			{ message, from: "ann" },
		],
		"2 times",
	],
	[
		"it came as somebody else's",
		(message: number): Arrival[] => [{ message, from: "eve" }],
		"0 times",
	],
])("a message that was acknowledged is not delivered when %s", (_what, arrivals, words) => {
	const [delivered, failures] = after(acknowledged, arrivals);
	expect(delivered).toBe(false);
	expect(failures).toEqual([`ann to bob: acknowledged, and received ${words}`]);
});

test("a message whose send was rejected is not delivered, even if it came", () => {
	const fate = { outcome: "rejected", why: "TIMEOUT: not done" } as const;
	expect(after(fate, (message) => [{ message, from: "ann" }])).toEqual([
		false,
		["ann to bob: TIMEOUT: not done"],
	]);
});

test("a message that arrives otherwise than it was sent is a failure", () => {
	const [, failures] = after(acknowledged, (message) => [
		{ message, from: "ann" },
		{ message: -1, from: "ann" },
	]);
	expect(failures).toEqual(["1 messages arrived otherwise than sent"]);
});

test("a broadcast must come to everyone who lives to tell, once", () => {
	const ledger = new Ledger();
	const message = ledger.broadcast(ann, [bob, eve, peer("dead")]);
	ledger.received(bob, [{ message, from: "ann" }]);
	ledger.received(eve, []);
	expect(ledger.failures([])).toEqual(["the broadcast of ann came to eve 0 times"]);
});

test("what a peer said last is what counts", () => {
	const ledger = new Ledger();
	const message = ledger.broadcast(ann, [bob]);
	ledger.received(bob, []);
	ledger.received(bob, [{ message, from: "ann" }]);
	expect(ledger.failures([])).toEqual([]);
});
