import { keyOf, type Pointer, type View } from "./oracles/view.ts";

/** What is known of each life of each node, by who sees everything. */
export class Registry {
	/** By life: when it was last a member, or Infinity while it is one. */
	readonly #until = new Map<string, number>();

	/** A node's state changed. */
	changed(now: View, before: View | undefined, at: number): void {
		if (before?.standing === "member" && (now.standing !== "member" || !sameLife(now, before))) {
			this.ended(before, at);
		}
		if (now.standing === "member") this.#until.set(keyOf(now), Infinity);
	}

	/** A member is one no longer. */
	ended(view: View, at: number): void {
		const key = keyOf(view);
		if (this.#until.get(key) === Infinity) this.#until.set(key, at);
	}

	wasMember(pointer: Pointer): boolean {
		return this.#until.has(keyOf(pointer));
	}

	/** When it was last a member: Infinity while it is one, undefined when it never was. */
	memberUntil(pointer: Pointer): number | undefined {
		return this.#until.get(keyOf(pointer));
	}
}

function sameLife(a: View, b: View): boolean {
	return a.incarnation === b.incarnation;
}
