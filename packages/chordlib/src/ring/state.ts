import type { Contact } from "../contact.ts";
import { type Id, between, fingerStart, inArc } from "../id.ts";

/** Where a node stands: not in a ring, on its way into one, or a member. */
export type Standing = "outside" | "joining" | "member";

/**
 * Those of `candidates` that follow `self` in clockwise order, up to the first that does not, at most `length`:
 * a successor list, out of a list that another node gave.
 */
export function fit(self: Id, candidates: readonly Contact[], length: number): Contact[] {
	const kept: Contact[] = [];
	let last = self;
	for (const candidate of candidates) {
		if (kept.length === length || !between(last, candidate.id, self)) break;
		kept.push(candidate);
		last = candidate.id;
	}
	return kept;
}

/** Everything that a member knows of its ring. */
export class RingState {
	/** This node; another incarnation of it after it has left a ring. */
	self: Contact;
	/** Longest successor list. */
	readonly length: number;
	standing: Standing = "outside";
	predecessor: Contact | undefined;
	/** Clockwise from here; empty when alone. The first has answered this node itself. */
	successors: readonly Contact[] = [];
	/** Finger `i` points to the owner of id + 2^i; only those that start beyond the successor list. */
	readonly fingers: Map<number, Contact> = new Map();

	constructor(self: Contact, length: number) {
		this.self = self;
		this.length = length;
	}

	get successor(): Contact | undefined {
		return this.successors[0];
	}

	/** Every node that it points to, once. */
	contacts(): Map<Id, Contact> {
		const all = new Map<Id, Contact>();
		for (const contact of this.successors) all.set(contact.id, contact);
		for (const contact of this.fingers.values()) all.set(contact.id, contact);
		if (this.predecessor !== undefined) all.set(this.predecessor.id, this.predecessor);
		return all;
	}

	/** Those to whom links are kept open: the neighbours and the fingers. */
	neighbours(): Map<Id, Contact> {
		const all = this.fingerContacts();
		if (this.successor !== undefined) all.set(this.successor.id, this.successor);
		if (this.predecessor !== undefined) all.set(this.predecessor.id, this.predecessor);
		return all;
	}

	/** Those to whom fingers point, but for the first successor. */
	fingerContacts(): Map<Id, Contact> {
		const all = new Map<Id, Contact>();
		for (const contact of this.#nearFingers()) all.set(contact.id, contact);
		for (const contact of this.fingers.values()) all.set(contact.id, contact);
		if (this.successor !== undefined) all.delete(this.successor.id);
		return all;
	}

	/** Forgets every pointer to a node in that life of it. */
	remove(gone: Contact): void {
		this.successors = this.successors.filter((contact) => !contact.same(gone));
		if (this.predecessor?.same(gone)) this.predecessor = undefined;
		for (const [exponent, contact] of this.fingers) {
			if (contact.same(gone)) this.fingers.delete(exponent);
		}
	}

	/** Forgets the ring. */
	clear(): void {
		this.predecessor = undefined;
		this.successors = [];
		this.fingers.clear();
	}

	/** The successor that owns `id` as far as the list tells, and those after it. */
	ownersOf(id: Id): readonly Contact[] {
		const index = this.successors.findIndex((contact) => inArc(this.self.id, id, contact.id));
		return index < 0 ? [] : this.successors.slice(index);
	}

	/** The exponents of the fingers that start beyond the successor list, largest first: these take a lookup. */
	distantFingers(): number[] {
		const exponents: number[] = [];
		if (this.successor === undefined) return exponents;
		for (let exponent = 255; exponent >= 0; exponent--) {
			if (this.ownersOf(fingerStart(this.self.id, exponent)).length > 0) break;
			exponents.push(exponent);
		}
		return exponents;
	}

	/** The fingers that start within the successor list, but for those that are the first successor. */
	#nearFingers(): Set<Contact> {
		const near = new Set<Contact>();
		for (let exponent = 255 - this.distantFingers().length; exponent >= 0; exponent--) {
			const [owner] = this.ownersOf(fingerStart(this.self.id, exponent));
			if (owner === undefined || owner === this.successor) break;
			near.add(owner);
		}
		return near;
	}
}

/** One step towards the owner of an id: it is here, or one of `next` knows more. */
export type Step =
	| { readonly mine: true }
	| { readonly mine: false; readonly last: boolean; readonly next: readonly Contact[] };

/** How many nodes are tried for one step. */
const ALTERNATIVES = 3;

/**
 * Where to look for the owner of `id`. With `last`, the asker takes this node for the owner: it is, unless
 * somebody stands between, who is then its predecessor or before that.
 */
export function step(state: RingState, id: Id, last: boolean): Step {
	const { self, predecessor, successor } = state;
	if (id === self.id || successor === undefined) return { mine: true };
	if (predecessor !== undefined && inArc(predecessor.id, id, self.id)) return { mine: true };
	if (last) {
		return predecessor === undefined
			? { mine: true }
			: { mine: false, last: true, next: [predecessor] };
	}
	const owners = state.ownersOf(id);
	if (owners.length > 0) return { mine: false, last: true, next: owners.slice(0, ALTERNATIVES) };
	return { mine: false, last: false, next: closestBefore(self.id, id, state.contacts().values()) };
}

/** Those of `contacts` that lie strictly between `self` and `id`, the nearest to `id` first. */
export function closestBefore(self: Id, id: Id, contacts: Iterable<Contact>): Contact[] {
	const before = [...contacts].filter((contact) => between(self, contact.id, id));
	before.sort((a, b) => (between(a.id, b.id, id) ? 1 : -1));
	return before.slice(0, ALTERNATIVES);
}
