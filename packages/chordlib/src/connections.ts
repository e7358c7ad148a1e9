import { type Address, formatAddress, sameAddress } from "./address.ts";
import type { AdmissionLimit } from "./admission.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Contact } from "./contact.ts";
import { ChordError } from "./errors.ts";
import type { Id } from "./id.ts";
import type { LinkHandler, Link, Timer, Transport } from "./ports.ts";
import { Proofs } from "./proofs.ts";
import type { Cancel } from "./protocol.ts";
import { encodeOpening } from "./wire/messages.ts";
import type { GoodbyeReason } from "./wire/messages.ts";

/** Takes a ready link, or the reason why there is none. */
export type Opened = (error: ChordError | undefined, connection?: Connection) => void;

/** What happens to links, told to the node. */
export interface ConnectionEvents {
	/** A link is ready, whoever dialled. */
	opened(connection: Connection): void;
	/** A ready link is gone, and no other to that peer took its place. */
	lost(connection: Connection): void;
}

/** Who waits for a dial. One that came when it was under way may have to do with a node that was not there yet. */
interface Waiter {
	readonly done: Opened;
	cameLate: boolean;
	wanted: boolean;
}

/** An address that is being dialled, and who waits for it. */
interface Dial {
	readonly address: Address;
	readonly connection: Connection;
	readonly waiters: Set<Waiter>;
	/** Set while the other end's own dial is given time to arrive. */
	yielded?: Timer;
	/** It follows one that waited for the other end's in vain. */
	isLast?: boolean;
}

/** How long a link that was replaced, or released, stays for what the other end had sent over it by then. */
const GRACE = 1_000;

/** Of all links, at most one in so many is reserved for peers that this node dials. */
const RESERVABLE = 8;

/** Who comes too often, or is barred, is not told so. */
const SILENT: ReadonlySet<AdmissionLimit> = new Set([
	"barTime",
	"inboundPerIp",
	"inboundPerSubnet",
]);

/** How long a link that may be dead has to show a sign of life. */
const PROBE = 2_000;

/**
 * A node's links, at most one to each peer.
 *
 * Two nodes that dial each other at once keep the link that the one with the lower id dialled. Otherwise the
 * newer link wins: who dials again has lost the older one.
 */
export class Connections {
	readonly #owner: ConnectionOwner;
	readonly #transport: Transport;
	readonly #events: ConnectionEvents;
	readonly proofs: Proofs;
	readonly #ready = new Map<Id, Connection>();
	readonly #dials = new Map<string, Dial>();
	/** Accepted links that have not said who they are, and links that were replaced and end when they are quiet. */
	readonly #pending = new Set<Connection>();
	readonly #retired = new Map<Connection, number>();
	/** Accepted links that count for where they come from. */
	readonly #admitted = new Map<Connection, string>();
	/** Links whose openers want them no more, and when those were last of use by then. */
	readonly #released = new WeakMap<Connection, number>();
	/** Links that were asked for by more than who opened them. */
	readonly #shared = new WeakSet<Connection>();
	#pins: ReadonlyMap<Id, Contact> = new Map();
	#sweep: Timer | undefined;
	#stopped = false;
	/** Set while it is about to be seen whether the worst link has to go. */
	#crowded = false;

	constructor(owner: ConnectionOwner, transport: Transport, events: ConnectionEvents) {
		this.#owner = owner;
		this.#transport = transport;
		this.#events = events;
		this.proofs = new Proofs(owner, transport);
	}

	/** The ready link to a peer. */
	get(id: Id): Connection | undefined {
		return this.#ready.get(id);
	}

	/** The ready link to a peer, where that is in the life that is meant. */
	to(contact: Contact): Connection | undefined {
		const existing = this.#ready.get(contact.id);
		return existing?.contact !== undefined && contact.means(existing.contact)
			? existing
			: undefined;
	}

	/** All ready links. */
	values(): IterableIterator<Connection> {
		return this.#ready.values();
	}

	/** Looks after links from now on, until {@link closeAll}. */
	start(): void {
		const { clock, limits } = this.#owner;
		const interval = Math.min(limits.ping, limits.idle) / 2;
		this.#stopped = false;
		this.#sweep?.cancel();
		this.#sweep = clock.schedule(interval, () => {
			this.#check();
			this.start();
		});
	}

	/** Keeps links to these peers open, and opens those that are missing; lets go of others when they are idle. */
	keep(neighbours: ReadonlyMap<Id, Contact>): void {
		this.#pins = neighbours;
		for (const contact of neighbours.values()) {
			if (this.to(contact) === undefined) this.open(contact, () => {});
		}
	}

	/** The link to a peer: the one there is, or a new one. Cancelling only stops the waiting. */
	open(contact: Contact, done: Opened): Cancel {
		const ready = this.to(contact);
		if (ready !== undefined) {
			this.#shared.add(ready);
			return this.#later(() => {
				if (this.#ready.get(contact.id) === ready) done(undefined, ready);
				else
					done(new ChordError("CLOSED", `the link to ${formatAddress(contact.address)} is gone`));
			});
		}
		const existing = this.#ready.get(contact.id);
		if (existing === undefined && !contact.dialable) {
			return this.#later(() => {
				done(new ChordError("UNREACHABLE", "it is a leaf, which nobody can dial, and not linked"));
			});
		}
		return existing === undefined
			? this.#await(contact.address, (error, connection) => {
					const other = connection?.contact !== undefined && !contact.means(connection.contact);
					done(other ? elsewhere(contact) : error, other ? undefined : connection);
				})
			: this.#openPast(existing, contact, done);
	}

	/** Who has had the link to a peer opened wants it no more. It ends soon, unless it is of use from now on. */
	release(contact: Contact): void {
		const link = this.to(contact);
		if (link !== undefined) this.#released.set(link, link.used);
	}

	/** A link to another life of it: when that one answers, the one meant is gone; when it does not, it may be there. */
	#openPast(existing: Connection, contact: Contact, done: Opened): Cancel {
		let cancel = existing.probe(PROBE, (answered) => {
			if (answered) done(elsewhere(contact));
			else cancel = this.open(contact, done);
		});
		return () => {
			cancel();
		};
	}

	/** A link to whoever listens at an address. */
	openAddress(address: Address, done: Opened): Cancel {
		for (const { contact } of this.#ready.values()) {
			if (contact !== undefined && sameAddress(contact.address, address)) {
				return this.open(contact, done);
			}
		}
		return this.#await(address, done);
	}

	/** Dials an address, or waits with others for the dial that is under way. */
	#await(address: Address, done: Opened): Cancel {
		if (sameAddress(address, this.#owner.self().contact.address)) {
			return this.#later(() => {
				done(new ChordError("UNREACHABLE", `${formatAddress(address)} is this node itself`));
			});
		}
		const underWay = this.#dials.get(formatAddress(address));
		if (underWay !== undefined) this.#shared.add(underWay.connection);
		const dial = underWay ?? this.#dial(address);
		if (dial === undefined) {
			return this.#later(() => {
				done(
					this.#stopped
						? new ChordError("CLOSED", "the node closed its links")
						: new ChordError("BUSY", `all ${this.#owner.limits.links} links are in use`),
				);
			});
		}
		const waiter: Waiter = { done, cameLate: underWay !== undefined, wanted: true };
		dial.waiters.add(waiter);
		return () => {
			waiter.wanted = false;
		};
	}

	/** A link that was accepted. */
	accept(link: Link): LinkHandler {
		const { admission } = this.#owner;
		const { host } = link.remote;
		const obstacle = admission.enter(host);
		if (obstacle !== undefined && SILENT.has(obstacle)) return turnAway(link);
		const connection = new Connection(this.#owner, false);
		connection.link = link;
		this.#pending.add(connection);
		if (obstacle === undefined) this.#admitted.set(connection, host);
		if (obstacle !== undefined || !this.#hasRoomForAccepted()) {
			link.send(
				encodeOpening({
					kind: "refusal",
					reason: "full",
					explanation: "this node has too many links",
				}),
			);
			connection.end("full");
		}
		return connection;
	}

	/** Whether the link that was just accepted is not one too many; another may go for it. */
	#hasRoomForAccepted(): boolean {
		const { counter, limits } = this.#owner;
		if (this.#pending.size > limits.pendingLinks) {
			counter.count("pendingLinks");
			return false;
		}
		if (this.#size() > limits.links) {
			counter.count("links");
			if (!this.#makeRoom()) return false;
		}
		const reserved = Math.min(limits.outboundLinks, Math.floor(limits.links / RESERVABLE));
		let accepted = this.#pending.size;
		for (const { dialled } of this.#ready.values()) if (!dialled) accepted++;
		if (accepted <= limits.links - reserved) return true;
		counter.count("outboundLinks");
		return this.#makeRoom(({ dialled }) => !dialled);
	}

	/** Decides whether an accepted link, which has now said who it is, may be. */
	admit(connection: Connection): GoodbyeReason | undefined {
		const { contact } = connection;
		if (contact === undefined) return "malformed";
		const self = this.#owner.self().contact;
		if (contact.id === self.id) return "self";
		const ourDialWins = self.id < contact.id;
		const existing = this.#ready.get(contact.id);
		const dial = this.#dials.get(formatAddress(contact.address));
		if (ourDialWins && dial !== undefined && dial.yielded === undefined) return "duplicate";
		if (ourDialWins && existing?.dialled && existing.contact?.same(contact)) {
			existing.probe(PROBE);
			return "duplicate";
		}
		this.#pending.delete(connection);
		// What is said to a new link comes after our own identify, which follows this.
		this.#owner.clock.defer(() => {
			if (this.#ready.get(contact.id) === connection) this.#announce(connection);
		});
		this.#enter(connection, contact);
		return undefined;
	}

	/** A link that we dialled was let in. */
	ready(connection: Connection): void {
		const { contact } = connection;
		if (contact === undefined) return;
		if (contact.id === this.#owner.self().contact.id) {
			connection.end("self");
			return;
		}
		this.proofs.meet(connection);
		this.#enter(connection, contact);
		this.#announce(connection);
	}

	closed(connection: Connection, why: () => ChordError): void {
		this.#pending.delete(connection);
		this.#retired.delete(connection);
		const host = this.#admitted.get(connection);
		this.#admitted.delete(connection);
		if (host !== undefined) this.#owner.admission.leave(host);
		for (const [key, dial] of this.#dials) {
			if (dial.connection === connection) this.#dialFailed(key, dial, why());
		}
		const { contact } = connection;
		if (contact !== undefined && this.#ready.get(contact.id) === connection) {
			this.#ready.delete(contact.id);
			this.#events.lost(connection);
		}
	}

	/**
	 * Some link has more unsent bytes than its share. Where all together have too many at the end of the turn, the worst
	 * have to go.
	 */
	crowded(): void {
		if (this.#crowded) return;
		this.#crowded = true;
		const { clock, counter, limits } = this.#owner;
		// Whoever is sending just now does not expect that a link is gone when it comes back.
		clock.defer(() => {
			this.#crowded = false;
			if (this.buffered <= limits.writeBuffers) return;
			for (const worst of this.#all().toSorted((a, b) => b.buffered - a.buffered)) {
				if (this.buffered <= limits.writeBuffers) return;
				counter.count("writeBuffers");
				worst.fail(worst.behind());
			}
		});
	}

	/** Unsent bytes on all links. */
	get buffered(): number {
		let sum = 0;
		for (const link of this.#ready.values()) sum += link.buffered;
		for (const link of this.#pending) sum += link.buffered;
		for (const link of this.#retired.keys()) sum += link.buffered;
		return sum;
	}

	/** How many links there are of each kind. */
	get counts(): { links: number; pendingLinks: number; dials: number } {
		const { size: links } = this.#ready;
		return { links, pendingLinks: this.#pending.size, dials: this.#dials.size };
	}

	#all(): Connection[] {
		return [...this.#ready.values(), ...this.#pending, ...this.#retired.keys()];
	}

	/** Ends every link, and all that waits for one. None is opened any more until {@link start}. */
	closeAll(reason: GoodbyeReason): void {
		this.#sweep?.cancel();
		this.#stopped = true;
		const error = new ChordError("CLOSED", "the node closed its links");
		for (const [key, dial] of this.#dials) {
			this.#settle(key, dial, error);
			dial.connection.fail(error);
		}
		for (const connection of this.#all()) {
			connection.end(reason);
		}
	}

	/** Ends links that were opened under another key of the network than these, and those that are being opened. */
	endForeign(secrets: readonly Uint8Array[]): void {
		if (secrets.length === 0) return;
		const own = ({ secret }: Connection): boolean =>
			secrets.some((known) => known.every((byte, index) => byte === secret?.[index]));
		const open = [...this.#ready.values(), ...this.#pending, ...this.#retired.keys()];
		for (const connection of open) if (!own(connection)) connection.end("secret");
		const changed = new ChordError("CLOSED", "the network's secret was changed meanwhile");
		for (const { connection } of [...this.#dials.values()]) connection.fail(changed);
	}

	#size(): number {
		return this.#ready.size + this.#dials.size + this.#pending.size + this.#retired.size;
	}

	#later(run: () => void): Cancel {
		let wanted = true;
		this.#owner.clock.defer(() => {
			if (wanted) run();
		});
		return () => {
			wanted = false;
		};
	}

	/** Ends the link that was of no use for the longest time, of those among `any` that the ring does not need. */
	#makeRoom(any: (connection: Connection) => boolean = () => true): boolean {
		let idlest: Connection | undefined;
		for (const [id, connection] of this.#ready) {
			if (this.#pins.has(id) || !connection.rpc.quiet || !any(connection)) continue;
			if (idlest === undefined || connection.used < idlest.used) idlest = connection;
		}
		idlest?.end("full");
		return idlest !== undefined;
	}

	#dial(address: Address): Dial | undefined {
		const { counter, limits } = this.#owner;
		if (this.#stopped) return undefined;
		if (this.#size() >= limits.links) {
			counter.count("links");
			if (!this.#makeRoom()) return undefined;
		}
		const connection = new Connection(this.#owner, true);
		const dial: Dial = { address, connection, waiters: new Set() };
		this.#dials.set(formatAddress(address), dial);
		connection.link = this.#transport.dial(address, connection);
		return dial;
	}

	#dialFailed(key: string, dial: Dial, error: ChordError): void {
		const mayYield = dial.yielded === undefined && dial.isLast !== true;
		if (dial.connection.goodbye === "duplicate" && mayYield) {
			// The other end is dialling us, or has a link already, and that is the one to keep.
			dial.yielded = this.#owner.clock.schedule(this.#owner.limits.dialTimeout, () => {
				// What it had must have been dead: by now it has seen that.
				this.#dialOnceMore(key, dial, error);
			});
			return;
		}
		this.#settle(key, dial, error);
	}

	/** For those who still wait: one dial more, and no other after it. */
	#dialOnceMore(key: string, dial: Dial, error: ChordError): void {
		const waiting = [...dial.waiters].filter(({ wanted }) => wanted);
		this.#dials.delete(key);
		const again = waiting.length > 0 ? this.#dial(dial.address) : undefined;
		if (again === undefined) {
			this.#settle(key, dial, error);
			return;
		}
		again.isLast = true;
		if (this.#shared.has(dial.connection)) this.#shared.add(again.connection);
		for (const waiter of waiting) {
			waiter.cameLate = false;
			again.waiters.add(waiter);
		}
	}

	#settle(key: string, dial: Dial, error: ChordError | undefined, connection?: Connection): void {
		this.#dials.delete(key);
		dial.yielded?.cancel();
		for (const waiter of dial.waiters) {
			if (!waiter.wanted) continue;
			if (error?.code === "UNREACHABLE" && waiter.cameLate && !this.#stopped) {
				this.#dialAnew(dial.address, waiter, error);
			} else {
				waiter.wanted = false;
				waiter.done(error, connection);
			}
		}
	}

	/** A dial failed that `waiter` shared: it gets one that began after it came. */
	#dialAnew(address: Address, waiter: Waiter, error: ChordError): void {
		const dial = this.#dials.get(formatAddress(address)) ?? this.#dial(address);
		if (dial === undefined) waiter.done(error);
		waiter.cameLate = false;
		dial?.waiters.add(waiter);
	}

	/** Makes `connection` the link to its peer. */
	#enter(connection: Connection, contact: Contact): void {
		const existing = this.#ready.get(contact.id);
		this.#ready.set(contact.id, connection);
		if (existing !== undefined) this.#retire(existing);
		if (this.#sweep === undefined) this.start();
	}

	/** Tells everyone who waits for `connection` that it is ready. */
	#announce(connection: Connection): void {
		this.#events.opened(connection);
		for (const [key, dial] of this.#dials) {
			const ours = dial.connection === connection;
			const theirs =
				connection.contact !== undefined && sameAddress(dial.address, connection.contact.address);
			if (!ours && !theirs) continue;
			this.#settle(key, dial, undefined, connection);
			if (!ours) dial.connection.fail(new ChordError("CLOSED", "the other end's dial came first"));
		}
	}

	/** Lets what is under way on a link that was replaced come to its end; {@link #check} ends it then. */
	#retire(connection: Connection): void {
		this.#retired.set(connection, this.#owner.clock.now());
	}

	#check(): void {
		const { clock, limits } = this.#owner;
		const now = clock.now();
		for (const [connection, since] of this.#retired) {
			const age = now - since;
			const settled = age >= GRACE && connection.rpc.quiet;
			if (settled || age >= limits.requestTimeout) connection.end("replaced");
		}
		for (const connection of this.#ready.values()) this.#checkLink(connection, now);
		for (const connection of this.#retired.keys()) this.#checkLink(connection, now);
	}

	#checkLink(connection: Connection, now: number): void {
		const { counter, limits } = this.#owner;
		const silence = now - connection.heard;
		if (connection.buffered <= limits.writeBufferSoft) connection.flowing = now;
		if (silence >= limits.dead) {
			counter.count("dead");
			connection.fail(connection.silent());
		} else if (now - connection.flowing >= limits.dead) {
			counter.count("dead");
			connection.fail(connection.behind());
		} else if (this.#isNeedless(connection) && this.#isIdle(connection, now)) {
			connection.end("idle");
		} else if (silence >= (connection.dialled ? 1 : 2) * limits.ping) {
			// One end asks, and both hear from each other; the other end asks when that one does not.
			connection.ping();
		}
	}

	/** Whether nobody used a link for as long as it may stay so. */
	#isIdle(connection: Connection, now: number): boolean {
		const { counter, limits } = this.#owner;
		const { used } = connection;
		if (now - used >= limits.idle) {
			counter.count("idle");
			return true;
		}
		const isReleased = this.#released.get(connection) === used && !this.#shared.has(connection);
		return isReleased && now - used >= GRACE;
	}

	/** Whether this end, which dialled, needs a link no more. */
	#isNeedless({ contact, dialled, rpc }: Connection): boolean {
		return dialled && contact !== undefined && !this.#pins.has(contact.id) && rpc.quiet;
	}
}

/** Closes a link without a word: to answer a flood is to take part in it. */
function turnAway(link: Link): LinkHandler {
	link.destroy();
	return { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
}

function elsewhere({ address }: Contact): ChordError {
	return new ChordError(
		"UNREACHABLE",
		`another node, or another life of it, answers at ${formatAddress(address)}`,
	);
}
