import { createHash } from "node:crypto";

import { printable } from "../printable.ts";

/** What the chat shows. Names and texts are as they came. */
export type Line =
	/** Somebody says something in a channel. */
	| { readonly kind: "said"; readonly channel: string; readonly who: string; readonly text: string }
	/** Somebody tells this user something, or is told it by them. */
	| { readonly kind: "told"; readonly who: string; readonly text: string }
	| { readonly kind: "telling"; readonly who: string; readonly text: string }
	/** Something happened, or was asked. */
	| { readonly kind: "notice"; readonly text: string }
	/** Something did not work out. */
	| { readonly kind: "trouble"; readonly text: string };

const NAME_COLOURS = [31, 32, 33, 34, 35, 36] as const;

/** A line as it is written: safe to show, and coloured where wanted. */
export function written(line: Line, colours: boolean): string {
	const paint = (code: number, text: string): string =>
		colours ? `\u001b[${code}m${printable(text)}\u001b[0m` : printable(text);
	switch (line.kind) {
		case "said":
			return `${paint(2, line.channel)} ${paint(colourOf(line.who), `<${line.who}>`)} ${printable(line.text)}`;
		case "told":
			return `${paint(colourOf(line.who), `*${line.who}*`)} ${printable(line.text)}`;
		case "telling":
			return `${paint(2, `-> *${line.who}*`)} ${printable(line.text)}`;
		case "notice":
			return paint(2, `* ${line.text}`);
		default:
			return paint(31, `! ${line.text}`);
	}
}

/** Each name has a colour of its own, as far as there are so many. */
function colourOf(name: string): number {
	const [byte = 0] = createHash("sha256").update(name).digest();
	return NAME_COLOURS[byte % NAME_COLOURS.length] ?? 0;
}
