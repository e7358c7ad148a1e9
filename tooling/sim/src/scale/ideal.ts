import { ownerIndex } from "../oracles/order.ts";
import { Member } from "./member.ts";
import { Contact, type Id, fingerStart, idFromBytes, nearestFirst } from "./parts.ts";
import type { World } from "./world.ts";

/** A node that has never been here, at an address of its own. */
export function newcomer(world: World, number: number): Contact {
	const host = `10.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
	return new Contact(idFromBytes(world.random.bytes(32)), { host, port: 7_000 }, number + 1);
}

/** How many nodes a finger is chosen among, and how many are kept: as in chordlib's fingers. */
const CANDIDATES = 16;
const KEPT = 3;

/** Gives a member its neighbours. */
type Begin = (member: Member, predecessor: Contact, successors: readonly Contact[]) => void;

/** It looks after its pointers from now on, as in a ring at rest. */
export const atRest: Begin = ({ ring }, predecessor, successors) => {
	ring.begin(predecessor, successors);
};

/** It has its pointers, and looks after them only when it finds that one is dead. */
export const still: Begin = ({ ring: { state } }, predecessor, [first, ...others]) => {
	if (first !== undefined) state.enter(predecessor, first, others);
	state.standing = "member";
};

/** Makes a ring of so many members, in which every pointer is as it would become: lists, predecessors, fingers. */
export function makeRing(world: World, count: number, successors: number, begin: Begin): void {
	const contacts = Array.from({ length: count }, (_, number) => newcomer(world, number));
	contacts.sort((a, b) => (a.id < b.id ? -1 : 1));
	const ids: readonly Id[] = contacts.map(({ id }) => id);
	const length = Math.min(successors, count - 1);
	const placed: Member[] = [];
	for (const [place, self] of contacts.entries()) {
		const member = new Member(world, self, successors);
		const next = Array.from(
			{ length },
			(_, step) => contacts[(place + 1 + step) % count] as Contact,
		);
		begin(member, contacts.at(place - 1) as Contact, next);
		placed.push(member);
	}
	for (const member of placed) {
		const { state } = member.ring;
		for (const number of state.distantFingers) {
			const first = ownerIndex(ids, fingerStart(state.self.id, number));
			const around = Array.from(
				{ length: Math.min(CANDIDATES, count) },
				(_, step) => contacts[(first + step) % count] as Contact,
			);
			const [known, ...others] = state.ofFinger(number, around);
			if (known === undefined) continue;
			const nodes = nearestFirst(
				known,
				[known, ...others],
				({ id }) => member.roundTrip(id)?.smoothed,
			);
			state.setFinger(number, nodes.slice(0, KEPT));
		}
		member.keep(state.neighbours);
	}
}
