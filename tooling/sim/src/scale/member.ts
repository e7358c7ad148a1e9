import {
	type Answer,
	type Cancel,
	ChordError,
	type Clock,
	type NoticeType,
	type Random,
	type RequestType,
	type Standing,
	defaultLimits,
} from "@cicada/chordlib";

import { type Contact, type Id, Ring, type RingNetwork, standing } from "./parts.ts";
import type { World } from "./world.ts";

/** What `LocalNode` gives its ring when nobody says otherwise. */
const PACE = { fastest: 100, slowest: 5_000 } as const;

type Serve = (
	value: never,
	from: Contact,
	budget: number,
	answer: Answer<unknown>,
) => Cancel | undefined;
type Hear = (value: never, from: Contact) => void;

/**
 * One member: the ring as a node runs it, on a network of messages. What is left out is the node's links, its codec
 * and its limits: values are handed over as they are, and a link is there whenever two want to talk.
 */
export class Member implements RingNetwork {
	readonly ring: Ring;
	readonly cluster: number;
	readonly clock: Clock;
	readonly random: Random;
	readonly limits: RingNetwork["limits"] = defaultLimits;
	readonly counter: RingNetwork["counter"];
	/** Links cost nothing here. */
	readonly callOnce: RingNetwork["callOnce"] = (...question) => this.call(...question);
	/** Everybody is believed. */
	readonly proof = "off";
	alive = true;
	/** Whom it holds links to. */
	pins: ReadonlyMap<Id, Contact> = new Map();
	/** Its successor list, and whose round trips it does not know because of that. */
	#listed: { readonly successors: readonly Contact[]; readonly ids: ReadonlySet<Id> } = {
		successors: [],
		ids: new Set(),
	};
	readonly #world: World;
	readonly #serving = new Map<number, Serve>();
	readonly #hearing = new Map<number, Hear>();

	constructor(
		world: World,
		self: Contact,
		successors: number,
		stands: (now: Standing) => void = () => {},
	) {
		this.#world = world;
		this.cluster = world.cluster();
		this.random = world.random;
		this.counter = world.counter;
		this.clock = {
			now: () => world.now,
			wall: () => world.now,
			schedule: (delay, run) => world.schedule(this, delay, run),
			defer: (run) => {
				world.defer(this, run);
			},
		};
		this.ring = new Ring(
			self,
			this,
			{ pace: PACE, successors },
			{ standing: stands, pointers: () => {} },
		);
		world.members.set(self.id, this);
		world.places.set(self.id, { cluster: this.cluster });
	}

	/** Falls silent. Who holds a link to it notices when the link has been silent for too long. */
	crash(): void {
		const { self } = this.ring.state;
		this.alive = false;
		this.#world.members.delete(self.id);
		const { dead, ping } = this.limits;
		this.#world.schedule({ alive: true }, dead, () => {
			for (const other of this.#world.members.values()) {
				if (!other.pins.has(self.id)) continue;
				other.clock.schedule((this.random.next() * ping) / 2, () => {
					other.ring.suspect(self);
				});
			}
		});
	}

	call<Request, Response>(
		to: Contact,
		type: RequestType<Request, Response>,
		value: Request,
		budget: number,
		done: Answer<Response>,
	): Cancel {
		const { self } = this.ring.state;
		let over = false;
		let takeBack: Cancel | undefined;
		const cancel = (): void => {
			over = true;
			timer.cancel();
			this.#world.send(this, to, () => takeBack?.());
		};
		const timer = this.clock.schedule(budget, () => {
			cancel();
			done(new ChordError("TIMEOUT", `no answer within ${Math.round(budget)} ms`));
		});
		const end: Answer<Response> = (error, response) => {
			if (over) return;
			over = true;
			timer.cancel();
			done(error, response);
		};
		this.#world.send(
			this,
			to,
			(there) => {
				takeBack = there.#serve(type.tag, value, self, budget, (error, response) => {
					takeBack = undefined;
					this.#world.schedule(this, this.#world.delay(there, this), () => {
						end(error && remote(error), response as Response);
					});
				});
			},
			() => {
				end(new ChordError("UNREACHABLE", "another life of it answers there"));
			},
		);
		return () => {
			if (!over) cancel();
		};
	}

	tell<Body>(to: Contact, type: NoticeType<Body>, value: Body): void {
		const { self } = this.ring.state;
		this.#world.send(this, to, (there) => {
			there.#hear(type.tag, value, self);
		});
	}

	tellAll<Body>(type: NoticeType<Body>, value: Body): void {
		for (const contact of this.pins.values()) this.tell(contact, type, value);
	}

	/** There are no leaves here. */
	tellLeaves(): void {}

	serve<Request, Response>(
		{ tag }: RequestType<Request, Response>,
		handle: (
			value: Request,
			from: Contact,
			budget: number,
			answer: Answer<Response>,
		) => Cancel | undefined,
	): void {
		this.#serving.set(tag, handle);
	}

	hear<Body>({ tag }: NoticeType<Body>, handle: (value: Body, from: Contact) => void): void {
		this.#hearing.set(tag, handle);
	}

	met(id: Id): ReturnType<RingNetwork["met"]> {
		const state = this.#world.members.get(id)?.ring.state;
		if (state === undefined) return undefined;
		return { contact: state.self, standing: state.standing === "member" ? "member" : "outside" };
	}

	/**
	 * What the model says, as if it had been measured, also to who is dead since; but for those in the successor list
	 * after the first, whom nothing that is answered at once is asked.
	 */
	roundTrip(id: Id): ReturnType<RingNetwork["roundTrip"]> {
		const there = this.#world.places.get(id);
		if (there === undefined || this.#unmeasured().has(id)) return undefined;
		return { smoothed: 2 * this.#world.delay(this, there), variation: 0 };
	}

	#unmeasured(): ReadonlySet<Id> {
		const { successors } = this.ring.state;
		if (this.#listed.successors !== successors) {
			const ids = new Set(successors.slice(1).map(({ id }) => id));
			this.#listed = { successors, ids };
		}
		return this.#listed.ids;
	}

	prove(_contact: Contact, _required: boolean, done: Answer<void>): void {
		done(undefined);
	}

	keep(neighbours: ReadonlyMap<Id, Contact>): void {
		this.pins = neighbours;
	}

	#serve(
		tag: number,
		value: unknown,
		from: Contact,
		budget: number,
		answer: Answer<unknown>,
	): Cancel | undefined {
		return this.#serving.get(tag)?.(value as never, from, budget, answer);
	}

	#hear(tag: number, value: unknown, from: Contact): void {
		if (tag !== standing.tag) this.#hearing.get(tag)?.(value as never, from);
		else if (value === "outside") this.ring.gone(from);
	}
}

/** An error as it looks from the other end of a link. */
function remote({ code, message }: ChordError): ChordError {
	return new ChordError(code === "BUSY" ? "BUSY" : "REMOTE", message);
}
