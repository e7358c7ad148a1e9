import { TraversalError } from "./errors.ts";

/** An element. Names are without their namespace's prefix; attributes are not kept. */
export interface Element {
	readonly name: string;
	readonly children: readonly Element[];
	/** Its own text, without that of its children. */
	readonly text: string;
}

/** How deep elements may lie in each other. */
const DEPTH = 16;

const ENTITIES: Readonly<Record<string, string>> = {
	amp: "&",
	apos: "'",
	gt: ">",
	lt: "<",
	quot: '"',
};

const fail = (what: string): never => {
	throw new TraversalError("MALFORMED", `not the XML that UPnP allows: ${what}`);
};

const unescape = (text: string): string =>
	text.replaceAll(/&(#x?)?([^;&]{0,8});?/g, (whole, numeric: string | undefined, name: string) => {
		if (!whole.endsWith(";")) return fail("an & that begins no entity");
		if (numeric === undefined) {
			return (
				(Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined) ?? fail(`the entity &${name};`)
			);
		}
		const digits = numeric === "#x" ? /^[\da-f]{1,6}$/i : /^\d{1,7}$/;
		const point = digits.test(name) ? Number.parseInt(name, numeric === "#x" ? 16 : 10) : Infinity;
		if (point === 0 || point > 0x10_ff_ff) fail(`the character ${whole}`);
		return String.fromCodePoint(point);
	});

/** A start tag's name, and attributes that are well formed. */
const TAG = /^([\w.-]+:)?([\w.-]+)(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*$/;

/**
 * Reads the little of XML that UPnP is made of. Declarations of types and of entities are refused, and so
 * is what lies deeper than 16 elements; it takes time in proportion to the text.
 *
 * @throws TraversalError `MALFORMED`
 */
export function parseXml(text: string): Element {
	interface Open {
		readonly name: string;
		readonly tag: string;
		readonly children: Element[];
		text: string;
	}
	const document: Open = { name: "", tag: "", children: [], text: "" };
	const open: Open[] = [document];
	let at = text.startsWith("\uFEFF") ? 1 : 0;
	const until = (mark: string, from: number): number => {
		const found = text.indexOf(mark, from);
		return found < 0 ? fail(`something ends without ${mark}`) : found;
	};
	while (at < text.length) {
		const inner = open.at(-1) ?? document;
		const next = text.indexOf("<", at);
		inner.text += unescape(text.slice(at, next < 0 ? text.length : next));
		if (next < 0) break;
		if (text.startsWith("<!--", next)) {
			at = until("-->", next + 4) + 3;
		} else if (text.startsWith("<![CDATA[", next)) {
			const end = until("]]>", next + 9);
			inner.text += text.slice(next + 9, end);
			at = end + 3;
		} else if (text.startsWith("<?", next)) {
			at = until("?>", next + 2) + 2;
		} else if (text.startsWith("<!", next)) {
			fail("a declaration");
		} else if (text.startsWith("</", next)) {
			const end = until(">", next + 2);
			if (open.length === 1 || text.slice(next + 2, end).trimEnd() !== inner.tag) {
				fail("an end without its beginning");
			}
			open.pop();
			open.at(-1)?.children.push(inner);
			at = end + 1;
		} else {
			const end = until(">", next + 1);
			const empty = text[end - 1] === "/";
			const inside = text.slice(next + 1, empty ? end - 1 : end);
			const [, prefix = "", name] = TAG.exec(inside) ?? fail("a tag");
			if (name === undefined) return fail("a tag");
			if (open.length > DEPTH) fail(`more than ${DEPTH} elements in each other`);
			const element: Open = { name, tag: prefix + name, children: [], text: "" };
			if (empty) inner.children.push(element);
			else open.push(element);
			at = end + 1;
		}
	}
	const [root] = document.children;
	if (open.length > 1) return fail("an element does not end");
	if (root === undefined || document.children.length > 1 || document.text.trim() !== "") {
		return fail("it is not one element");
	}
	return root;
}

/** The element that a path of names leads to: at each step, the first of that name. */
export function find(element: Element, ...path: readonly string[]): Element | undefined {
	let found: Element | undefined = element;
	for (const name of path) found = found?.children.find((child) => child.name === name);
	return found;
}

/** The text at a path, without the space around it; empty where there is none. */
export function textAt(element: Element, ...path: readonly string[]): string {
	return find(element, ...path)?.text.trim() ?? "";
}

/** A text as XML holds it. */
export function escapeXml(text: string): string {
	return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
