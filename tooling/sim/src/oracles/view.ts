import type { LocalNode, RemoteNode, Standing } from "@cicada/chordlib";

/** Whom a pointer means: an id, and which life of it. */
export interface Pointer {
	readonly id: string;
	readonly incarnation: number;
}

/** What a node's state looks like from outside. */
export interface View {
	/** The name of its host. */
	readonly name: string;
	readonly id: string;
	readonly incarnation: number;
	readonly standing: Standing;
	readonly predecessor: Pointer | undefined;
	readonly successors: readonly Pointer[];
}

/** The same node in the same life. */
export function same(a: Pointer | undefined, b: Pointer | undefined): boolean {
	return a === b || (a !== undefined && a.id === b?.id && a.incarnation === b.incarnation);
}

/** A name for a pointer: one for each life of each node. */
export function keyOf({ id, incarnation }: Pointer): string {
	return `${id}/${incarnation}`;
}

/** Enough of an id to tell nodes apart by eye. */
export function short(pointer: Pointer | undefined): string {
	return pointer === undefined
		? "none"
		: `${pointer.id.slice(0, 6)}/${pointer.incarnation.toString(36).slice(-4)}`;
}

/** What chordlib hands out for another node, with the fields that oracles need. */
export function pointerOf(node: RemoteNode): Pointer {
	return node as RemoteNode & Pointer;
}

/** Reads a node's state; `before` is what it was, and is returned when nothing changed: then its pointers are the same objects. */
export function look(name: string, id: string, node: LocalNode, before: View | undefined): View {
	const { standing, incarnation } = node;
	const predecessor = node.predecessor && pointerOf(node.predecessor);
	const successors = node.successors as readonly (RemoteNode & Pointer)[];
	if (
		before !== undefined &&
		before.standing === standing &&
		before.incarnation === incarnation &&
		before.predecessor === predecessor &&
		before.successors === successors
	) {
		return before;
	}
	return { name, id, incarnation, standing, predecessor, successors };
}
