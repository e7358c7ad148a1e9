import { expect, test } from "vitest";

import type { View } from "../src/oracles/view.ts";
import type { Report } from "../src/processes/report.ts";
import { Witness } from "../src/processes/witness.ts";

/** Nodes stand at 1, 2, … of 16 places, and are called so. */
const id = (place: number): string => place.toString(16).padEnd(64, "0");
const pointer = (place: number): { id: string; incarnation: number } => ({
	id: id(place),
	incarnation: 1,
});

/** What a member reports when its neighbours are others, to a witness. */
function member(
	witness: Witness,
	at: number,
	place: number,
	predecessor: number,
	...successors: number[]
): void {
	const view: View = {
		name: `n${place}`,
		...pointer(place),
		standing: "member",
		predecessor: pointer(predecessor),
		successors: successors.map(pointer),
	};
	const report = (told: Report): void => {
		witness.report(`n${place}`, told);
	};
	for (const peer of [...view.successors, pointer(predecessor)]) report({ kind: "met", at, peer });
	report({ kind: "claim", at, id: id(place), member: true, after: id(predecessor) });
	report({ kind: "state", at, view, fingers: [] });
}

/** Three members at 4, 8 and 12 that know each other from the start. */
function ring(): Witness {
	const witness = new Witness();
	member(witness, 0, 4, 12, 8, 12);
	member(witness, 0, 8, 4, 12, 4);
	member(witness, 0, 12, 8, 4, 8);
	return witness;
}

const rules = (witness: Witness): string[] => [...witness.judge().violations.byRule.keys()];

const lookup = (witness: Witness, asked: number, at: number, key: number, owner: number): void => {
	witness.report("n4", { kind: "lookup", at, asked, key: id(key), owner: id(owner) });
};

test("a ring in order breaks no rule, and its lists are what they should be", () => {
	const witness = ring();
	lookup(witness, 1_000, 1_010, 5, 8);
	expect(rules(witness)).toEqual([]);
	expect(witness.judge()).toMatchObject({ quiet: 1, lookups: { right: 1, wrong: 0 } });
	expect(witness.flaws(4).map(({ rule }) => rule)).toEqual(["membership"]);
});

test("an owner is wrong that did not own the key at any moment of the lookup", () => {
	const witness = ring();
	lookup(witness, 1_000, 1_010, 5, 12);
	expect(rules(witness)).toEqual(["local/owner"]);
	expect(witness.judge().lookups).toMatchObject({ right: 0, wrong: 1 });
});

test("who was killed before the question does not own a key any more; who was killed after it may be named", () => {
	const witness = ring();
	witness.killed("n8", 1_000, 1_001);
	lookup(witness, 900, 1_100, 5, 8);
	expect(witness.judge().lookups).toMatchObject({ right: 1, wrong: 0 });
	lookup(witness, 1_002, 1_100, 5, 8);
	expect(witness.judge().lookups).toMatchObject({ right: 1, wrong: 1 });
});

test("reports that come out of order are judged in the order of time", () => {
	const witness = ring();
	lookup(witness, 2_000, 2_010, 5, 6);
	member(witness, 1_000, 6, 4, 8, 12);
	expect(witness.judge().lookups).toMatchObject({ right: 1, wrong: 0 });
});

test("an answer is overtaken when somebody has come in before the owner, who does not know it yet", () => {
	const witness = ring();
	member(witness, 1_000, 6, 4, 8, 12);
	lookup(witness, 1_010, 1_020, 5, 8);
	expect(witness.judge().lookups).toMatchObject({ right: 0, overtaken: 1, wrong: 0 });
});

test("the rules of the ring are looked at where nothing changes for a while, and only there", () => {
	const witness = ring();
	// It goes past 8 and 12 for a moment, then for good.
	member(witness, 1_000, 4, 12, 4 + 1);
	member(witness, 1_100, 4, 12, 8, 12);
	lookup(witness, 5_000, 5_010, 5, 8);
	expect(rules(witness)).toEqual(["local/known"]);
	member(witness, 6_000, 4, 12, 4 + 1);
	lookup(witness, 7_000, 7_010, 5, 8);
	expect(rules(witness)).toContain("ring/live-successor");
});

test("a neighbour that never answered, and one that has long been dead, break the local rules", () => {
	const witness = ring();
	const state = ring().members().values().next().value as View;
	const view = { ...state, name: "n4", successors: [pointer(12)] };
	witness.killed("n12", 1_000, 1_000);
	member(witness, 2_000, 8, 4, 4);
	witness.report("n4", { kind: "state", at: 2_000, view, fingers: [] });
	expect(rules(witness)).toEqual([]);
	const late = ring();
	late.killed("n12", 1_000, 1_000);
	late.report("n4", { kind: "state", at: 20_000, view, fingers: [] });
	expect(rules(late)).toEqual(["local/successor-alive"]);
	late.report("n9", { kind: "state", at: 20_000, view: { ...view, name: "n9" }, fingers: [] });
	expect(rules(late)).toContain("local/successor-answered");
});

test("a death is healed when the last neighbour, and when the last list, has forgotten it", () => {
	const witness = ring();
	witness.killed("n8", 1_000, 1_005);
	member(witness, 1_300, 4, 12, 12);
	member(witness, 1_900, 12, 4, 4, 8);
	member(witness, 2_400, 12, 4, 4);
	expect(witness.judge()).toMatchObject({ closed: [900], forgotten: [1_400] });
});
