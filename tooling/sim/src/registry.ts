import { strictlyBetween } from "./oracles/order.ts";
import { keyOf, type Pointer, type View } from "./oracles/view.ts";

/** What a node takes for its own, from a moment on: the keys after its predecessor; all while it knows none. */
interface Claim {
	readonly from: number;
	readonly member: boolean;
	readonly after: string | undefined;
}

/** How long what was once claimed may matter, in milliseconds: longer than any lookup takes. */
const CLAIMS = 30_000;

/** What is known of each life of each node, by who sees everything. */
export class Registry {
	/** By life: when it was last a member, or Infinity while it is one. */
	readonly #until = new Map<string, number>();
	/** By id: what it claimed, the oldest first. */
	readonly #claims = new Map<string, Claim[]>();

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

	/** From now on a node takes the keys after `after` for its own, or is no member any more. */
	claimed(id: string, member: boolean, after: string | undefined, at: number): void {
		const claims = this.#claims.get(id) ?? [];
		while (claims.length > 1 && (claims[1] as Claim).from < at - CLAIMS) claims.shift();
		claims.push({ from: at, member, after });
		this.#claims.set(id, claims);
	}

	/** Whether a node took a key for its own at some moment since then. */
	ownedSince(id: string, key: string, since: number): boolean {
		const claims = this.#claims.get(id) ?? [];
		return claims.some(({ member, after }, index) => {
			const until = claims[index + 1]?.from ?? Infinity;
			if (until < since || !member) return false;
			return after === undefined || key === id || strictlyBetween(after, key, id);
		});
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
