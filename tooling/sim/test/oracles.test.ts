import { describe, expect, it } from "vitest";

import { fingerFindings, listFindings } from "../src/oracles/liveness.ts";
import { type LocalFacts, localFindings } from "../src/oracles/local.ts";
import { membersOf, principals, ringFindings } from "../src/oracles/ring.ts";
import type { Pointer, View } from "../src/oracles/view.ts";
import { type Finding, Violations } from "../src/oracles/violation.ts";

/** Nodes stand at 1, 2, … of 16 places, so that a list can be read. */
const at = (place: number, incarnation = 1): Pointer => ({
	id: place.toString(16).padEnd(64, "0"),
	incarnation,
});

const view = (
	place: number,
	successors: readonly number[],
	predecessor?: number,
	more: Partial<View> = {},
): View => ({
	name: `n${place}`,
	...at(place),
	standing: "member",
	predecessor: predecessor === undefined ? undefined : at(predecessor),
	successors: successors.map((successor) => at(successor)),
	...more,
});

const facts: LocalFacts = {
	length: 3,
	wasMember: () => true,
	answered: () => true,
	lives: () => false,
	livedLately: () => true,
};

const rules = (findings: readonly Finding[]): string[] => findings.map(({ rule }) => rule);

const local = (now: View, before?: View, more: Partial<LocalFacts> = {}): string[] =>
	rules(localFindings(now, before, { ...facts, ...more }));

/** A ring of the nodes at these places, with exact lists of two. */
const ideal = (...places: number[]): View[] =>
	places.map((place, index) =>
		view(
			place,
			[places[(index + 1) % places.length] ?? 0, places[(index + 2) % places.length] ?? 0],
			places.at(index - 1),
		),
	);

const ring = (...views: View[]): string[] => rules(ringFindings(membersOf(views)));

describe("the local rules", () => {
	it("accept a member in order", () => {
		expect(local(view(14, [15, 1, 2], 13), view(14, [15, 1, 2], 13))).toEqual([]);
		expect(local(view(1, []))).toEqual([]);
	});

	it("outside: who is in no ring points to nobody", () => {
		expect(local(view(1, [2], undefined, { standing: "outside" }))).toEqual(["outside"]);
		expect(local(view(1, [], 2, { standing: "joining" }))).toEqual(["outside"]);
	});

	it("length: a list is no longer than agreed", () => {
		expect(local(view(1, [2, 3, 4]))).toEqual([]);
		expect(local(view(1, [2, 3, 4, 5]))).toEqual(["length"]);
	});

	it("self: nobody follows or precedes itself", () => {
		expect(local(view(1, [2, 1]))).toContain("self");
		expect(local(view(1, [], 1))).toContain("self");
	});

	it("repeats: nobody is in a list twice", () => {
		expect(local(view(1, [2, 2, 3]))).toContain("repeats");
	});

	it("clockwise: a list is in order, once round at most", () => {
		expect(local(view(1, [3, 2]))).toEqual(["clockwise"]);
		expect(local(view(5, [7, 3, 6]))).toEqual(["clockwise"]);
	});

	it("known: pointers mean lives that were members", () => {
		const wasMember = ({ incarnation }: Pointer): boolean => incarnation === 1;
		const now = view(1, [2], undefined, { successors: [at(2), at(3, 9)] });
		expect(local(now, undefined, { wasMember })).toEqual(["known"]);
	});

	it("successor-answered: who is put first has answered", () => {
		const answered = ({ id }: Pointer): boolean => id !== at(2).id;
		expect(local(view(1, [2, 3]), view(1, [3]), { answered })).toEqual(["successor-answered"]);
		expect(local(view(1, [2]), view(1, [15, 2]), { answered })).toEqual(["successor-answered"]);
		const joining = view(1, [], undefined, { standing: "joining" });
		expect(local(view(1, [2]), joining, { answered })).toEqual(["successor-answered"]);
		// It was there before, and is not accused again.
		expect(local(view(1, [2, 3]), view(1, [2]), { answered })).toEqual([]);
	});

	it("successor-alive: who is put first has answered just now", () => {
		const livedLately = ({ id }: Pointer): boolean => id !== at(2).id;
		expect(local(view(1, [2, 3]), view(1, [3]), { livedLately })).toEqual(["successor-alive"]);
	});

	it("successor-kept: a first successor that lives is given up only for a nearer one", () => {
		const lives = (): boolean => true;
		expect(local(view(1, [3]), view(1, [2, 3]), { lives })).toEqual(["successor-kept"]);
		expect(local(view(1, []), view(1, [2]), { lives })).toEqual(["successor-kept"]);
		expect(local(view(1, [3]), view(1, [2, 3]))).toEqual([]);
		expect(local(view(1, [2, 3]), view(1, [3]), { lives })).toEqual([]);
	});

	it("predecessor-kept: a predecessor that lives is given up only for a nearer one", () => {
		const lives = (): boolean => true;
		expect(local(view(5, [], 3), view(5, [], 4), { lives })).toEqual(["predecessor-kept"]);
		expect(local(view(5, []), view(5, [], 4), { lives })).toEqual(["predecessor-kept"]);
		expect(local(view(5, [], 3), view(5, [], 4))).toEqual([]);
		expect(local(view(5, [], 4), view(5, [], 3), { lives })).toEqual([]);
	});

	it("predecessor-answered: a predecessor has answered", () => {
		const answered = (): boolean => false;
		expect(local(view(3, [], 2), view(3, []), { answered })).toEqual(["predecessor-answered"]);
		expect(local(view(3, [], 2), view(3, [], 2), { answered })).toEqual([]);
	});

	it("predecessor-alive: a new predecessor has answered just now", () => {
		const livedLately = (): boolean => false;
		expect(local(view(3, [], 2), view(3, []), { livedLately })).toEqual(["predecessor-alive"]);
	});
});

describe("the rules of the ring", () => {
	it("accept an ideal ring, an appendage, and a member alone", () => {
		expect(ring(...ideal(1, 4, 8, 12))).toEqual([]);
		expect(ring(...ideal(1, 4, 8, 12), view(2, [4, 8]))).toEqual([]);
		expect(ring(view(1, []))).toEqual([]);
		// Who lives in another life is not whom an old pointer means, but the next one does.
		const restarted = ideal(1, 4, 8).map((node) =>
			node.name === "n4" ? { ...node, incarnation: 2 } : node,
		);
		expect(ring(...restarted)).toEqual([]);
	});

	it("live-successor: everybody has one that lives", () => {
		expect(ring(...ideal(1, 4, 8), view(2, [3, 5]))).toEqual(["live-successor"]);
		expect(ring(...ideal(1, 4, 8), view(2, []))).toEqual(["live-successor"]);
		const old = view(2, [], undefined, { successors: [at(4, 7)] });
		expect(ring(...ideal(1, 4, 8), old)).toEqual(["live-successor"]);
	});

	it("one-ring: there is one, and no more", () => {
		expect(ring(...ideal(1, 5, 9), ...ideal(2, 6, 10))).toEqual(["one-ring"]);
		expect(ring(view(1, []), view(2, []))).toContain("one-ring");
	});

	it("ordered-ring: it goes round once", () => {
		const loopy = [view(1, [9]), view(9, [4]), view(4, [12]), view(12, [1])];
		expect(ring(...loopy)).toEqual(["ordered-ring"]);
	});

	it("appendage: all who are not on the ring come to it", () => {
		expect(ring(...ideal(1, 4, 8), view(2, [3]), view(3, [4]))).toEqual([]);
		expect(ring(...ideal(1, 4, 8), view(2, [3]), view(3, [7]))).toEqual([
			"live-successor",
			"appendage",
		]);
	});

	it("principals: those whom no list passes over", () => {
		expect(principals(membersOf(ideal(1, 4, 8, 12)))).toBe(4);
		expect(principals(membersOf([...ideal(1, 4, 8, 12), view(2, [4, 8])]))).toBe(4);
		expect(principals(membersOf([...ideal(1, 4, 8, 12), view(14, [4, 8])]))).toBe(3);
	});
});

describe("the rules of a ring at rest", () => {
	const lists = (...views: View[]): string[] => rules(listFindings(membersOf(views), 2));

	it("accept an ideal ring", () => {
		expect(lists(...ideal(1, 4, 8, 12))).toEqual([]);
		expect(lists(view(1, []))).toEqual([]);
	});

	it("lists: they hold the next members, exactly", () => {
		const [first, ...others] = ideal(1, 4, 8, 12);
		expect(lists({ ...(first as View), successors: [at(4)] }, ...others)).toEqual(["lists"]);
		expect(lists({ ...(first as View), successors: [at(4), at(12)] }, ...others)).toEqual([
			"lists",
		]);
		expect(lists({ ...(first as View), successors: [at(4), at(8, 2)] }, ...others)).toEqual([
			"lists",
		]);
	});

	it("predecessor: it is the one before", () => {
		const [first, ...others] = ideal(1, 4, 8, 12);
		expect(lists({ ...(first as View), predecessor: at(8) }, ...others)).toEqual(["predecessor"]);
		expect(lists({ ...(first as View), predecessor: undefined }, ...others)).toEqual([
			"predecessor",
		]);
	});

	it("fingers: they are members, and no interval with members beyond the list is without one", () => {
		const views = ideal(1, 4, 8, 10, 12);
		const members = membersOf(views);
		const first = views[0] as View;
		// Its list names 4 and 8. From 1 + 8 on, 10 and 12 are in one interval; from 1 + 12 on there is nobody.
		expect(fingerFindings(members, first, [at(10)])).toEqual([]);
		expect(fingerFindings(members, first, [at(12), at(8)])).toEqual([]);
		expect(rules(fingerFindings(members, first, [at(8)]))).toEqual(["fingers"]);
		expect(rules(fingerFindings(members, first, [at(12), at(8, 2)]))).toEqual(["fingers"]);
		expect(rules(fingerFindings(members, first, [at(12), at(14)]))).toEqual(["fingers"]);
	});
});

describe("counting", () => {
	it("counts what lasts once, and what comes back again", () => {
		const violations = new Violations();
		const finding: Finding = { oracle: "ring", rule: "one-ring", node: "n1", detail: "" };
		violations.now("ring", [finding], 1);
		violations.now("ring", [finding], 2);
		violations.now("local n2", [], 3);
		expect(violations.count).toBe(1);
		violations.now("ring", [], 4);
		violations.now("ring", [finding], 5);
		expect(violations.count).toBe(2);
		expect(violations.first.map((violation) => violation.at)).toEqual([1, 5]);
	});

	it("counts on when it no longer keeps them in full", () => {
		const violations = new Violations();
		for (let i = 0; i < 60; i++) {
			violations.add({ oracle: "local", rule: "self", node: `n${i}`, detail: "" }, i);
		}
		expect(violations.count).toBe(60);
		expect(violations.byRule.get("local/self")).toBe(60);
		expect(violations.first).toHaveLength(50);
	});
});
