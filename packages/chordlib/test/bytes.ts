/** Bytes as pairs of hexadecimal digits; white space is ignored. */
export function fromHex(text: string): Uint8Array {
	const digits = text.replaceAll(/\s/g, "");
	return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** 64 lower-case digits for 32 bytes, and so on. */
export function toHex(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
	const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
	let offset = 0;
	for (const part of parts) {
		whole.set(part, offset);
		offset += part.length;
	}
	return whole;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
