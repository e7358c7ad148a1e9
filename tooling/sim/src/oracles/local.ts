import { strictlyBetween } from "./order.ts";
import { type Pointer, type View, same, short } from "./view.ts";
import type { Finding } from "./violation.ts";

/** What the local rules need to know besides a node's state. */
export interface LocalFacts {
	/** The longest that a successor list may be. */
	readonly length: number;
	/** Whether this life of this node has ever been a member of a ring. */
	wasMember(pointer: Pointer): boolean;
	/**
	 * Whether it has answered the node whose state is checked. What can be seen of that from outside: since the node
	 * listens, a link between the two was opened, over which the other said who it is, in this life of it.
	 */
	answered(pointer: Pointer): boolean;
	/** Whether it is a member that nobody may take for dead: never so where answers may be late or lost. */
	lives(pointer: Pointer): boolean;
	/** Whether it lived so lately that an answer of it can just have arrived. */
	livedLately(pointer: Pointer): boolean;
}

/**
 * The rules that a node can keep by itself, whatever the network does.
 *
 * A neighbour that lives is given up only for a nearer one. Who becomes the first successor or the predecessor has answered, whether it was put there or moved up. When it has
 * answered tells its death: where no answer takes longer than is waited for, it was a member so lately. Only a
 * joiner's predecessor may have answered longer ago, since the joiner asks its successors after that.
 */
export function localFindings(
	now: View,
	before: View | undefined,
	facts: LocalFacts,
): readonly Finding[] {
	const findings: Finding[] = [];
	const found = (rule: string, detail: string): void => {
		findings.push({ oracle: "local", rule, node: now.name, detail });
	};
	const { id, successors, predecessor } = now;
	if (now.standing !== "member") {
		if (successors.length > 0 || predecessor !== undefined) {
			found("outside", `${now.standing}, with pointers: ${list(now)}`);
		}
		return findings;
	}
	if (successors.length > facts.length) found("length", `${successors.length} successors`);
	if (successors.some((pointer) => pointer.id === id)) found("self", list(now));
	if (predecessor?.id === id) found("self", "its own predecessor");
	if (new Set(successors.map((pointer) => pointer.id)).size < successors.length) {
		found("repeats", list(now));
	}
	if (!isClockwise(id, successors)) found("clockwise", list(now));
	for (const pointer of predecessor === undefined ? successors : [predecessor, ...successors]) {
		if (!facts.wasMember(pointer)) found("known", `${short(pointer)} was never a member`);
	}
	const joins = before?.standing !== "member";
	if (predecessor !== undefined && !same(predecessor, before?.predecessor)) {
		if (!facts.answered(predecessor)) {
			found("predecessor-answered", `${short(predecessor)} never answered`);
		} else if (!joins && !facts.livedLately(predecessor)) {
			found("predecessor-alive", `${short(predecessor)} was dead already`);
		}
	}
	const [first] = successors;
	const [former] = before?.successors ?? [];
	const previous = before?.predecessor;
	if (previous !== undefined && !isNearer(previous, predecessor, { id }) && facts.lives(previous)) {
		found("predecessor-kept", `${short(previous)} lives, now it is ${short(predecessor)}`);
	}
	if (former !== undefined && !isNearer({ id }, first, former) && facts.lives(former)) {
		found("successor-kept", `${short(former)} lives, now it is ${short(first)}`);
	}
	if (first !== undefined && !same(first, before?.successors[0])) {
		if (!facts.answered(first)) found("successor-answered", `${short(first)} never answered`);
		else if (!facts.livedLately(first)) {
			found("successor-alive", `${short(first)} was dead already`);
		}
	}
	return findings;
}

/** Whether `now` is one of two ends that was there, or lies between them. */
function isNearer(from: { id: string }, now: Pointer | undefined, to: { id: string }): boolean {
	if (now === undefined) return false;
	return now.id === from.id || now.id === to.id || strictlyBetween(from.id, now.id, to.id);
}

function isClockwise(id: string, successors: readonly Pointer[]): boolean {
	let last = id;
	for (const pointer of successors) {
		if (pointer.id !== last && pointer.id !== id && !strictlyBetween(last, pointer.id, id)) {
			return false;
		}
		last = pointer.id;
	}
	return true;
}

function list({ predecessor, successors }: View): string {
	return `${short(predecessor)} | ${successors.map((pointer) => short(pointer)).join(" ")}`;
}
