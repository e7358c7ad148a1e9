/**
 * What two nodes say to each other over a link. First each sends one *opening*, a hello or a refusal, that
 * every version of the protocol can read; then *frames*.
 *
 * @module
 */
import { type Contact, caller } from "../contact.ts";
import { ChordError } from "../errors.ts";
import { choice, decode, fixed, struct, text, u16, u32 } from "./codec.ts";
import { HEADER } from "./framer.ts";
import { Reader, malformed } from "./reader.ts";
import { type Fill, Writer } from "./writer.ts";

/** The versions of the protocol that this code speaks. */
export const VERSIONS = { oldest: 1, newest: 1 } as const;

/** The largest opening that a node of these versions sends. */
const OPENING_LIMIT = 1_024;

const MAGIC = new TextEncoder().encode("CICADA");
const OPENING_HEADER = MAGIC.length + 3;

/** The bit of {@link Hello.features} that says that a handshake follows the hellos, and sealed records that. */
export const SEALED = 1;

/** Which protocol versions, which network, and which features (a set of bits) a node has. */
export interface Hello {
	readonly oldest: number;
	readonly newest: number;
	/** SHA-256 of the network's name. */
	readonly network: Uint8Array;
	readonly features: number;
}

/** Why a node will not talk to another; `explanation` is for a person. */
interface Refusal {
	readonly reason: RefusalReason;
	readonly explanation: string;
}

export type RefusalReason = "protocol" | "version" | "network" | "full" | "encryption" | "secret";

export type Opening = ({ kind: "hello" } & Hello) | ({ kind: "refusal" } & Refusal);

const hello = struct({ oldest: u16, newest: u16, network: fixed(32), features: u32 });
const refusal = struct({
	reason: choice(["protocol", "version", "network", "full", "encryption", "secret"]),
	explanation: text(512),
});

/** `CICADA`, a byte that tells hello (1) from refusal (2), the length of the rest (16 bits), the rest. */
export function encodeOpening(opening: Opening): Uint8Array {
	const body = new Writer(OPENING_LIMIT);
	if (opening.kind === "hello") hello.write(body, opening);
	else refusal.write(body, opening);
	const fields = body.finish();
	const writer = new Writer(OPENING_LIMIT);
	writer.raw(MAGIC);
	writer.uint(1, opening.kind === "hello" ? 1 : 2);
	writer.uint(2, fields.length);
	writer.raw(fields);
	return writer.finish();
}

/**
 * The opening at the start of `bytes`, of at most `limit`, and how long it is; `undefined` while it is not whole.
 * @throws ChordError `INCOMPATIBLE` as soon as it can be none of ours.
 */
export function decodeOpening(
	bytes: Uint8Array,
	limit: number = OPENING_LIMIT,
): { opening: Opening; length: number } | undefined {
	if (MAGIC.some((byte, index) => index < bytes.length && bytes[index] !== byte)) {
		throw new ChordError("INCOMPATIBLE", "the other end does not speak the Cicada protocol");
	}
	if (bytes.length < OPENING_HEADER) return undefined;
	const kind = bytes[MAGIC.length];
	const length = OPENING_HEADER + bytes[MAGIC.length + 1]! * 256 + bytes[MAGIC.length + 2]!;
	if (length > limit) {
		throw new ChordError("INCOMPATIBLE", `the other end opens with ${length} bytes`);
	}
	if (bytes.length < length) return undefined;
	return { opening: decodeOpeningBody(kind, bytes.subarray(OPENING_HEADER, length)), length };
}

function decodeOpeningBody(kind: number | undefined, body: Uint8Array): Opening {
	try {
		// Later versions may say more in their hello: what follows the known fields is theirs.
		if (kind === 1) return { kind: "hello", ...hello.read(new Reader(body)) };
		if (kind === 2) return { kind: "refusal", ...decode(refusal, body) };
	} catch (cause) {
		throw new ChordError("INCOMPATIBLE", "the other end's opening makes no sense", { cause });
	}
	throw new ChordError("INCOMPATIBLE", `the other end opens with the unknown kind ${kind}`);
}

/** Why a link is closed in good order. */
export type GoodbyeReason =
	| "leaving"
	| "closing"
	| "idle"
	| "replaced"
	| "duplicate"
	| "self"
	| "malformed"
	| "full"
	| "flood"
	| "unproven"
	| "secret";

/** Why a request got no answer. */
export type FailureReason = "notHandled" | "malformed" | "busy" | "failed";

/** `Body` is what carries the contents of messages: where they are read, all that is left of the frame. */
export type Frame<Body = Reader> =
	/** The first frame of each end: who it is, and whether it is a member of a ring. */
	| { kind: "identify"; contact: Contact; standing: "member" | "outside" }
	/** In place of identify: the dialler only wants to know who is there. It is told, and the link closed. */
	| { kind: "whois" }
	/** Asks for an answer within `budget` milliseconds. `tag` says of which type `body` is. */
	| { kind: "request"; call: number; tag: number; budget: number; body: Body }
	| { kind: "response"; call: number; body: Body }
	| { kind: "failure"; call: number; reason: FailureReason; explanation: string }
	/** The asker no longer waits. */
	| { kind: "cancel"; call: number }
	/** A message that wants no answer. */
	| { kind: "notice"; tag: number; body: Body }
	| { kind: "ping" }
	| { kind: "pong" }
	| { kind: "goodbye"; reason: GoodbyeReason };

/** A frame to send: what it carries may be written straight into it. */
export type Outgoing = Frame<Uint8Array | Fill>;

/** What tells the kinds of frames apart on the wire. */
const KIND = {
	identify: 0,
	request: 1,
	response: 2,
	failure: 3,
	cancel: 4,
	notice: 5,
	ping: 6,
	pong: 7,
	goodbye: 8,
	whois: 9,
} as const satisfies Record<Frame["kind"], number>;

const standing = choice(["member", "outside"]);
const failure = choice(["notHandled", "malformed", "busy", "failed"]);
const explanation = text(200);
const goodbye = choice([
	"leaving",
	"closing",
	"idle",
	"replaced",
	"duplicate",
	"self",
	"malformed",
	"full",
	"flood",
	"unproven",
	"secret",
]);

/** Written out, not put together from parts, as {@link readFields}: every message of every node goes through these. */
function writeFields(writer: Writer, frame: Outgoing): void {
	switch (frame.kind) {
		case "notice":
			writer.uint(1, KIND.notice);
			writer.uint(4, frame.tag);
			writer.body(frame.body);
			break;
		case "request":
			writer.uint(1, KIND.request);
			writer.uint(4, frame.call);
			writer.uint(4, frame.tag);
			writer.uint(4, frame.budget);
			writer.body(frame.body);
			break;
		case "response":
			writer.uint(1, KIND.response);
			writer.uint(4, frame.call);
			writer.body(frame.body);
			break;
		case "failure":
			writer.uint(1, KIND.failure);
			writer.uint(4, frame.call);
			failure.write(writer, frame.reason);
			explanation.write(writer, frame.explanation);
			break;
		case "cancel":
			writer.uint(1, KIND.cancel);
			writer.uint(4, frame.call);
			break;
		case "identify":
			writer.uint(1, KIND.identify);
			caller.write(writer, frame.contact);
			standing.write(writer, frame.standing);
			break;
		case "goodbye":
			writer.uint(1, KIND.goodbye);
			goodbye.write(writer, frame.reason);
			break;
		default:
			writer.uint(1, KIND[frame.kind]);
	}
}

function readFields(kind: number, reader: Reader): Frame {
	switch (kind) {
		case KIND.notice:
			return { kind: "notice", tag: reader.uint(4), body: reader };
		case KIND.request:
			return {
				kind: "request",
				call: reader.uint(4),
				tag: reader.uint(4),
				budget: reader.uint(4),
				body: reader,
			};
		case KIND.response:
			return { kind: "response", call: reader.uint(4), body: reader };
		case KIND.failure:
			return {
				kind: "failure",
				call: reader.uint(4),
				reason: failure.read(reader),
				explanation: explanation.read(reader),
			};
		case KIND.cancel:
			return { kind: "cancel", call: reader.uint(4) };
		case KIND.identify:
			return { kind: "identify", contact: caller.read(reader), standing: standing.read(reader) };
		case KIND.goodbye:
			return { kind: "goodbye", reason: goodbye.read(reader) };
		case KIND.ping:
			return { kind: "ping" };
		case KIND.pong:
			return { kind: "pong" };
		case KIND.whois:
			return { kind: "whois" };
		default:
			throw malformed(`there is no frame of kind ${kind}`);
	}
}

/**
 * Writes a frame as it goes over the link: its length (32 bits, big-endian, not counting themselves), a byte for the
 * kind, the fields. Gives how many bytes that was.
 * @throws ChordError `TOO_LARGE` beyond `limit` bytes and the length, or what its body throws; nothing is written then
 */
export function writeFrame(writer: Writer, message: Outgoing, limit: number): number {
	const start = writer.begin(HEADER + limit);
	try {
		writer.uint(HEADER, 0);
		writeFields(writer, message);
		const length = writer.length - start;
		writer.replace(start, HEADER, length - HEADER);
		writer.end();
		return length;
	} catch (error) {
		writer.end(start);
		throw error;
	}
}

/** A frame by itself. */
export function encodeFrame(message: Outgoing, limit: number): Uint8Array {
	const writer = new Writer(HEADER + limit);
	writeFrame(writer, message, limit);
	return writer.finish();
}

/** Reads a frame; what it carries is left. @throws ChordError `MALFORMED` */
export function readFrame(reader: Reader): Frame {
	const frame = readFields(reader.uint(1), reader);
	if (!carries(frame)) reader.end();
	return frame;
}

function carries({ kind }: Frame): boolean {
	return kind === "notice" || kind === "request" || kind === "response";
}
