import {
	type Codec,
	boolean,
	choice,
	decode,
	encode,
	list,
	nothing,
	struct,
	text,
	u32,
} from "@cicada/chordlib";

/** What somebody says of themselves. What is told to all and what is told to one may overtake each other. */
export interface Presence {
	readonly name: string;
	readonly channels: readonly string[];
	/** Any number, another one each time that the program is started. */
	readonly run: number;
	/** How often the channels had changed in it. */
	readonly changes: number;
}

/** What chat programs tell each other. */
export type Note =
	/** Who I am and which channels I am in; `ask`: tell me who you are, too. */
	| ({ readonly kind: "here"; readonly ask: boolean } & Presence)
	/** I leave. */
	| { readonly kind: "gone" }
	/** To all who are in a channel. */
	| { readonly kind: "say"; readonly channel: string; readonly text: string }
	/** To you alone. */
	| { readonly kind: "tell"; readonly text: string };

/** Bytes of what somebody says at once. */
export const TEXT_LIMIT = 4_096;
/** Channels that somebody may be in. */
export const CHANNELS_LIMIT = 32;
/** Bytes of a name, or of a channel's: 25 characters, whatever they are. */
const NAME_BYTES = 100;
/** Bytes of the largest note. */
const NOTE_LIMIT = 16_384;
/** Marks a message as one of this program's, of this version. */
const MARK = "cicada/chat/2";

const kinds = choice(["here", "gone", "say", "tell"]);
const mark = text(20);
const bodies: Readonly<Record<Note["kind"], Codec<unknown>>> = {
	here: struct({
		name: text(NAME_BYTES),
		channels: list(text(NAME_BYTES), CHANNELS_LIMIT),
		run: u32,
		changes: u32,
		ask: boolean,
	}),
	gone: nothing,
	say: struct({ channel: text(NAME_BYTES), text: text(TEXT_LIMIT) }),
	tell: struct({ text: text(TEXT_LIMIT) }),
};

const codec: Codec<Note | undefined> = {
	write: (writer, note) => {
		if (note === undefined) return;
		mark.write(writer, MARK);
		kinds.write(writer, note.kind);
		bodies[note.kind].write(writer, note.kind === "gone" ? undefined : note);
	},
	read: (reader) => {
		if (mark.read(reader) !== MARK) return undefined;
		const kind = kinds.read(reader);
		return { kind, ...(bodies[kind].read(reader) as object) } as Note;
	},
};

export function encodeNote(note: Note): Uint8Array {
	return encode(codec, note, NOTE_LIMIT);
}

/** The note that a message holds; `undefined` for anything else that peers may send each other. */
export function decodeNote(data: Uint8Array): Note | undefined {
	try {
		const note = decode(codec, data);
		return note !== undefined && isWellFormed(note) ? note : undefined;
	} catch {
		return undefined;
	}
}

function isWellFormed(note: Note): boolean {
	switch (note.kind) {
		case "here":
			return isName(note.name) && note.channels.every(isChannel);
		case "say":
			return isChannel(note.channel);
		default:
			return true;
	}
}

/** Letters and digits of any script, up to 24, and `_ . -` between them. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}_.-]{0,23}$/u;

export function isName(name: string): boolean {
	return NAME.test(name) && name.normalize() === name;
}

/** A name after a `#`. */
export function isChannel(channel: string): boolean {
	return channel.startsWith("#") && isName(channel.slice(1));
}
