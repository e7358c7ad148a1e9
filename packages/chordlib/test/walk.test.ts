import { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Contact } from "../src/contact.ts";
import { idOf } from "../src/hash.ts";
import { Hash, defaultLimits } from "../src/index.ts";
import type { Direction, Found } from "../src/ring/messages.ts";
import { Walk, type Walker } from "../src/ring/walk.ts";

/** A node at a place on the circle, by the first byte of its id. */
const at = (place: number): Contact => {
	const id = idOf(new Hash({ hashed: BigInt(place) << 248n }));
	return new Contact(id, { host: "192.0.2.1", port: 1_000 + place }, 1);
};

/** What the node at a place answers: that the one before it may be the owner, down to the first, which is. */
function backwards(place: number): Direction {
	return place === 1
		? { outcome: "mine", last: false, contacts: [] }
		: { outcome: "ask", last: true, contacts: [at(place - 1)] };
}

test("a way back along more predecessors than a lookup may cross links is gone to its end, in less than a second", async () => {
	const simulation = new Simulation({ seed: 1 });
	const { clock } = simulation.host("joiner");
	const length = 2 * defaultLimits.hops;
	let asked = 0;
	const walker = {
		network: { clock, limits: defaultLimits, roundTrip: () => undefined, met: () => undefined },
		call: (contact: Contact, _type: unknown, _query: unknown, _budget: number, done: unknown) => {
			asked++;
			const timer = clock.schedule(1, () => {
				const { port } = contact.address;
				(done as (error: undefined, direction: Direction) => void)(
					undefined,
					backwards(port - 1_000),
				);
			});
			return () => {
				timer.cancel();
			};
		},
		self: at(0),
		here: () => ({ outcome: "outside", last: false, contacts: [] }),
		before: () => [],
		suspect: () => {},
		becomeFirst: () => {},
	} as unknown as Walker;
	const found = new Promise<Found | undefined>((resolve) => {
		new Walk(walker, at(0).id, 60_000, (_error, result) => {
			resolve(result);
		}).beginAt([at(length)]);
	});
	const result = await simulation.runUntil(found);
	expect(result?.owner.same(at(1))).toBe(true);
	expect(asked).toBeLessThan(2 * length);
	expect(simulation.now).toBeLessThan(1_000);
});
