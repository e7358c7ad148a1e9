import type { Contact } from "../contact.ts";
import type { Id } from "../id.ts";
import type { Limits } from "../limits.ts";
import type { Proof } from "../options.ts";
import type { Clock, Random } from "../ports.ts";
import type { Answer, Cancel, NoticeType, RequestType } from "../protocol.ts";
import type { LimitCounter } from "../stats.ts";
import type { RoundTrip } from "./round-trips.ts";

/** What the ring asks of the node that it is part of: time, chance, and messages over links. */
export interface RingNetwork {
	readonly clock: Clock;
	readonly random: Random;
	readonly limits: Limits;
	readonly counter: LimitCounter;
	/** Asks a node, over a link that is opened when there is none. */
	call<Request, Response>(
		to: Contact,
		type: RequestType<Request, Response>,
		value: Request,
		budget: number,
		done: Answer<Response>,
	): Cancel;
	/** The same, for who wants no more of that node: a link that is opened for it is closed soon after, unless it gets used. */
	callOnce: RingNetwork["call"];
	/** Whether this node gives a place in the ring to those only that it could dial, and wants the same for itself. */
	readonly proof: Proof;
	/**
	 * Whether a node that is linked is where it says that it is. Calls `done` at once where that is known, or where
	 * `required` does not say that it has to be; `NOT_DIALABLE` when it is not.
	 */
	prove(contact: Contact, required: boolean, done: Answer<void>): void;
	/** Tells a node, likewise; nobody hears whether it arrived. */
	tell<Body>(to: Contact, type: NoticeType<Body>, value: Body): void;
	/** Tells everyone to whom there is a link. */
	tellAll<Body>(type: NoticeType<Body>, value: Body): void;
	/** Tells every leaf to whom there is a link. */
	tellLeaves<Body>(type: NoticeType<Body>, value: Body): void;
	/** Answers requests of a type; what `handle` returns takes the work back when nobody waits any more. */
	serve<Request, Response>(
		type: RequestType<Request, Response>,
		handle: (
			value: Request,
			from: Contact,
			budget: number,
			answer: Answer<Response>,
		) => Cancel | undefined,
	): void;
	/** Hears notices of a type. */
	hear<Body>(type: NoticeType<Body>, handle: (value: Body, from: Contact) => void): void;
	/** Who is at the other end of the link to `id`, by its own word; undefined where there is no link. */
	met(id: Id): { readonly contact: Contact; readonly standing: "member" | "outside" } | undefined;
	/** How long a node took to answer lately, over a link that was open; undefined when it never did. */
	roundTrip(id: Id): RoundTrip | undefined;
	/** Keeps links to these nodes open, and opens those that are missing. */
	keep(neighbours: ReadonlyMap<Id, Contact>): void;
}
