import { createCipheriv, createDecipheriv } from "node:crypto";

import type { LookupStep, RemoteNode } from "@cicada/chordlib";

import { makeRing, still } from "../scale/ideal.ts";
import type { Member } from "../scale/member.ts";
import type { Contact, Id } from "../scale/parts.ts";
import { World } from "../scale/world.ts";
import {
	type Connection,
	type Links,
	type RouteNetwork,
	Routes,
	askDirection,
	nextHop,
} from "./parts.ts";

/** Messages on one ring: plain JSON. */
export interface Trials {
	readonly seed: number;
	readonly nodes: number;
	readonly successors: number;
	/** Part of the nodes that is malicious, others in each trial. */
	readonly malicious: number;
	/** How many messages, with each number of routes. */
	readonly count: number;
	readonly routes: readonly number[];
}

/** How they went, with one number of routes. */
export interface Tally {
	readonly routes: number;
	sent: number;
	/** Messages of which a copy came to the target as it was sent. */
	arrived: number;
	/** Copies sent; those that did not authenticate at the target; and those that did although they were altered. */
	copies: number;
	tampered: number;
	forged: number;
	/** Peers asked for the way. */
	asked: number;
}

export interface TrialsOutcome {
	readonly trials: Trials;
	readonly tallies: readonly Tally[];
	readonly realMs: number;
}

/** How many nodes a liar names, and of how many hops any message is given up. */
const NAMED = 16;
const HOPS = 32;
/** Virtual milliseconds within which a search for routes is over. */
const SEARCH = 6_000;

/**
 * Sends messages once each, without a second attempt, on a ring whose pointers are right. Relays choose the next hop, and
 * origins their routes, by the very code that nodes run. The malicious lie to whoever asks for the way, and drop or
 * alter what they are to pass on.
 */
export async function runTrials(trials: Trials): Promise<TrialsOutcome> {
	const began = performance.now();
	const ring = new LinkedRing(trials);
	const tallies = trials.routes.map((routes) => {
		const tally: Tally = {
			routes,
			sent: 0,
			arrived: 0,
			copies: 0,
			tampered: 0,
			forged: 0,
			asked: 0,
		};
		for (let i = 0; i < trials.count; i++) ring.sendOne(trials.malicious, tally);
		return tally;
	});
	return Promise.resolve({ trials, tallies, realMs: performance.now() - began });
}

/** A ring, and the links that its members keep. */
class LinkedRing {
	readonly #world: World;
	readonly #members: readonly Member[];
	readonly #links = new Map<Id, Map<Id, Connection>>();

	constructor({ seed, nodes, successors }: Trials) {
		this.#world = new World(seed);
		makeRing(this.#world, nodes, successors, still);
		this.#members = [...this.#world.members.values()];
		for (const { id } of this.#members.map(selfOf)) this.#links.set(id, new Map());
		for (const member of this.#members) {
			const self = selfOf(member);
			for (const pinned of member.pins.values()) {
				this.#links.get(self.id)?.set(pinned.id, linkTo(pinned));
				this.#links.get(pinned.id)?.set(self.id, linkTo(self));
			}
		}
	}

	/** One message from one honest member to another. */
	sendOne(part: number, tally: Tally): void {
		const [origin, target, ...others] = this.#shuffled(2 + Math.round(part * this.#members.length));
		if (origin === undefined || target === undefined) return;
		const delivery = new Attempt(this.#world, this.#links, others, selfOf(target));
		delivery.send(origin, tally);
	}

	/** So many of the members, by chance. */
	#shuffled(count: number): Member[] {
		const all = [...this.#members];
		for (let i = 0; i < count; i++) {
			const other = i + Math.floor(this.#world.random.next() * (all.length - i));
			[all[i], all[other]] = [all[other] as Member, all[i] as Member];
		}
		return all.slice(0, count);
	}
}

/** Where a copy goes from a relay, and whether that one is taken for the target's owner. */
interface Onward {
	readonly to: Contact;
	readonly last: boolean;
}

/** One message, and those who would keep it from its target. */
class Attempt {
	readonly #world: World;
	readonly #links: ReadonlyMap<Id, Links & Map<Id, Connection>>;
	readonly #malicious: ReadonlySet<Id>;
	readonly #target: Contact;
	/** The malicious that liars name: those that stand nearest before the target. */
	readonly #named: readonly Contact[];
	readonly #key: Uint8Array;

	constructor(
		world: World,
		links: ReadonlyMap<Id, Links & Map<Id, Connection>>,
		malicious: readonly Member[],
		target: Contact,
	) {
		const distance = ({ hash }: Contact): bigint => hash.distanceTo(target.hash);
		const contacts = malicious.map((member) => selfOf(member));
		this.#world = world;
		this.#links = links;
		this.#malicious = new Set(contacts.map(({ id }) => id));
		this.#target = target;
		this.#named = contacts
			.map((contact) => ({ contact, before: distance(contact) }))
			.toSorted((a, b) => (a.before < b.before ? -1 : 1))
			.slice(0, NAMED)
			.map(({ contact }) => contact);
		this.#key = world.random.bytes(32);
	}

	send(origin: Member, tally: Tally): void {
		const plain = this.#world.random.bytes(16);
		const sealed = seal(this.#key, plain);
		let arrived = false;
		const take = (copy: Uint8Array | undefined): void => {
			if (copy === undefined) return;
			const opened = open(this.#key, copy);
			if (opened === undefined) tally.tampered++;
			else if (Buffer.compare(opened, plain) === 0) arrived = true;
			else tally.forged++;
		};
		const extra = tally.routes - 1;
		const routes = new Routes(this.#network(origin, tally), this.#target.hash);
		routes.prepare(extra, () => {});
		this.#world.runUntil(this.#world.now + SEARCH);
		tally.sent++;
		tally.copies++;
		take(this.#carry(origin, undefined, sealed));
		tally.copies += routes.send(0, extra, (via) => {
			take(this.#carry(origin, via as Contact, sealed));
			return true;
		});
		routes.stop();
		if (arrived) tally.arrived++;
	}

	/** Takes a copy from relay to relay: as it comes to the target, or nothing. */
	#carry(origin: Member, via: Contact | undefined, sealed: Uint8Array): Uint8Array | undefined {
		let at = selfOf(origin);
		let copy = sealed;
		let last = false;
		for (let hops = 0; hops < HOPS && at.id !== this.#target.id; hops++) {
			if (this.#malicious.has(at.id)) {
				if (this.#world.random.next() < 0.5) return undefined;
				copy = altered(copy);
			}
			const hop: Onward | undefined =
				hops === 0 && via !== undefined ? { to: via, last: false } : this.#hop(at.id, last, hops);
			if (hop === undefined) return undefined;
			at = hop.to;
			({ last } = hop);
		}
		return at.id === this.#target.id ? copy : undefined;
	}

	#hop(at: Id, last: boolean, hops: number): Onward | undefined {
		const member = this.#world.members.get(at);
		const links = this.#links.get(at);
		if (member === undefined || links === undefined) return undefined;
		const envelope = { target: this.#target.id, last };
		const hop = nextHop(member.ring.state, links, envelope, hops > 0);
		if (hop.kind === "open") return { to: hop.contact, last: true };
		const to = hop.kind === "link" ? hop.link.contact : undefined;
		return to && { to, last: hop.kind === "link" && hop.last };
	}

	#network(origin: Member, tally: Tally): RouteNetwork {
		const { self } = origin.ring.state;
		const links = this.#links.get(self.id) ?? new Map<Id, Connection>();
		return {
			clock: origin.clock,
			self: self.hash,
			limitLocal: false,
			contacts: () => [
				...origin.ring.state.contacts,
				...[...links.values()].flatMap(({ contact }) => contact ?? []),
			],
			nextHop: () => this.#hop(self.id, false, 0)?.to,
			step: (peer, _id, budget, done) => {
				tally.asked++;
				const contact = peer as Contact;
				if (this.#malicious.has(contact.id)) {
					const lie = this.#lie();
					const timer = origin.clock.schedule(1, () => {
						done(undefined, lie);
					});
					return () => {
						timer.cancel();
					};
				}
				const query = { id: this.#target.id, last: false, hops: 0 };
				return origin.call(contact, askDirection, query, budget, (error, answer) => {
					const step = answer && {
						outcome: answer.outcome === "ask" && answer.last ? "last" : answer.outcome,
						nodes: answer.contacts,
					};
					done(error, step as LookupStep | undefined);
				});
			},
		};
	}

	/** It gives itself out for the one to go by, or names others like it. */
	#lie(): LookupStep {
		const itself = this.#world.random.next() < 0.5;
		const nodes: readonly RemoteNode[] = itself ? [this.#target] : this.#named;
		return { outcome: itself ? "last" : "ask", nodes };
	}
}

function selfOf({ ring: { state } }: Member): Contact {
	return state.self;
}

/** Of a link only who is at its other end matters here. */
function linkTo(contact: Contact): Connection {
	return { contact, standing: "member" } as unknown as Connection;
}

const CIPHER = "chacha20-poly1305";
const NONCE = new Uint8Array(12);
const TAG = { authTagLength: 16 };

function seal(key: Uint8Array, plain: Uint8Array): Uint8Array {
	const cipher = createCipheriv(CIPHER, key, NONCE, TAG);
	return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
	const decipher = createDecipheriv(CIPHER, key, NONCE, TAG);
	decipher.setAuthTag(sealed.subarray(-TAG.authTagLength));
	try {
		const opened = decipher.update(sealed.subarray(0, -TAG.authTagLength));
		decipher.final();
		return opened;
	} catch {
		return undefined;
	}
}

function altered(sealed: Uint8Array): Uint8Array {
	return sealed.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
}
