import { type Address, NOWHERE, canonicalAddress, formatAddress } from "./address.ts";
import { Admission } from "./admission.ts";
import type { Connection, ConnectionOwner, PeerLink } from "./connection.ts";
import { Connections } from "./connections.ts";
import { Contact } from "./contact.ts";
import { ChordError } from "./errors.ts";
import { type Hash, idOf } from "./hash.ts";
import { type Limits, bodyLimit } from "./limits.ts";
import type { Proof } from "./options.ts";
import type { Clock, Crypto, Random, Transport } from "./ports.ts";
import {
	type Answer,
	type Cancel,
	type Handlers,
	type NoticeType,
	type RequestType,
} from "./protocol.ts";
import { PROMPT, routed, standing } from "./ring/messages.ts";
import type { RingNetwork } from "./ring/network.ts";
import { Ring, type RingEvents, type RingOptions } from "./ring/ring.ts";
import { RoundTrips } from "./ring/round-trips.ts";
import { type Routed, Routing } from "./routing.ts";
import type { Identity } from "./secure/identity.ts";
import type { LinkSecurity } from "./secure/link-handshake.ts";
import { type NodeRecord, OpenedRecords, RECORD_LIFE, signRecord } from "./secure/record.ts";
import type { LimitCounter, NodeStats } from "./stats.ts";
import { decode, encode } from "./wire/codec.ts";

/** What a node stands on: the system's clock, randomness and TCP, unless others are given. */
export interface Ports {
	/** Time. */
	readonly clock: Clock;
	/** Chance. */
	readonly random: Random;
	/** The network. */
	readonly transport: Transport;
}

/** What a node is made with. */
export interface CoreOptions extends RingOptions {
	readonly ports: Ports;
	readonly limits: Limits;
	/** Whether limits by address and by rate hold for loopback and private addresses too. */
	readonly limitLocal: boolean;
	/** Whether nodes that dialled this one must be dialled back before they get a place in the ring. */
	readonly proof: Proof;
	readonly counter: LimitCounter;
	readonly crypto: Crypto;
	/** SHA-256 of the network's name. */
	readonly network: Uint8Array;
	/** Who the node is; made when it is first asked for. */
	readonly identity: () => Identity;
	readonly encrypted: boolean;
	/** The network's keys, the one to dial with first; none in an open network. */
	readonly secrets: readonly Uint8Array[];
	readonly handlers: Handlers<Connection>;
	readonly routedHandlers: Handlers<Routed>;
}

/** What a node tells of itself. */
export interface CoreEvents extends RingEvents {
	link(link: Connection, peer: Contact): void;
	unlink(peer: Contact): void;
	/** For the `send` hook, where there is one: a view, that holds until this returns. */
	readonly sent: ((link: PeerLink, packet: Uint8Array) => void) | undefined;
	/** A handler failed. */
	failed(error: unknown): void;
}

/**
 * The inside of a node that listens: its links, its place in the ring, its lookups and what is routed through it.
 * All of it is callbacks and explicit state; promises begin in `local-node.ts`.
 */
export class Core {
	readonly hash: Hash;
	readonly address: Address;
	readonly ring: Ring;
	readonly connections: Connections;
	readonly routing: Routing;
	readonly #options: CoreOptions;
	readonly #events: CoreEvents;
	readonly #counter: LimitCounter;
	readonly #admission: Admission;
	/** Requests under way over all links. */
	readonly #pending = { asked: 0, serving: 0 };
	readonly #roundTrips = new RoundTrips();
	#secrets: readonly Uint8Array[];
	#record: NodeRecord | undefined;
	/** Records that were signed. */
	#signed = 0;

	constructor(hash: Hash, address: Address, options: CoreOptions, events: CoreEvents) {
		this.hash = hash;
		this.address = address;
		this.#options = options;
		this.#events = events;
		const { counter, handlers, limits, limitLocal, ports } = options;
		this.#counter = counter;
		this.#admission = new Admission(ports.clock, limits, counter, limitLocal);
		this.#secrets = options.secrets;
		this.connections = new Connections(this.#connectionOwner(), ports.transport, {
			opened: (link) => {
				if (link.contact !== undefined) events.link(link, link.contact);
			},
			lost: (link) => {
				this.#linkLost(link);
			},
		});
		this.ring = new Ring(
			this.#incarnate(canonicalAddress(address)),
			this.#ringNetwork(),
			options,
			events,
		);
		this.routing = new Routing(this.ring, this.connections, {
			clock: ports.clock,
			limits,
			counter,
			handlers: options.routedHandlers,
			handlerFailed: (error) => {
				events.failed(error);
			},
		});
		handlers.onNotice(standing, (now, { contact }) => {
			const link = contact && this.connections.get(contact.id);
			if (contact === undefined || link === undefined) return;
			link.standing = now;
			if (now === "outside") this.ring.gone(contact);
		});
		handlers.onNotice(routed, (envelope, { contact }) => {
			const { self, standing: now } = this.ring.state;
			const own = now === "leaf" && envelope.target === self.id;
			if (now === "member" || own) this.routing.forward(envelope, contact);
		});
	}

	get stats(): NodeStats {
		const { connections } = this;
		const { known, barred } = this.#admission;
		return {
			...connections.counts,
			buffered: connections.buffered,
			requests: { ...this.#pending },
			hosts: { known, barred },
			reached: this.#counter.counts,
		};
	}

	/** Leaves the ring and ends every link. What comes after is another incarnation. */
	depart(reason: "leaving" | "closing"): void {
		this.ring.leave();
		this.connections.closeAll(reason);
		this.ring.state.self = this.#incarnate(this.ring.state.self.address);
	}

	/** Turns into a leaf, or into one that is none any more. Whoever had a link to it meets somebody else. */
	become(kind: "leaf" | "dialable"): void {
		const address = kind === "leaf" ? NOWHERE : canonicalAddress(this.address);
		if (address.port === this.ring.state.self.address.port) return;
		this.depart("leaving");
		this.ring.state.self = this.#incarnate(address);
		this.connections.start();
	}

	/** What the node says of itself, signed; another in each life, and in time before it expires. */
	get record(): NodeRecord {
		const { identity, ports } = this.#options;
		const { self } = this.ring.state;
		const now = ports.clock.wall();
		const fresh =
			this.#record !== undefined &&
			this.#record.contact === self &&
			this.#record.expires - now > RECORD_LIFE / 2;
		if (!fresh || this.#record === undefined) {
			this.#record = signRecord(identity(), self, { sequence: ++this.#signed, now });
		}
		return this.#record;
	}

	/** Whether it is known that a record's id belongs to its key. */
	isProven(record: NodeRecord): boolean {
		if (record.mode !== "address") return record.mode === "key";
		const link = this.connections.get(record.contact.id);
		const linked = link?.verified === true && sameKey(link.record, record);
		return linked || this.connections.proofs.hasMet(record);
	}

	/** Links are opened under these keys from now on; those that were opened under others end. */
	changeSecrets(secrets: readonly Uint8Array[]): void {
		this.#secrets = secrets;
		this.connections.endForeign(secrets);
	}

	/** A request over the link to a node, opened first when there is none. */
	call(
		to: Contact,
		tag: number,
		body: Uint8Array,
		budget: number,
		done: Answer<Uint8Array>,
	): Cancel {
		const link = this.connections.to(to);
		if (link === undefined) return this.#callAnew(to, tag, body, budget, done);
		const { clock } = this.#options.ports;
		const deadline = clock.now() + budget;
		let cancel = this.#request(link, tag, body, budget, (error, response) => {
			// Who let go of a link that nobody used had not heard the question yet.
			if (error?.code === "CLOSED" && link.goodbye === "idle" && to.dialable) {
				cancel = this.#callAnew(to, tag, body, Math.max(1, deadline - clock.now()), done);
			} else {
				done(error, response);
			}
		});
		return () => {
			cancel();
		};
	}

	/** The same over a link that has to be opened. */
	#callAnew(
		to: Contact,
		tag: number,
		body: Uint8Array,
		budget: number,
		done: Answer<Uint8Array>,
	): Cancel {
		const { clock } = this.#options.ports;
		const deadline = clock.now() + budget;
		let cancelRequest: Cancel = () => {};
		const timer = clock.schedule(budget, () => {
			cancelOpening();
			done(new ChordError("TIMEOUT", `${formatAddress(to.address)} did not answer in time`));
		});
		const cancelOpening = this.connections.open(to, (error, connection) => {
			timer.cancel();
			if (connection === undefined) {
				done(error);
				return;
			}
			const left = Math.max(1, deadline - clock.now());
			cancelRequest = this.#request(connection, tag, body, left, done);
		});
		return () => {
			timer.cancel();
			cancelOpening();
			cancelRequest();
		};
	}

	/** A request over a link. What is answered at once tells its round trip. */
	#request(
		link: Connection,
		tag: number,
		body: Uint8Array,
		budget: number,
		done: Answer<Uint8Array>,
	): Cancel {
		const { contact: peer } = link;
		if (peer === undefined || !PROMPT.has(tag)) return link.rpc.request(tag, body, budget, done);
		const { clock } = this.#options.ports;
		const asked = clock.now();
		return link.rpc.request(tag, body, budget, (error, response) => {
			if (error === undefined) this.#roundTrips.add(peer.id, clock.now() - asked);
			done(error, response);
		});
	}

	/** This node in a new life. */
	#incarnate(address: Address): Contact {
		const bytes = this.#options.ports.random.bytes(6);
		// Never 0, which stands for any.
		const incarnation = bytes.reduce((value, byte) => value * 256 + byte, 0) || 1;
		return new Contact(idOf(this.hash), address, incarnation);
	}

	#linkLost(link: Connection): void {
		const { contact: peer } = link;
		if (peer === undefined) return;
		this.#events.unlink(peer);
		if (link.goodbye === "leaving" || link.goodbye === "closing") this.ring.gone(peer);
		// Who ends a link in good order is alive.
		else if (link.goodbye === undefined) this.ring.suspect(peer);
	}

	#connectionOwner(): ConnectionOwner {
		const { handlers, limits, network, ports } = this.#options;
		const { clock } = ports;
		return {
			clock,
			limits,
			greeting: { network, security: this.#linkSecurity() },
			admission: this.#admission,
			counter: this.#counter,
			rpc: {
				clock,
				limits,
				handlers,
				counter: this.#counter,
				pending: this.#pending,
				handlerFailed: (error) => {
					this.#events.failed(error);
				},
			},
			self: () => ({
				contact: this.ring.state.self,
				standing: this.ring.state.standing === "member" ? "member" : "outside",
			}),
			isProven: (connection) => this.connections.proofs.isProven(connection),
			prove: (connection, done) => {
				if (this.#options.proof === "off") done(undefined);
				else if (this.#options.proof === "id" && connection.record?.mode === "data")
					done(unfounded);
				else this.connections.proofs.prove(connection, done);
			},
			admit: (connection) => this.connections.admit(connection),
			ready: (connection) => {
				this.connections.ready(connection);
			},
			closed: (connection, why) => {
				this.connections.closed(connection, why);
			},
			crowded: () => {
				this.connections.crowded();
			},
			sent: this.#events.sent,
		};
	}

	/** Whether who has a link to us is where it says that it is. */
	#prove(contact: Contact, required: boolean, done: Answer<void>): void {
		const link = this.connections.get(contact.id);
		if (this.#options.proof === "off" && !required) done(undefined);
		else if (link === undefined) done(new ChordError("CLOSED", "the link is gone"));
		else this.connections.proofs.prove(link, done);
	}

	/** A pointer is adopted when who it points to has answered: over a link that leads to where it is said to be. */
	#callProven(
		to: Contact,
		tag: number,
		body: Uint8Array,
		budget: number,
		done: Answer<Uint8Array>,
	): Cancel {
		const link = this.connections.get(to.id);
		const trusted = this.#options.proof === "off" || this.ring.state.standing === "leaf";
		if (trusted || link === undefined || this.connections.proofs.isProven(link)) {
			return this.call(to, tag, body, budget, done);
		}
		let cancel: Cancel | undefined;
		let wanted = true;
		this.#prove(to, true, (error) => {
			if (!wanted) return;
			if (error === undefined) cancel = this.call(to, tag, body, budget, done);
			else this.#options.ports.clock.defer(() => wanted && done(error));
		});
		return () => {
			wanted = false;
			cancel?.();
		};
	}

	#linkSecurity(): LinkSecurity | undefined {
		const { crypto, encrypted, identity, ports } = this.#options;
		if (!encrypted) return undefined;
		const opened = new OpenedRecords(crypto);
		return {
			crypto,
			random: ports.random,
			key: () => identity().exchange,
			secrets: () => this.#secrets,
			record: () => this.record.bytes,
			open: (bytes) => opened.open(bytes),
		};
	}

	/** What the ring's parts see of this node. */
	#ringNetwork(): RingNetwork {
		const { handlers, limits, ports } = this.#options;
		const { connections } = this;
		const encoded = <Body>({ body }: NoticeType<Body>, value: Body): Uint8Array =>
			encode(body, value, bodyLimit(limits));
		const call: RingNetwork["call"] = (to, type, value, budget, done) => {
			const body = encode(type.request, value, bodyLimit(limits));
			return this.#callProven(to, type.tag, body, budget, (error, bytes) => {
				answerWith(type, error, bytes, done);
			});
		};
		return {
			clock: ports.clock,
			random: ports.random,
			limits,
			counter: this.#counter,
			call,
			callOnce: (to, type, value, budget, done) => {
				const linked = connections.to(to) !== undefined;
				let answered = false;
				const cancel = call(to, type, value, budget, (error, response) => {
					answered = true;
					done(error, response);
					if (!linked) connections.release(to);
				});
				return () => {
					if (answered) return;
					cancel();
					if (!linked) connections.release(to);
				};
			},
			proof: this.#options.proof,
			prove: (contact, required, done) => {
				this.#prove(contact, required, done);
			},
			tell: (to, type, value) => {
				const body = encoded(type, value);
				const link = connections.to(to);
				if (link !== undefined) link.rpc.notify(type.tag, body);
				else connections.open(to, (_error, opened) => opened?.rpc.notify(type.tag, body));
			},
			tellAll: (type, value) => {
				const body = encoded(type, value);
				for (const connection of connections.values()) connection.rpc.notify(type.tag, body);
			},
			tellLeaves: (type, value) => {
				const body = encoded(type, value);
				for (const { contact, rpc } of connections.values()) {
					if (contact?.dialable === false) rpc.notify(type.tag, body);
				}
			},
			serve: (type, handle) => {
				handlers.onRequest(type, (value, connection, budget, answer) => {
					if (connection.contact === undefined) return undefined;
					if (connection.takesControl()) return handle(value, connection.contact, budget, answer);
					answer(new ChordError("BUSY", "too many requests a second"));
					return undefined;
				});
			},
			hear: (type, handle) => {
				handlers.onNotice(type, (value, connection) => {
					if (connection.contact !== undefined && connection.takesControl())
						handle(value, connection.contact);
				});
			},
			met: (id) => {
				const { contact, standing: now } = connections.get(id) ?? {};
				return contact && now && { contact, standing: now };
			},
			roundTrip: (id) => this.#roundTrips.get(id),
			keep: (neighbours) => {
				connections.keep(neighbours);
			},
		};
	}
}

function sameKey(a: NodeRecord | undefined, b: NodeRecord): boolean {
	return a !== undefined && a.publicKey.every((byte, index) => byte === b.publicKey[index]);
}

const unfounded = new ChordError(
	"NOT_DIALABLE",
	"its id is the hash of neither its address nor its key",
);

/** The value of a response's bytes. @throws ChordError `REMOTE` when they make no sense */
export function decodeResponse<Request, Response>(
	type: RequestType<Request, Response>,
	bytes: Uint8Array,
): Response {
	try {
		return decode(type.response, bytes);
	} catch (cause) {
		throw new ChordError("REMOTE", `the response to ${type.name} makes no sense`, { cause });
	}
}

/** Answers with what the bytes of a response say, or with the error. */
export function answerWith<Request, Response>(
	type: RequestType<Request, Response>,
	error: ChordError | undefined,
	bytes: Uint8Array | undefined,
	done: Answer<Response>,
): void {
	let response: Response | undefined;
	try {
		if (bytes !== undefined) response = decodeResponse(type, bytes);
	} catch (malformed) {
		done(malformed as ChordError);
		return;
	}
	done(error, response);
}
