/**
 * What members of a ring ask each other.
 *
 * @module
 */
import { type Contact, caller, contact } from "../contact.ts";
import type { Id } from "../id.ts";
import { type NoticeType, type RequestType, defineNotice, defineRequest } from "../protocol.ts";
import {
	type Codec,
	boolean,
	choice,
	id,
	list,
	nothing,
	optional,
	struct,
	u8,
} from "../wire/codec.ts";

/** The longest successor list that is understood. */
export const LONGEST_LIST = 64;

const contacts: Codec<readonly Contact[]> = list(contact, LONGEST_LIST);

/** A member's pointers, as it tells them to who asks. */
export interface View {
	readonly standing: "member" | "outside";
	readonly predecessor: Contact | undefined;
	readonly successors: readonly Contact[];
}

/** Asks for a node's pointers, and so also whether it is alive. */
export const askView: RequestType<void, View> = defineRequest("cicada/ring/1/view", {
	request: nothing,
	response: struct({
		standing: choice(["member", "outside"]),
		predecessor: optional(contact),
		successors: contacts,
	}),
});

/** Asks a node that is in no ring to be the first of one; says what it is then. */
export const askFirst: RequestType<void, "member" | "outside"> = defineRequest(
	"cicada/ring/1/first",
	{
		request: nothing,
		response: choice(["member", "outside"]),
	},
);

/** Asks a node for a sign of life. */
export const askAlive: RequestType<void, void> = defineRequest("cicada/ring/1/alive", {
	request: nothing,
	response: nothing,
});

/** Asks a node whether another, which it points to as well, answers it. */
export const askWitness: RequestType<Contact, { readonly alive: boolean }> = defineRequest(
	"cicada/ring/1/witness",
	{ request: contact, response: struct({ alive: boolean }) },
);

/** Tells a node of a member of what may be another ring of the same network. */
export const suggest: NoticeType<Contact> = defineNotice("cicada/ring/1/suggest", contact);

/** Tells a node that the sender takes it for its successor. */
export const notify: NoticeType<void> = defineNotice("cicada/ring/1/notify", nothing);

/** Tells a node's predecessor that the successor list which it was given is out of date. */
export const listChanged: NoticeType<void> = defineNotice("cicada/ring/1/list", nothing);

/** Tells a leaf that another node may be the owner of its id now. */
export const ownerChanged: NoticeType<void> = defineNotice("cicada/ring/1/owner-changed", nothing);

/** Tells those who hold links to the sender that it has become a member, or is one no longer. */
export const standing: NoticeType<"member" | "outside"> = defineNotice(
	"cicada/ring/1/standing",
	choice(["member", "outside"]),
);

/** What a joiner hears. */
export interface Admission {
	/** `moved`: ask one of `contacts` instead. `unproven`: who asks could not be dialled where it says that it is. */
	readonly outcome: "welcome" | "moved" | "busy" | "unproven";
	/** The successor list of who answers, or whom to ask instead. */
	readonly contacts: readonly Contact[];
}

/**
 * Asks the predecessor of the asker's own place to hand over its successor list; true when that shall dial the asker
 * first, whether or not it wants to itself.
 */
export const askAdmission: RequestType<boolean, Admission> = defineRequest("cicada/ring/1/join", {
	request: boolean,
	response: struct({ outcome: choice(["welcome", "moved", "busy", "unproven"]), contacts }),
});

/**
 * Tells both neighbours of a joiner that it is in, and who follows it: from now on it is the successor of the one that
 * handed over its list, and the predecessor of the first that it names. Fails where the receiver does not take it for either.
 */
export const tellEntered: RequestType<readonly Contact[], void> = defineRequest(
	"cicada/ring/1/entered",
	{ request: contacts, response: nothing },
);

/** A question for the owner of an id. */
export interface Query {
	readonly id: Id;
	/** The asker takes the receiver for the owner. */
	readonly last: boolean;
	/** Links crossed so far. */
	readonly hops: number;
}

const query: Codec<Query> = struct({ id, last: boolean, hops: u8 });

/** Who owns an id, by the owner's own word. */
export interface Found {
	readonly owner: Contact;
	readonly predecessor: Contact | undefined;
	readonly hops: number;
}

/** Asks for the owner of an id; who does not own it asks on. */
export const askOwner: RequestType<Query, Found> = defineRequest("cicada/ring/1/owner", {
	request: query,
	response: struct({ owner: contact, predecessor: optional(contact), hops: u8 }),
});

/** One step of an iterative lookup. */
export interface Direction {
	readonly outcome: "mine" | "ask" | "outside";
	/** Who answers takes those in `contacts` for the owner. */
	readonly last: boolean;
	/**
	 * Whom to ask next, best first; of who is `mine` its predecessor; of who is outside those it is joining through.
	 */
	readonly contacts: readonly Contact[];
}

/** Asks for the next step towards the owner of an id. */
export const askDirection: RequestType<Query, Direction> = defineRequest(
	"cicada/ring/1/direction",
	{
		request: query,
		response: struct({ outcome: choice(["mine", "ask", "outside"]), last: boolean, contacts }),
	},
);

/** What is answered at once, without asking anybody else: how long that takes is the round trip. */
export const PROMPT: ReadonlySet<number> = new Set([askView.tag, askAlive.tag, askDirection.tag]);

/** A message under way to the owner of an id. Relays read all but `body`, and change only `hops` and `last`. */
export interface Envelope {
	readonly target: Id;
	readonly origin: Contact;
	/** Of which type the body is. */
	readonly tag: number;
	readonly hops: number;
	readonly last: boolean;
	readonly body: Uint8Array;
}

/** Written out, not put together from parts: every message on its way goes through it at every link. */
const envelope: Codec<Envelope> = {
	write: (writer, { target, origin, tag, hops, last, body }) => {
		writer.id(target);
		caller.write(writer, origin);
		writer.uint(4, tag);
		writer.uint(1, hops);
		boolean.write(writer, last);
		writer.raw(body);
	},
	read: (reader) => ({
		target: reader.id(),
		origin: caller.read(reader),
		tag: reader.uint(4),
		hops: reader.uint(1),
		last: boolean.read(reader),
		body: reader.raw(reader.left),
	}),
};

export const routed: NoticeType<Envelope> = defineNotice("cicada/ring/1/routed", envelope);
