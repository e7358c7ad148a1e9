import type { RemotePeer } from "@cicada/swarmlib";

import type { Presence } from "./note.ts";

/** Somebody else in the chat. */
export interface Person {
	readonly peer: RemotePeer;
	/** What others see: their name, and where somebody else had that before, the beginning of their id. */
	readonly shown: string;
	readonly name: string;
	readonly channels: ReadonlySet<string>;
	/** What they said last of themselves. */
	readonly said: Pick<Presence, "run" | "changes">;
	/** When they were last heard of, by the clock; `undefined` once they are gone. */
	readonly heard: number | undefined;
}

/** People remembered, those who are gone included. */
const LIMIT = 1_000;

/**
 * Who is there. A name belongs to the peer from which it was first heard, also after that has gone: nobody else
 * is shown under it.
 */
export class People {
	readonly #own: string;
	/** By id, in the order in which they were first heard of. */
	readonly #people = new Map<string, Person>();

	constructor(own: string) {
		this.#own = own;
	}

	/** Those who are there. */
	get present(): Person[] {
		return [...this.#people.values()].filter(({ heard }) => heard !== undefined);
	}

	in(channel: string): Person[] {
		return this.present.filter(({ channels }) => channels.has(channel));
	}

	/** Somebody, there or gone. */
	get({ hash }: Pick<RemotePeer, "hash">): Person | undefined {
		return this.#people.get(hash.toString());
	}

	/** Somebody who is there, by the name shown. */
	named(shown: string): Person | undefined {
		return this.present.find((person) => person.shown === shown);
	}

	/**
	 * Takes what somebody says of themselves; `undefined` when they have said something newer, and when there are too many
	 * people to remember one more.
	 */
	meet(
		peer: RemotePeer,
		said: Presence,
		now: number,
	): { before: Person | undefined; now: Person } | undefined {
		const id = peer.hash.toString();
		const before = this.#people.get(id);
		if (before === undefined && !this.#makeRoom()) return undefined;
		if (before?.heard !== undefined && isOlder(said, before.said)) return undefined;
		const { name } = said;
		const shown = before?.name === name ? before.shown : this.#show(name, id);
		const channels = new Set(said.channels);
		const person: Person = { peer, name, shown, channels, said, heard: now };
		this.#people.set(id, person);
		return { before, now: person };
	}

	/** Notes that somebody is not there any more. */
	gone(person: Person): void {
		this.#people.set(person.peer.hash.toString(), {
			...person,
			channels: new Set(),
			heard: undefined,
		});
	}

	/** Forgets who has been gone the longest, where room is needed. */
	#makeRoom(): boolean {
		if (this.#people.size < LIMIT) return true;
		for (const [id, { heard }] of this.#people) {
			if (heard !== undefined) continue;
			this.#people.delete(id);
			return true;
		}
		return false;
	}

	#show(name: string, id: string): string {
		const taken = (shown: string): boolean =>
			shown === this.#own ||
			[...this.#people].some(([other, person]) => other !== id && person.shown === shown);
		if (!taken(name)) return name;
		let digits = 4;
		while (taken(`${name}~${id.slice(0, digits)}`)) digits++;
		return `${name}~${id.slice(0, digits)}`;
	}
}

/** What came later was said before. */
function isOlder(a: Person["said"], b: Person["said"]): boolean {
	return a.run === b.run && a.changes < b.changes;
}
