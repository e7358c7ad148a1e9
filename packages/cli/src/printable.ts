import { formatAddress } from "@cicada/chordlib";
import type { RemotePeer } from "@cicada/swarmlib";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Control characters, and those that turn the direction of what follows or break its line: a terminal would obey
 * them, and they may come from anybody.
 */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text that is safe to show: what a terminal would obey is written as `\u{1b}`. */
export function printable(text: string): string {
	return text.replaceAll(OBEYED, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The text that bytes are in UTF-8; `undefined` when they are none. */
export function textOf(data: Uint8Array): string | undefined {
	try {
		return utf8.decode(data);
	} catch {
		return undefined;
	}
}

/** A message as people see it: its text, else its bytes in hexadecimal digits. */
export function shown(data: Uint8Array): string {
	const text = textOf(data);
	return text === undefined ? `0x${Buffer.from(data).toString("hex")}` : printable(text);
}

/** What to call a peer: where it can be dialled, else the beginning of its id. */
export function nameOf({ address, hash }: Pick<RemotePeer, "address" | "hash">): string {
	return address ? formatAddress(address) : hash.toString().slice(0, 12);
}
