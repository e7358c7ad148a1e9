import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { Contact, RemoteNode } from "./contact.ts";
import { ChordError, isMalformed } from "./errors.ts";
import { guard } from "./events.ts";
import { type Hash, hashOf } from "./hash.ts";
import type { Id } from "./id.ts";
import { type Limits, bodyLimit } from "./limits.ts";
import type { Clock } from "./ports.ts";
import type { Handlers } from "./protocol.ts";
import { type Envelope, routed } from "./ring/messages.ts";
import type { Ring } from "./ring/ring.ts";
import { nextHop } from "./ring/route.ts";
import type { LimitCounter } from "./stats.ts";
import { filling } from "./wire/codec.ts";
import { Reader } from "./wire/reader.ts";

/** Where a routed message came from and was meant for. */
export interface Routed {
	/** Who sent it, by its own word. */
	readonly origin: RemoteNode;
	/** The id that it was routed towards. */
	readonly target: Hash;
	/** True when this node is the target itself, not merely the owner of its place. */
	readonly exact: boolean;
	/** Links that it crossed, by the relays' word. */
	readonly hops: number;
	/** Who handed it over: the last relay, or its origin; `undefined` for what this node sent to itself. */
	readonly via: RemoteNode | undefined;
}

/** What routing asks of the node that it is part of. */
export interface RoutingPorts {
	readonly clock: Clock;
	readonly limits: Limits;
	readonly counter: LimitCounter;
	readonly handlers: Handlers<Routed>;
	/** A handler threw something that is not about the bytes that it was given. */
	handlerFailed(error: unknown): void;
}

/** What an envelope holds besides its origin and its body, in bytes. */
const ENVELOPE = 32 + 4 + 1 + 1;

/** What a message that waits for a link takes besides its body. */
const HELD_OVERHEAD = 256;

/** Messages along the ring, towards the node that an id names or that owns it: this node's own, and others' that it relays. */
export class Routing {
	readonly #ring: Ring;
	readonly #connections: Connections;
	readonly #ports: RoutingPorts;
	/** Bytes of messages that wait for links to their targets. */
	#held = 0;

	constructor(ring: Ring, connections: Connections, ports: RoutingPorts) {
		this.#ring = ring;
		this.#connections = connections;
		this.#ports = ports;
	}

	/** Starts a message on its way to the owner of `target`; over the link to `via` first, where that is given. */
	route(target: Id, tag: number, body: Uint8Array, via: Id | undefined): boolean {
		const origin = this.#ring.state.self;
		const envelope: Envelope = { target, origin, tag, hops: 0, last: false, body };
		const most = bodyLimit(this.#ports.limits) - ENVELOPE - origin.wire.length;
		// What is too large to be sent is refused even where it need not be.
		if (body.length > most) {
			throw new ChordError("TOO_LARGE", `${body.length} bytes where ${most} are allowed`);
		}
		if (via === undefined) return this.forward(envelope);
		const link = this.#connections.get(via);
		if (link !== undefined) this.#pass(link, envelope, false);
		return link !== undefined;
	}

	/** The link that a message for `target` would go over from here. */
	nextHop(target: Id): Connection | undefined {
		const hop = nextHop(this.#ring.state, this.#connections, { target, last: false }, false);
		return hop.kind === "link" ? hop.link : undefined;
	}

	/**
	 * Takes a routed message, which came from `via`, one hop further, or hands it to its handler here. Relays open links
	 * where that `opens` some.
	 */
	forward(envelope: Envelope, via?: Contact, opens: boolean = envelope.hops > 0): boolean {
		const { clock, counter, limits } = this.#ports;
		const hop = nextHop(this.#ring.state, this.#connections, envelope, opens);
		if (hop.kind === "none") return false;
		if (hop.kind === "open") return this.#forwardOnceLinked(envelope, hop.contact);
		if (hop.kind === "here") {
			clock.defer(() => {
				this.#arrive(envelope, via);
			});
			return true;
		}
		const limit = obstacle(envelope, hop.link, limits);
		if (limit !== undefined) {
			counter.count(limit);
			return false;
		}
		this.#pass(hop.link, envelope, hop.last);
		return true;
	}

	/** A message waits until there is a link to its target; where none can be had it goes on along the ring. */
	#forwardOnceLinked(envelope: Envelope, target: Contact): boolean {
		const { counter, limits } = this.#ports;
		const size = envelope.body.length + HELD_OVERHEAD;
		if (this.#held + size > limits.writeBufferSoft) {
			counter.count("writeBufferSoft");
			return false;
		}
		this.#held += size;
		const kept = { ...envelope, body: new Uint8Array(envelope.body) };
		this.#connections.open(target, (error) => {
			this.#held -= size;
			if (error !== undefined) this.#ring.suspect(target);
			this.forward(kept, undefined, false);
		});
		return true;
	}

	#arrive({ target, origin, tag, hops, body }: Envelope, via: Contact | undefined): void {
		const handle = this.#ports.handlers.notice(tag);
		const { self } = this.#ring.state;
		const exact = target === self.id;
		const place = exact ? self.hash : hashOf(target);
		const report = (error: unknown): void => {
			// A body that makes no sense is its sender's trouble, not this program's.
			if (!isMalformed(error)) this.#ports.handlerFailed(error);
		};
		guard(() => handle?.(new Reader(body), { origin, target: place, exact, hops, via }), report);
	}

	#pass(link: Connection, envelope: Envelope, last: boolean): void {
		const { target, origin, tag, hops, body } = envelope;
		const onward: Envelope = { target, origin, tag, hops: hops + 1, last, body };
		const fill = filling(routed.body, onward, bodyLimit(this.#ports.limits));
		link.rpc.notify(routed.tag, fill, onward);
	}
}

/** The limit for which a routed message goes no further. */
function obstacle(
	{ hops }: Envelope,
	{ buffered }: Connection,
	limits: Limits,
): "hops" | "writeBufferSoft" | undefined {
	if (hops >= limits.hops) return "hops";
	return buffered > limits.writeBufferSoft ? "writeBufferSoft" : undefined;
}
