/**
 * Values to bytes and back. Every length is bounded before anything is allocated for it, and nothing
 * but a {@link ChordError} comes out: `MALFORMED` when reading, `TOO_LARGE` or `INVALID_ARGUMENT` when writing.
 * Numbers are big-endian.
 *
 * @module
 */
import { type Address, NOWHERE, ipBytes, ipText, isPort } from "../address.ts";
import { ChordError } from "../errors.ts";
import { Hash, hashOf, idOf } from "../hash.ts";
import type { Id } from "../id.ts";
import { Reader, malformed } from "./reader.ts";
import { type Fill, Writer, invalid } from "./writer.ts";

/** How values of one type are written and read. Build yours from the ones below. */
export interface Codec<T> {
	/** Appends a value. */
	write(writer: Writer, value: T): void;
	/** Takes a value off the front. Throws a `ChordError` `MALFORMED` when there is none. */
	read(reader: Reader): T;
}

/** The type of the values that a codec carries. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

/** A value as bytes. @throws ChordError `TOO_LARGE` beyond `limit` bytes, `INVALID_ARGUMENT` for a value that the codec does not take. */
export function encode<T>(codec: Codec<T>, value: T, limit: number): Uint8Array {
	const writer = new Writer(limit);
	codec.write(writer, value);
	return writer.finish();
}

/** Writes a value where it is to go. The writer throws `TOO_LARGE` beyond `limit` bytes, and else as {@link encode}. */
export function filling<T>(codec: Codec<T>, value: T, limit: number): Fill {
	return (writer) => {
		const start = writer.length;
		codec.write(writer, value);
		const length = writer.length - start;
		if (length > limit) {
			throw new ChordError("TOO_LARGE", `${length} bytes where ${limit} are allowed`);
		}
	};
}

/** The value that bytes are, all of them. @throws ChordError `MALFORMED` */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
	return readAll(codec, new Reader(bytes));
}

/** The value that all that is left is. @throws ChordError `MALFORMED` */
export function readAll<T>(codec: Codec<T>, reader: Reader): T {
	const value = codec.read(reader);
	reader.end();
	return value;
}

function unsigned(size: number): Codec<number> {
	return {
		write: (writer, value) => {
			writer.uint(size, value);
		},
		read: (reader) => reader.uint(size),
	};
}

/** Unsigned integers of 8 bits. */
export const u8: Codec<number> = unsigned(1);
/** Unsigned integers of 16 bits, big-endian. */
export const u16: Codec<number> = unsigned(2);
/** Unsigned integers of 32 bits, big-endian. */
export const u32: Codec<number> = unsigned(4);
/** Unsigned integers of 48 bits, big-endian. */
export const u48: Codec<number> = unsigned(6);

/** One byte, 0 or 1. */
export const boolean: Codec<boolean> = {
	write: (writer, value) => {
		if (typeof value !== "boolean") throw invalid(`${String(value)} is not a boolean`);
		writer.uint(1, value ? 1 : 0);
	},
	read: (reader) => {
		const byte = reader.uint(1);
		if (byte > 1) throw malformed(`${byte} is not a boolean`);
		return byte === 1;
	},
};

function sizeOf(limit: number): number {
	if (limit < 256) return 1;
	return limit < 65_536 ? 2 : 4;
}

/** At most `limit` bytes. What is read is a view of the message: copy what you keep. */
export function bytes(limit: number): Codec<Uint8Array> {
	const size = sizeOf(limit);
	return {
		write: (writer, value) => {
			if (!(value instanceof Uint8Array)) throw invalid("expected a Uint8Array");
			if (value.length > limit) {
				throw new ChordError("TOO_LARGE", `${value.length} bytes where ${limit} are allowed`);
			}
			writer.uint(size, value.length);
			writer.raw(value);
		},
		read: (reader) => {
			const length = reader.uint(size);
			if (length > limit) throw malformed(`${length} bytes where ${limit} are allowed`);
			return reader.raw(length);
		},
	};
}

/** Exactly `length` bytes, without a length before them. What is read is a view of the message: copy what you keep. */
export function fixed(length: number): Codec<Uint8Array> {
	return {
		write: (writer, value) => {
			if (!(value instanceof Uint8Array) || value.length !== length) {
				throw invalid(`expected a Uint8Array of ${length} bytes`);
			}
			writer.raw(value);
		},
		read: (reader) => reader.raw(length),
	};
}

/** All the bytes to the end of the message; only as its last field. What is read is a view. */
export const rest: Codec<Uint8Array> = {
	write: (writer, value) => {
		if (!(value instanceof Uint8Array)) throw invalid("expected a Uint8Array");
		writer.raw(value);
	},
	read: (reader) => reader.rest(),
};

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A string of at most `limit` bytes of UTF-8. */
export function text(limit: number): Codec<string> {
	const inner = bytes(limit);
	return {
		write: (writer, value) => {
			if (typeof value !== "string") throw invalid("expected a string");
			if (/\p{Surrogate}/u.test(value)) throw invalid("the string holds half of a surrogate pair");
			inner.write(writer, utf8Encoder.encode(value));
		},
		read: (reader) => {
			const raw = inner.read(reader);
			try {
				return utf8Decoder.decode(raw);
			} catch (cause) {
				throw new ChordError("MALFORMED", "a text is not UTF-8", { cause });
			}
		},
	};
}

/** A {@link Hash}: 32 bytes. */
export const hash: Codec<Hash> = {
	write: (writer, value) => {
		if (!(value instanceof Hash)) throw invalid("expected a Hash");
		writer.id(idOf(value));
	},
	read: (reader) => hashOf(reader.id()),
};

/** An id as the ring's own messages carry it. */
export const id: Codec<Id> = {
	write: (writer, value) => {
		writer.id(value);
	},
	read: (reader) => reader.id(),
};

/** A literal IP address and a port from 1 to 65535: a byte for the family (4 or 6), the address, the port. */
export const address: Codec<Address> = {
	write: (writer, value) => {
		const ip = typeof value?.host === "string" ? ipBytes(value.host) : undefined;
		if (ip === undefined || !isPort(value.port)) throw invalid("expected an IP address and a port");
		writer.uint(1, ip.length === 4 ? 4 : 6);
		writer.raw(ip);
		writer.uint(2, value.port);
	},
	read: (reader) => readAddress(reader, reader.uint(1)),
};

/** An {@link address}, or a single 0 for {@link NOWHERE}. */
export const addressOrNowhere: Codec<Address> = {
	write: (writer, value) => {
		if (value.port === 0) writer.uint(1, 0);
		else address.write(writer, value);
	},
	read: (reader) => {
		const family = reader.uint(1);
		return family === 0 ? NOWHERE : readAddress(reader, family);
	},
};

function readAddress(reader: Reader, family: number): Address {
	if (family !== 4 && family !== 6) throw malformed(`${family} is not an address family`);
	const host = ipText(reader.raw(family === 4 ? 4 : 16));
	const port = reader.uint(2);
	if (port === 0) throw malformed("0 is not a port to dial");
	return { host, port };
}

/** At most `limit` values of one kind. */
export function list<T>(item: Codec<T>, limit: number): Codec<readonly T[]> {
	const size = sizeOf(limit);
	return {
		write: (writer, values) => {
			if (!Array.isArray(values)) throw invalid("expected an array");
			if (values.length > limit) {
				throw new ChordError("TOO_LARGE", `${values.length} values where ${limit} are allowed`);
			}
			writer.uint(size, values.length);
			for (const value of values as readonly T[]) item.write(writer, value);
		},
		read: (reader) => {
			const length = reader.uint(size);
			if (length > limit) throw malformed(`${length} values where ${limit} are allowed`);
			const values: T[] = [];
			for (let i = 0; i < length; i++) values.push(item.read(reader));
			return values;
		},
	};
}

/** A value or `undefined`: a byte that says which, then the value. */
export function optional<T>(item: Codec<T>): Codec<T | undefined> {
	return {
		write: (writer, value) => {
			boolean.write(writer, value !== undefined);
			if (value !== undefined) item.write(writer, value);
		},
		read: (reader) => (boolean.read(reader) ? item.read(reader) : undefined),
	};
}

/** One of a few words, as a byte: its place in the list. */
export function choice<const Word extends string>(words: readonly Word[]): Codec<Word> {
	return {
		write: (writer, value) => {
			const index = words.indexOf(value);
			if (index < 0) throw invalid(`${value} is none of ${words.join(", ")}`);
			writer.uint(1, index);
		},
		read: (reader) => {
			const index = reader.uint(1);
			const word = words[index];
			if (word === undefined) throw malformed(`${index} is none of ${words.join(", ")}`);
			return word;
		},
	};
}

/** An object's fields, one after the other, in the order given. */
export function struct<Fields extends Record<string, Codec<unknown>>>(
	shape: Fields,
): Codec<{ readonly [Name in keyof Fields]: ValueOf<Fields[Name]> }> {
	const names = Object.keys(shape);
	const codecs = Object.values(shape);
	return {
		write: (writer, value: Record<string, unknown>) => {
			if (typeof value !== "object" || value === null) throw invalid("expected an object");
			for (let i = 0; i < names.length; i++) codecs[i]!.write(writer, value[names[i]!]);
		},
		read: (reader) => {
			const value: Record<string, unknown> = {};
			for (let i = 0; i < names.length; i++) value[names[i]!] = codecs[i]!.read(reader);
			return value as { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> };
		},
	};
}

/** Nothing at all: zero bytes. */
export const nothing: Codec<void> = {
	write: () => {},
	read: () => undefined,
};
