import { strictlyBetween } from "./order.ts";
import { type Pointer, type View, short } from "./view.ts";
import type { Finding } from "./violation.ts";

/** The members that live, by id, in the order of their ids. */
export type Members = ReadonlyMap<string, View>;

/** The members that live, in the order of their ids. */
export function membersOf(views: Iterable<View>): Map<string, View> {
	const members = [...views].filter(({ standing }) => standing === "member");
	members.sort((a, b) => (a.id < b.id ? -1 : 1));
	return new Map(members.map((view) => [view.id, view]));
}

/** Whom a pointer points to, if that life of it is a member. */
export function memberAt(members: Members, { id, incarnation }: Pointer): View | undefined {
	const member = members.get(id);
	return member?.incarnation === incarnation ? member : undefined;
}

/**
 * The rules of the ring as a whole: each member has a live successor; along the best (first live) successors
 * there is one cycle, in order, once round; and all who are not on it come to it.
 */
export function ringFindings(members: Members): readonly Finding[] {
	const findings: Finding[] = [];
	const found = (rule: string, node: string, detail: string): void => {
		findings.push({ oracle: "ring", rule, node, detail });
	};
	// Alone, a member needs nobody.
	if (members.size < 2 || isWhole(members)) return findings;
	const next = new Map<View, View>();
	for (const view of members.values()) {
		const best = bestSuccessor(view, members);
		if (best !== undefined) next.set(view, best);
		else if (view.successors.length === 0) found("live-successor", view.name, "it has none");
		else found("live-successor", view.name, `all are dead: ${names(view.successors)}`);
	}
	const cycles = cyclesOf(next);
	if (cycles.length === 0) found("one-ring", "", "there is no ring");
	if (cycles.length > 1) {
		const sizes = cycles.map((cycle) => cycle.map(({ name }) => name).join(">"));
		found("one-ring", cycles[1]?.[0]?.name ?? "", `${cycles.length} rings: ${sizes.join(" and ")}`);
	}
	for (const cycle of cycles) {
		const [start] = cycle;
		if (start !== undefined && !goesRoundOnce(cycle)) {
			found("ordered-ring", start.name, cycle.map((view) => short(view)).join(" "));
		}
	}
	const reaching = new Set(cycles.flat());
	for (const view of members.values()) {
		if (next.has(view) && !reaches(view, next, reaching)) {
			found("appendage", view.name, "it comes to no ring");
		}
	}
	return findings;
}

/**
 * Whoever comes in does so at its own place: between its predecessor and its first successor lies nobody else who is
 * on the ring already. Who is skipped so would be no principal any more.
 */
export function entryFindings(before: Members, now: View): readonly Finding[] {
	const { name, predecessor } = now;
	const [first] = now.successors;
	if (predecessor === undefined || first === undefined) return [];
	const next = new Map<View, View>();
	for (const view of before.values()) {
		const best = bestSuccessor(view, before);
		if (best !== undefined) next.set(view, best);
	}
	const skipped = cyclesOf(next)
		.flat()
		.filter(({ id }) => id !== now.id && strictlyBetween(predecessor.id, id, first.id));
	if (skipped.length === 0) return [];
	const detail = `it came in between ${short(predecessor)} and ${short(first)}, past ${names(skipped)}`;
	return [{ oracle: "ring", rule: "entered", node: name, detail }];
}

/** Whether the best successor of each is the next, as it mostly is: then no rule is broken. */
function isWhole(members: Members): boolean {
	let before: View | undefined;
	for (const view of members.values()) {
		if (before !== undefined && bestSuccessor(before, members) !== view) return false;
		before = view;
	}
	const [first] = members.values();
	return before !== undefined && bestSuccessor(before, members) === first;
}

/** The first in its list that lives. */
function bestSuccessor(view: View, members: Members): View | undefined {
	for (const pointer of view.successors) {
		const member = memberAt(members, pointer);
		if (member !== undefined) return member;
	}
	return undefined;
}

function cyclesOf(next: ReadonlyMap<View, View>): View[][] {
	const cycles: View[][] = [];
	const walkOf = new Map<View, number>();
	let walk = 0;
	for (const start of next.keys()) {
		walk++;
		let at: View | undefined = start;
		while (at !== undefined && !walkOf.has(at)) {
			walkOf.set(at, walk);
			at = next.get(at);
		}
		if (at === undefined || walkOf.get(at) !== walk) continue;
		const cycle: View[] = [];
		for (let view: View = at; ; view = next.get(view) as View) {
			if (view === at && cycle.length > 0) break;
			cycle.push(view);
		}
		cycles.push(cycle);
	}
	return cycles;
}

/** A cycle is in order when it passes zero once. */
function goesRoundOnce(cycle: readonly View[]): boolean {
	const steps = cycle.map((view, index) => [view, cycle[(index + 1) % cycle.length] as View]);
	return steps.filter(([from, to]) => (to as View).id <= (from as View).id).length === 1;
}

function reaches(view: View, next: ReadonlyMap<View, View>, reaching: Set<View>): boolean {
	const path: View[] = [];
	const seen = new Set<View>();
	for (let at: View | undefined = view; at !== undefined && !seen.has(at); at = next.get(at)) {
		if (reaching.has(at)) {
			for (const passed of path) reaching.add(passed);
			return true;
		}
		seen.add(at);
		path.push(at);
	}
	return false;
}

/**
 * How many members are principals: no member's list, begun with itself, goes past them. The proof wants more than
 * a list's length of them; that there are is reported, not demanded.
 */
export function principals(members: Members): number {
	const views = [...members.values()];
	const skipped = new Set<View>();
	const ids = views.map(({ id }) => id);
	for (const [place, view] of views.entries()) {
		let last = view.id;
		let index = place;
		for (const { id } of view.successors) {
			index = (index + 1) % views.length;
			// Mostly it points to the next one.
			if (ids[index] !== id) {
				index = firstAfter(ids, last);
				for (let seen = 0; seen < views.length; seen++) {
					const between = views[index] as View;
					if (!strictlyBetween(last, between.id, id)) break;
					skipped.add(between);
					index = (index + 1) % views.length;
				}
			}
			last = id;
		}
	}
	return views.length - skipped.size;
}

function firstAfter(ids: readonly string[], id: string): number {
	let low = 0;
	let high = ids.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((ids[middle] as string) <= id) low = middle + 1;
		else high = middle;
	}
	return low === ids.length ? 0 : low;
}

function names(pointers: readonly Pointer[]): string {
	return pointers.map((pointer) => short(pointer)).join(" ");
}
