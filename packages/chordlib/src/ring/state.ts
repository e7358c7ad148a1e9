import type { Contact } from "../contact.ts";
import { FINGERS, type Id, between, fingerStart, inArc } from "../id.ts";

/** Where a node stands: not in a ring, on its way into one, a member, or a leaf that is attached to members. */
export type Standing = "outside" | "joining" | "member" | "leaf";

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

/** A node's neighbours. */
export interface Pointers {
	readonly predecessor: Contact | undefined;
	readonly successors: readonly Contact[];
}

/** Everything that a member knows of its ring. */
export class RingState implements Pointers {
	/** This node; another incarnation of it after it has left a ring. */
	self: Contact;
	/** Longest successor list. */
	readonly length: number;
	standing: Standing = "outside";
	/** While it is joining: the nodes that it joins through. */
	joinsThrough: readonly Contact[] = [];
	/** Of a leaf: the members that it holds links to. */
	attachedTo: readonly Contact[] = [];
	/**
	 * From when on, by the clock, it may be the first of a ring that others make with it. Who has just left a ring, or
	 * failed to join one, is still taken for its member by some: they would make a second ring.
	 */
	firstFrom = 0;
	readonly #fingers = new Map<number, readonly Contact[]>();
	/** Every node that it points to, those to whom fingers do, and those to whom links are kept, until that changes. */
	#contacts: readonly Contact[] | undefined;
	#fingerContacts: readonly Contact[] | undefined;
	#neighbours: ReadonlyMap<Id, Contact> | undefined;
	/** Told of every change of the neighbours, with what they were before. */
	readonly #changed: (before: Pointers) => void;
	#predecessor: Contact | undefined;
	#successors: readonly Contact[] = [];
	/** What follows from the successor list about fingers, until that changes. */
	#starts: { readonly distant: readonly number[]; readonly near: ReadonlySet<Contact> } | undefined;

	constructor(self: Contact, length: number, changed: (before: Pointers) => void) {
		this.self = self;
		this.length = length;
		this.#changed = changed;
	}

	/** The node before this one, which has answered it; `undefined` while it is not known. */
	get predecessor(): Contact | undefined {
		return this.#predecessor;
	}

	set predecessor(now: Contact | undefined) {
		this.#set({ predecessor: now, successors: this.#successors });
	}

	/** Clockwise from here; empty when alone. The first has answered this node itself. */
	get successors(): readonly Contact[] {
		return this.#successors;
	}

	get successor(): Contact | undefined {
		return this.#successors[0];
	}

	/** `successor`, which has answered, and after it those that it named. */
	adopt(successor: Contact, named: readonly Contact[]): void {
		const successors = fit(this.self.id, [successor, ...named], this.length);
		this.#set({ predecessor: this.#predecessor, successors });
	}

	/** The same, and who is before this node: the pointers that a joiner starts with. */
	enter(predecessor: Contact, successor: Contact, named: readonly Contact[]): void {
		const successors = fit(this.self.id, [successor, ...named], this.length);
		this.#set({ predecessor, successors });
	}

	/** No successor is left. */
	dropSuccessors(): void {
		this.#set({ predecessor: this.#predecessor, successors: [] });
	}

	#set(now: Pointers): void {
		const before: Pointers = { predecessor: this.#predecessor, successors: this.#successors };
		if (samePointers(before, now)) return;
		this.#predecessor = now.predecessor;
		// It is given out as it is.
		this.#successors = Object.freeze(now.successors);
		this.#starts = undefined;
		this.#outdate();
		this.#changed(before);
	}

	/**
	 * Fingers that reach beyond the successor list, by their numbers: nodes of the finger's interval. The first is the
	 * finger, and a link to it is kept; the others take its place when it is gone.
	 */
	get fingers(): ReadonlyMap<number, readonly Contact[]> {
		return this.#fingers;
	}

	/** Points a finger to other nodes, or to none. */
	setFinger(number: number, nodes: readonly Contact[]): void {
		const before = this.#fingers.get(number) ?? [];
		if (sameContacts(before, nodes)) return;
		this.#outdate();
		if (nodes.length === 0) this.#fingers.delete(number);
		else this.#fingers.set(number, nodes);
	}

	#outdate(): void {
		this.#contacts = this.#fingerContacts = this.#neighbours = undefined;
	}

	/** Whether `id` is in the arc of this node, as far as it knows. */
	owns(id: Id): boolean {
		if (this.standing !== "member") return false;
		const { predecessor } = this;
		if (predecessor === undefined) return this.successor === undefined;
		return inArc(predecessor.id, id, this.self.id);
	}

	/** Every node that it points to, once, clockwise from here. */
	get contacts(): readonly Contact[] {
		this.#contacts ??= this.#sortContacts();
		return this.#contacts;
	}

	#sortContacts(): readonly Contact[] {
		const all = new Map<Id, Contact>();
		for (const contact of this.successors) all.set(contact.id, contact);
		for (const finger of this.fingers.values()) {
			for (const contact of finger) all.set(contact.id, contact);
		}
		if (this.predecessor !== undefined) all.set(this.predecessor.id, this.predecessor);
		const { id } = this.self;
		return [...all.values()].toSorted((a, b) => (between(id, a.id, b.id) ? -1 : 1));
	}

	/** Those to whom links are kept open: the neighbours and the fingers. */
	get neighbours(): ReadonlyMap<Id, Contact> {
		if (this.#neighbours !== undefined) return this.#neighbours;
		const all = new Map(this.fingerContacts.map((contact) => [contact.id, contact]));
		if (this.successor !== undefined) all.set(this.successor.id, this.successor);
		if (this.predecessor !== undefined) all.set(this.predecessor.id, this.predecessor);
		this.#neighbours = all;
		return all;
	}

	/** Those to whom fingers point, each once, but for the first successor. Frozen: after a change it is another array. */
	get fingerContacts(): readonly Contact[] {
		this.#fingerContacts ??= Object.freeze(this.#findFingerContacts());
		return this.#fingerContacts;
	}

	#findFingerContacts(): Contact[] {
		const all = new Map<Id, Contact>();
		for (const contact of this.#fingerStarts().near) all.set(contact.id, contact);
		for (const [contact] of this.fingers.values()) if (contact) all.set(contact.id, contact);
		if (this.successor !== undefined) all.delete(this.successor.id);
		return [...all.values()];
	}

	/**
	 * Forgets the pointers to a node in that life of it, but for the first successor: that one stays until another
	 * has answered in its place.
	 */
	forget(gone: Contact): void {
		for (const [number, finger] of this.fingers) {
			const left = finger.filter((contact) => !contact.same(gone));
			if (left.length < finger.length) this.setFinger(number, left);
		}
		this.#set({
			predecessor: this.#predecessor?.same(gone) ? undefined : this.#predecessor,
			successors: this.#successors.filter((contact, i) => i === 0 || !contact.same(gone)),
		});
	}

	/** Forgets the ring. */
	clear(): void {
		this.#fingers.clear();
		this.#outdate();
		this.#set({ predecessor: undefined, successors: [] });
	}

	/** The successor that owns `id` as far as the list tells, and those after it. */
	ownersOf(id: Id): readonly Contact[] {
		const index = this.successors.findIndex((contact) => inArc(this.self.id, id, contact.id));
		return index < 0 ? [] : this.successors.slice(index);
	}

	/** The numbers of the fingers whose intervals reach beyond the successor list, farthest first. */
	get distantFingers(): readonly number[] {
		return this.#fingerStarts().distant;
	}

	/** Those of `candidates` that lie in the interval of a finger. */
	ofFinger(number: number, candidates: readonly Contact[]): Contact[] {
		const { id } = this.self;
		const start = fingerStart(id, number);
		const end = number + 1 === FINGERS ? id : fingerStart(id, number + 1);
		return candidates.filter((contact) => contact.id === start || between(start, contact.id, end));
	}

	#fingerStarts(): { readonly distant: readonly number[]; readonly near: ReadonlySet<Contact> } {
		this.#starts ??= this.#sortFingers();
		return this.#starts;
	}

	#sortFingers(): { readonly distant: readonly number[]; readonly near: ReadonlySet<Contact> } {
		const distant: number[] = [];
		/** Owners of id + 2^i within the successor list, but for the first successor. */
		const near = new Set<Contact>();
		// A list that is not full names the whole ring.
		let beyond = this.#successors.length === this.length;
		for (let number = FINGERS - 1; number >= 0 && this.successor !== undefined; number--) {
			if (beyond) distant.push(number);
			const start = fingerStart(this.self.id, number);
			const owner = this.#successors.find(({ id }) => inArc(this.self.id, start, id));
			if (owner === this.successor) break;
			beyond &&= owner === undefined;
			if (owner !== undefined && number % 2 === 0) near.add(owner);
		}
		return { distant, near };
	}
}

function samePointers(a: Pointers, b: Pointers): boolean {
	const same =
		a.predecessor === undefined ? b.predecessor === undefined : a.predecessor.same(b.predecessor);
	return same && sameContacts(a.successors, b.successors);
}

function sameContacts(a: readonly Contact[], b: readonly Contact[]): boolean {
	return a.length === b.length && a.every((contact, index) => contact.same(b[index]));
}
