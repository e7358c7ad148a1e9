import { distance } from "./order.ts";
import { type Members, memberAt } from "./ring.ts";
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

/** In which interval a distance lies: there are two for each power of two, from 2^i on and from one and a half times that. */
function intervalOf(far: bigint): number {
	const power = far.toString(2).length - 1;
	return 2 * power + (2n * far >= 3n << BigInt(power) ? 1 : 0);
}

/**
 * What is wrong with a node's fingers: each must be a member, and each interval that has members beyond the successor
 * list must have a finger among them. Which of them that is depends on round trips.
 */
export function fingerFindings(
	members: Members,
	view: View,
	fingers: readonly Pointer[],
): readonly Finding[] {
	const found = (detail: string): readonly Finding[] => [
		{ oracle: "liveness", rule: "fingers", node: view.name, detail },
	];
	const strangers = fingers.filter((finger) => memberAt(members, finger) === undefined);
	if (strangers.length > 0) return found(`${shorts(strangers)} are not members`);
	const { successors } = view;
	// The first successor, which may be one of the fingers, is not told of as such.
	const pointers = [...fingers, ...successors.slice(0, 1)];
	const list = new Set(successors.map(({ id }) => id));
	const interval = ({ id }: Pointer): number => intervalOf(distance(view.id, id));
	const filled = new Set(pointers.map(interval));
	const missed = [...members.values()].filter(
		(member) => member.id !== view.id && !list.has(member.id) && !filled.has(interval(member)),
	);
	return missed.length === 0 ? [] : found(`${shorts(fingers)}, none where ${shorts(missed)} are`);
}

function shorts(pointers: readonly Pointer[]): string {
	return pointers.map((pointer) => short(pointer)).join(" ");
}
