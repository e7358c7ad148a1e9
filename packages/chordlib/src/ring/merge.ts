import { sameAddress, scopeOf } from "../address.ts";
import { placesOf } from "../admission.ts";
import { ANY_INCARNATION, Contact } from "../contact.ts";
import { ChordError } from "../errors.ts";
import type { Id } from "../id.ts";
import type { Limits } from "../limits.ts";
import type { Timer } from "../ports.ts";
import type { Answer, Cancel } from "../protocol.ts";
import type { Lookups } from "./lookup.ts";
import { type Found, suggest } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import type { Stabilizer } from "./stabilize.ts";
import type { RingState } from "./state.ts";
import { UnderWay } from "./under-way.ts";

/** Milliseconds between attempts to find the ring of a remembered node: at first when alone, and at rest. */
const EAGER = 1_000;
const PATIENT = 30_000;
/** How long one attempt may take. */
const PATIENCE = 5_000;
/** How soon after an attempt another one may begin because somebody suggests it. */
const PAUSE = 500;

/**
 * How rings that grew apart find together again: after a partition, or when two first nodes each made one.
 *
 * A node looks up its own id *through a node of the other ring*. In one ring it finds itself. In two, it finds its
 * successor there: a candidate, which enters as any nearer successor does, by answering itself. Both ends then pass
 * on the news along their fingers, and those do the same.
 */
export class Merging {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	readonly #lookups: Lookups;
	readonly #stabilizer: Stabilizer;
	readonly #underWay = new UnderWay();
	/** Members of this network that were met, the longest unseen first. */
	readonly #remembered = new Map<Id, Contact>();
	/** A node that was suggested while an attempt was under way. */
	#suggested: Contact | undefined;
	#attempting = false;
	#interval = PATIENT;
	#timer: Timer | undefined;

	constructor(state: RingState, network: RingNetwork, lookups: Lookups, stabilizer: Stabilizer) {
		this.#state = state;
		this.#network = network;
		this.#lookups = lookups;
		this.#stabilizer = stabilizer;
		network.hear(suggest, (contact) => {
			if (state.standing !== "member") return;
			this.#suggested = contact;
			if (!this.#attempting) this.#followSuggestion();
		});
	}

	/** Those that are remembered, the most recent first. */
	get remembered(): readonly Contact[] {
		return [...this.#remembered.values()].toReversed();
	}

	/** Members that were met: to be tried when they are in the ring no longer. */
	remember(contacts: Iterable<Contact>): void {
		let grown = false;
		for (const { id, address } of contacts) {
			if (id === this.#state.self.id) continue;
			const before = this.#remembered.get(id);
			const known = before !== undefined && sameAddress(before.address, address);
			grown ||= !known;
			this.#remembered.delete(id);
			// Whatever life it is in when it is needed.
			this.#remembered.set(id, known ? before : new Contact(id, address, ANY_INCARNATION));
		}
		if (grown) this.#forget();
	}

	/** Lets go of those that are too many, in all and of one place, the longest unseen first. */
	#forget(): void {
		const { counter, limits } = this.#network;
		const places = new Map<string, number>();
		let left = limits.remembered;
		for (const { id, address } of this.remembered) {
			const limit = left > 0 ? crowded(places, address.host, limits) : "remembered";
			if (limit === undefined) {
				left--;
				continue;
			}
			counter.count(limit);
			this.#remembered.delete(id);
		}
	}

	/** From now on tries remembered nodes now and then. */
	start(): void {
		this.#interval = EAGER;
		this.#schedule();
	}

	/** Tries now: the node was cut off, or has slept. */
	hurry(): void {
		if (this.#timer !== undefined) this.start();
	}

	stop(): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		this.#underWay.cancelAll();
		this.#attempting = false;
		this.#suggested = undefined;
	}

	/** Finds out whether `contact` is in another ring, and if so starts to merge the two. */
	mergeWith(contact: Contact, done: Answer<void> = () => {}): Cancel {
		const { self } = this.#state;
		return this.#underWay.track<Found>(
			(answer) => this.#lookups.iterative(self.id, PATIENCE, answer, [contact], "once"),
			(error, found) => {
				if (found === undefined || found.owner.id === self.id) {
					done(error);
				} else if (this.#network.met(found.owner.id)?.standing === "outside") {
					const message = "the node there is in no ring: have it join this one";
					done(new ChordError("NOT_MEMBER", message));
				} else {
					this.#meet(found);
					done(undefined);
				}
			},
		);
	}

	/** `found` is what another ring answers for this node's place. */
	#meet({ owner, predecessor }: Found): void {
		this.remember([owner]);
		this.#stabilizer.consider(owner);
		// Those before this node's place in the other ring have a nearer successor here.
		this.#network.tell(predecessor ?? owner, suggest, this.#state.self);
		for (const contact of this.#state.neighbours.values()) {
			if (contact.id !== owner.id) this.#network.tell(contact, suggest, owner);
		}
	}

	#followSuggestion(): void {
		const contact = this.#suggested;
		if (contact === undefined || contact.id === this.#state.self.id) return;
		this.#suggested = undefined;
		this.#attempting = true;
		this.mergeWith(contact, () => {
			this.#underWay.track<void>(
				(done) => {
					const timer = this.#network.clock.schedule(PAUSE, () => {
						done(undefined);
					});
					return () => {
						timer.cancel();
					};
				},
				() => {
					this.#attempting = false;
					this.#followSuggestion();
				},
			);
		});
	}

	#schedule(): void {
		const { clock, random } = this.#network;
		this.#timer?.cancel();
		this.#timer = clock.schedule(this.#interval * (0.75 + random.next() / 2), () => {
			const alone = this.#state.successor === undefined;
			this.#interval = alone ? Math.min(this.#interval * 2, PATIENT) : PATIENT;
			this.#schedule();
			this.#tryOne();
		});
	}

	/** Tries one that the ring does not point to, by chance. */
	#tryOne(): void {
		const known = new Set(this.#state.contacts.map(({ id }) => id));
		const lost = [...this.#remembered.values()].filter(({ id }) => !known.has(id));
		const contact = lost[Math.floor(this.#network.random.next() * lost.length)];
		if (contact !== undefined && this.#state.standing === "member") this.mergeWith(contact);
	}
}

/** One more at an IP address: the limit for which it is one too many. Only public addresses count. */
function crowded(
	places: Map<string, number>,
	ip: string,
	{ rememberedPerIp, rememberedPerSubnet }: Limits,
): "rememberedPerIp" | "rememberedPerSubnet" | undefined {
	if (scopeOf(ip) !== "public") return undefined;
	const { address, subnet } = placesOf(ip);
	const [here, around] = [places.get(address) ?? 0, places.get(subnet) ?? 0];
	if (here >= rememberedPerIp) return "rememberedPerIp";
	if (around >= rememberedPerSubnet) return "rememberedPerSubnet";
	places.set(address, here + 1).set(subnet, around + 1);
	return undefined;
}
