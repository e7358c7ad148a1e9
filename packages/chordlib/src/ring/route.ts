import type { Connection } from "../connection.ts";
import type { Contact } from "../contact.ts";
import { type Id, between, inArc } from "../id.ts";
import type { Envelope } from "./messages.ts";
import type { RingState } from "./state.ts";

/** Where a routed message goes from here: to this node's handler, over a link, or nowhere. */
export type Hop =
	| { readonly kind: "here" }
	| { readonly kind: "link"; readonly link: Connection; readonly last: boolean }
	/** Over a link to the target, a successor, that is to be opened first. */
	| { readonly kind: "open"; readonly contact: Contact }
	| { readonly kind: "none" };

/** The links that a routed message may take. */
export interface Links {
	get(id: Id): Connection | undefined;
	values(): IterableIterator<Connection>;
}

/** A leaf relays nothing: what is not for it goes to one of those that it is attached to. */
function fromLeaf(state: RingState, links: Links): Hop {
	for (const member of state.attachedTo) {
		const link = links.get(member.id);
		if (link !== undefined) return { kind: "link", link, last: false };
	}
	return { kind: "none" };
}

/**
 * The next hop towards the owner of `target`, over links that are open: to the target itself where there is a
 * link; else the one that comes nearest to it clockwise; at the end the owner. `last` is as in a lookup. Who `opens`
 * links hands what is for one of its successors straight to that, so that fewer others have to be relied on.
 */
export function nextHop(
	state: RingState,
	links: Links,
	{ target, last }: Pick<Envelope, "target" | "last">,
	opens: boolean,
): Hop {
	const { self, predecessor, successor } = state;
	if (target === self.id) return { kind: "here" };
	const direct = linkTo(links, target);
	if (direct !== undefined) return { kind: "link", link: direct, last: true };
	if (state.standing === "leaf") return fromLeaf(state, links);
	if (successor === undefined) return { kind: "here" };
	if (predecessor !== undefined && inArc(predecessor.id, target, self.id)) return { kind: "here" };
	if (last) return predecessor === undefined ? { kind: "here" } : over(links, predecessor, true);
	if (inArc(self.id, target, successor.id)) return over(links, successor, true);
	const known = opens ? state.successors.find(({ id }) => id === target) : undefined;
	if (known !== undefined) return { kind: "open", contact: known };
	let best: Connection | undefined;
	for (const link of links.values()) {
		if (link.standing !== "member" || link.contact === undefined) continue;
		const lower = best?.contact?.id ?? self.id;
		if (between(lower, link.contact.id, target)) best = link;
	}
	return best === undefined
		? over(links, successor, false)
		: { kind: "link", link: best, last: false };
}

function linkTo(links: Links, id: Id): Connection | undefined {
	const link = links.get(id);
	const reachable = link?.standing === "member" || link?.contact?.dialable === false;
	return reachable ? link : undefined;
}

function over(links: Links, contact: Contact, last: boolean): Hop {
	const link = links.get(contact.id);
	return link === undefined ? { kind: "none" } : { kind: "link", link, last };
}
