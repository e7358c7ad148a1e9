import { keyBeyond, ownerIndex } from "./order.ts";
import type { Members } from "./ring.ts";
import { type Pointer, type View, same, short } from "./view.ts";
import type { Finding } from "./violation.ts";

/**
 * What is still wrong in a ring that had time to come to rest: each list holds exactly the next members, and each
 * predecessor is the one before.
 */
export function listFindings(members: Members, length: number): readonly Finding[] {
	const findings: Finding[] = [];
	const views = [...members.values()];
	for (const [index, view] of views.entries()) {
		const count = Math.min(length, views.length - 1);
		const exact = Array.from(
			{ length: count },
			(_, step) => views[(index + 1 + step) % views.length] as View,
		);
		const { name, successors } = view;
		const right =
			successors.length === count &&
			successors.every((pointer, step) => same(pointer, exact[step]));
		if (!right) {
			const detail = `${shorts(successors)} should be ${shorts(exact)}`;
			findings.push({ oracle: "liveness", rule: "lists", node: name, detail });
		}
		const before = views.length < 2 ? undefined : views.at(index - 1);
		if (!same(view.predecessor, before)) {
			const detail = `${short(view.predecessor)} should be ${short(before)}`;
			findings.push({ oracle: "liveness", rule: "predecessor", node: name, detail });
		}
	}
	return findings;
}

/** What a node's fingers should be, as chordlib tells of them: the owners of all id + 2^i, without its first successor. */
function exactFingers(members: Members, view: View): readonly View[] {
	const views = [...members.values()];
	const ids = views.map(({ id }) => id);
	const fingers = new Set<View>();
	const self = views.findIndex(({ id }) => id === view.id);
	const successor = views[(self + 1) % views.length];
	for (let exponent = 255; exponent >= 0; exponent--) {
		const owner = views[ownerIndex(ids, keyBeyond(view.id, exponent))] as View;
		// The keys of all that follow are nearer still.
		if (owner === successor) break;
		if (owner.id !== view.id) fingers.add(owner);
	}
	return [...fingers];
}

/** What is wrong with a node's fingers. */
export function fingerFindings(
	members: Members,
	view: View,
	fingers: readonly Pointer[],
): readonly Finding[] {
	const exact = exactFingers(members, view);
	const right =
		fingers.length === exact.length &&
		exact.every((finger) => fingers.some((pointer) => same(pointer, finger)));
	if (right) return [];
	const detail = `${shorts(fingers)} should be ${shorts(exact)}`;
	return [{ oracle: "liveness", rule: "fingers", node: view.name, detail }];
}

function shorts(pointers: readonly Pointer[]): string {
	return pointers.map((pointer) => short(pointer)).join(" ");
}
