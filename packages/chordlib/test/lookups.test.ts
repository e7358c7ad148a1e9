import { type LatencyModel, Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Contact } from "../src/contact.ts";
import { ChordError } from "../src/errors.ts";
import { type Id, idFromBigInt } from "../src/id.ts";
import type { LocalNode } from "../src/index.ts";
import { defaultLimits } from "../src/limits.ts";
import type { Answer } from "../src/protocol.ts";
import { nearestFirst } from "../src/ring/fingers.ts";
import { Lookups } from "../src/ring/lookup.ts";
import {
	type Direction,
	type Found,
	type Query,
	askAlive,
	askDirection,
	askOwner,
} from "../src/ring/messages.ts";
import type { RingNetwork } from "../src/ring/network.ts";
import { RoundTrips, lateAfter } from "../src/ring/round-trips.ts";
import { RingState } from "../src/ring/state.ts";
import { soonestFirst } from "../src/ring/step.ts";
import { LimitCounter } from "../src/stats.ts";
import { Ring, fingerFor, nameOf } from "./ring.ts";

/** The node whose place on the circle is `place` of 16 parts. */
function at(place: number): Contact {
	const id = idFromBigInt(BigInt(place) << 252n);
	return new Contact(id, { host: "192.0.2.1", port: 1024 + place }, 1);
}

const places = (contacts: readonly Contact[]): number[] =>
	contacts.map(({ address }) => address.port - 1024);

test("an answer is late after the smoothed round trip and four times its variation, within bounds", () => {
	const trips = new RoundTrips();
	const { id } = at(1);
	expect(trips.get(id)).toBeUndefined();
	expect(lateAfter(trips.get(id))).toBe(500);
	// RFC 6298, 2.2 and 2.3.
	trips.add(id, 100);
	expect(trips.get(id)).toEqual({ smoothed: 100, variation: 50 });
	expect(lateAfter(trips.get(id))).toBe(300);
	trips.add(id, 180);
	expect(trips.get(id)).toEqual({ smoothed: 110, variation: 57.5 });
	for (let i = 0; i < 100; i++) trips.add(id, 20);
	expect(lateAfter(trips.get(id))).toBe(200);
	trips.add(id, 60_000);
	expect(lateAfter(trips.get(id))).toBe(1_500);
});

test("round trips of the 512 nodes that answered last are kept", () => {
	const trips = new RoundTrips();
	const ids = Array.from({ length: 514 }, (_, i) => idFromBigInt(BigInt(i)));
	for (const id of ids.slice(0, 512)) trips.add(id, 1);
	trips.add(ids[0] as Id, 1);
	trips.add(ids[512] as Id, 1);
	expect(ids.filter((id) => trips.get(id) === undefined)).toEqual([ids[1], ids[513]]);
});

test("a finger gives way to another only when that is clearly nearer; unknown ones come last", () => {
	const times = new Map([
		[at(1), 100],
		[at(2), 85],
		[at(3), 120],
	]);
	const order = (finger: number): number[] => {
		const all = [at(4), ...times.keys()];
		const time = (contact: Contact): number | undefined =>
			[...times].find(([other]) => other.same(contact))?.[1];
		return places(nearestFirst(at(finger), all, time));
	};
	expect(order(1)).toEqual([1, 2, 3, 4]);
	expect(order(3)).toEqual([2, 3, 1, 4]);
	expect(order(4)).toEqual([2, 1, 3, 4]);
});

test("the next hop is the one through which the owner is likely to answer first", () => {
	const state = new RingState(at(0), 2, () => {});
	state.adopt(at(1), [at(2)]);
	const before = [at(12), at(8), at(4)];
	const order = (times: Record<number, number>): number[] =>
		places(soonestFirst(state, at(13).id, before, ({ address }) => times[address.port - 1024]));
	// Without round trips, or with equal ones, the nearest to the id.
	expect(order({})).toEqual([12, 8, 4]);
	expect(order({ 4: 50, 8: 50, 12: 50 })).toEqual([12, 8, 4]);
	// A much shorter round trip makes good for a halving or two.
	expect(order({ 4: 50, 8: 10, 12: 200 })).toEqual([8, 4, 12]);
	// What is not known is taken to be as slow as the slowest.
	expect(order({ 4: 10, 8: 200 })).toEqual([4, 12, 8]);
});

type Serve = (query: Query, from: Contact, budget: number, answer: Answer<Found>) => unknown;

/** A member between 15 and 1, which knows 4, 8 and 12 besides, on a network of which the test decides. */
function member(
	answer: (to: number, tag: number) => Direction | Found | "alive" | ChordError | undefined,
) {
	const simulation = new Simulation({ seed: 1 });
	const { clock, random } = simulation.host("self");
	const asked: [time: number, to: number][] = [];
	const trips = new RoundTrips();
	const serving = new Map<number, Serve>();
	const network: RingNetwork = {
		clock,
		random,
		limits: defaultLimits,
		counter: new LimitCounter(),
		call: (to, type, _value, budget, done) => {
			const [place = 0] = places([to]);
			if (type.tag !== askAlive.tag) asked.push([clock.now(), place]);
			const value = answer(place, type.tag);
			const error = new ChordError("TIMEOUT", "no answer");
			const timer = clock.schedule(value === undefined ? budget : 50, () => {
				if (value === undefined) done(error);
				else if (value instanceof ChordError) done(value);
				else done(undefined, value as never);
			});
			return () => {
				timer.cancel();
			};
		},
		callOnce: (...question) => network.call(...question),
		tell: () => {},
		tellAll: () => {},
		tellLeaves: () => {},
		proof: "off",
		prove: () => {},
		serve: ({ tag }, serve) => {
			serving.set(tag, serve as Serve);
		},
		hear: () => {},
		met: () => undefined,
		roundTrip: (id) => trips.get(id),
		keep: () => {},
	};
	const state = new RingState(at(0), 2, () => {});
	state.enter(at(15), at(1), []);
	state.standing = "member";
	state.setFinger(508, [at(4)]);
	state.setFinger(510, [at(8), at(9)]);
	state.setFinger(511, [at(12)]);
	const suspect = (contact: Contact, settled?: () => void): void => {
		// It is dead.
		if (answer(places([contact])[0] ?? 0, askAlive.tag) === undefined) state.forget(contact);
		settled?.();
	};
	const lookups = new Lookups(state, network, suspect, () => {});
	/** Starts a lookup, lets time pass until it has ended, and tells when that was and what came of it. */
	const outcomeOf = async (
		start: (answer: (error: ChordError | undefined, found?: Found) => void) => unknown,
	): Promise<Partial<Found> & { time: number }> => {
		const over = new Promise<Found | undefined>((resolve) => {
			start((_error, found) => {
				resolve(found);
			});
		});
		const found = await simulation.runUntil(over);
		return { ...found, time: clock.now() };
	};
	/** Has the member asked for the owner, as a node on the way. */
	const ask = (query: Query, budget: number, done: Answer<Found>): void => {
		serving.get(askOwner.tag)?.(query, at(15), budget, done);
	};
	return { lookups, state, asked, ask, outcomeOf };
}

const busy = new ChordError("BUSY", "it could not ask the owner");

test("recursive: another is asked when one could not, as long as there is time for an answer", async () => {
	const answers = (to: number): ChordError | Found =>
		to === 4 ? { owner: at(13), predecessor: undefined, hops: 3 } : busy;
	const query = { id: at(13).id, last: false, hops: 1 };
	const asked = async (budget: number, enough: boolean): Promise<number[]> => {
		const relay = member(answers);
		const found = await relay.outcomeOf((answer) => {
			relay.ask(query, budget, answer);
		});
		expect(found.owner).toEqual(enough ? at(13) : undefined);
		return relay.asked.map(([, to]) => to);
	};
	expect(await asked(3_000, true)).toEqual([12, 9, 8, 4]);
	// After 50 ms it would have 520 ms for the next, who may need 500; after 100 ms not so many.
	expect(await asked(700, false)).toEqual([12, 9]);
	expect(await asked(600, false)).toEqual([12]);
});

test("recursive: a node on the way gives four fifths of its time to the next one that lives", async () => {
	const { ask, asked, outcomeOf } = member((_to, tag) =>
		tag === askAlive.tag ? "alive" : undefined,
	);
	const query = { id: at(13).id, last: false, hops: 5 };
	const none = await outcomeOf((answer) => {
		ask(query, 3_000, answer);
	});
	expect([asked, none]).toEqual([[[0, 12]], { time: 2_400 }]);
});

test("recursive: a node on the way asks another in place of one that gives no sign of life", async () => {
	const { ask, asked, outcomeOf } = member((to) =>
		to === 9 ? { owner: at(13), predecessor: undefined, hops: 3 } : undefined,
	);
	const query = { id: at(13).id, last: false, hops: 5 };
	const found = await outcomeOf((answer) => {
		ask(query, 3_000, answer);
	});
	// 12 has twice its usual round trip to answer, and that once more for a sign of life.
	expect([asked, found.owner]).toEqual([
		[
			[0, 12],
			[1_500, 9],
		],
		at(13),
	]);
});

test("iterative: up to three are asked at the same time, the next one when an answer is late", async () => {
	const mine: Direction = { outcome: "mine", last: false, contacts: [] };
	const { lookups, asked, outcomeOf } = member((to, tag) =>
		to === 4 && tag === askDirection.tag ? mine : undefined,
	);
	const done = await outcomeOf((answer) =>
		lookups.iterative(at(13).id, 10_000, answer, [at(12), at(9), at(8), at(4)]),
	);
	expect(asked).toEqual([
		[0, 12],
		[500, 9],
		[1_000, 8],
		// Three are enough until the first has had its 1.5 s.
		[1_500, 4],
	]);
	expect(done).toMatchObject({ time: 1_550, owner: at(4) });
});

test("iterative: who lives and may be the owner is not passed over, but asked again until it knows", async () => {
	let asked = 0;
	const answers: Record<number, () => Direction | undefined> = {
		8: () => ({ outcome: "ask", last: true, contacts: [at(10), at(11), at(12)] }),
		// It finds out that 10, its predecessor, is dead.
		11: () =>
			asked++ === 0
				? { outcome: "ask", last: true, contacts: [at(10)] }
				: { outcome: "mine", last: false, contacts: [] },
		// Its predecessor is dead as well, so it takes the asker's word for it.
		12: () => ({ outcome: "mine", last: false, contacts: [] }),
	};
	const { lookups, outcomeOf } = member((to) => answers[to]?.());
	const done = await outcomeOf((answer) => lookups.iterative(at(9).id, 10_000, answer, [at(8)]));
	// 10 has its 1.5 s, from 50 ms on, and 200 ms later 11 is asked again.
	expect(done).toMatchObject({ owner: at(11), time: 1_800 });
});

test("iterative: the way may lead back to who asks, who then owns it once the one before is known to be dead", async () => {
	const answers: Record<number, Direction> = {
		8: { outcome: "ask", last: true, contacts: [at(15), at(0), at(1)] },
		// The one before it, whom it asks, is not here: it takes the asker's word for it.
		1: { outcome: "mine", last: false, contacts: [] },
	};
	const { lookups, outcomeOf } = member((to) => answers[to]);
	const id = idFromBigInt(0xefn << 248n);
	const done = await outcomeOf((answer) => lookups.iterative(id, 10_000, answer, [at(8)]));
	expect(done.owner).toEqual(at(0));
});

test("iterative: where who may be the owner does not answer, those on the way are asked who comes after it", async () => {
	const answers: Record<number, Direction> = {
		1: { outcome: "ask", last: true, contacts: [at(2), at(3)] },
		3: { outcome: "mine", last: false, contacts: [] },
	};
	const { lookups, asked, outcomeOf, state } = member((to) => answers[to]);
	state.enter(at(15), at(1), [at(2)]);
	const id = idFromBigInt(0x18n << 248n);
	const done = await outcomeOf((answer) => lookups.iterative(id, 10_000, answer));
	expect(asked).toEqual([
		[0, 2],
		[500, 1],
		[550, 3],
	]);
	expect(done).toMatchObject({ owner: at(3), time: 600 });
});

test("recursive: who gives no sign of life is not waited for, who does is", async () => {
	const found: Found = { owner: at(14), predecessor: undefined, hops: 2 };
	const dead = member((to) => (to === 12 ? undefined : found));
	const round = await dead.outcomeOf((answer) => dead.lookups.recursive(at(13).id, 10_000, answer));
	// Late after 500 ms, twice as long for one that has to ask others, and as long for the sign of life.
	expect(dead.asked).toEqual([
		[0, 12],
		[1_500, 9],
	]);
	expect(round).toMatchObject({ time: 1_550, owner: at(14) });

	const slow = member((_to, tag) => (tag === askOwner.tag ? undefined : "alive"));
	await slow.outcomeOf((answer) => slow.lookups.recursive(at(13).id, 10_000, answer));
	expect(slow.asked.slice(0, 2)).toEqual([
		[0, 12],
		[7_000, 9],
	]);
});

test("at rest, fingers are near ones: hardly one is of the other half of the world without need", async () => {
	const world: LatencyModel = {
		delay: (from, to) => (from.index % 2 === to.index % 2 ? 5 : 100),
	};
	const ring = new Ring(3, { latency: world, successors: 8 });
	await ring.grow(32);
	await ring.simulation.run(300_000);
	const half = (name: string): number =>
		[...ring.nodes].findIndex((node) => nameOf(node) === name) % 2;
	const others = (node: LocalNode, number: number): LocalNode[] =>
		[...ring.nodes].filter((other) => other !== node && fingerFor(node, other) === number);
	let near = 0;
	let far = 0;
	for (const node of ring.nodes) {
		const list = new Set(node.successors.map(nameOf));
		const own = half(nameOf(node));
		for (const finger of node.fingers.filter((contact) => !list.has(nameOf(contact)))) {
			const halves = others(node, fingerFor(node, finger)).map((other) => half(nameOf(other)));
			if (half(nameOf(finger)) === own) near++;
			else if (halves.includes(own)) far++;
		}
	}
	// Those that came in before a finger, and not next to it, are not among its candidates.
	expect(far).toBeLessThan(near / 10);
	expect(near).toBeGreaterThan(60);
});
