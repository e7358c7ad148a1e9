/**
 * How a message gets to one other peer. What the two ends say to each other is in `delivery-messages.ts`, how that is
 * sealed in `session.ts`; the sender's end is in `outbound.ts`, the receiver's in `inbound.ts`.
 *
 * A sender opens a *session* with a target by a handshake, which proves to each who the other is, and tells the sender
 * whether the target is there at all (`session.ts`). Messages are cut into chunks, chunks are numbered, and the target takes
 * them in that order. Its acknowledgements are cumulative: "I have taken all before this number". What is not
 * acknowledged is sent again, over other routes too, until the sender gives up; with every chunk it says which
 * number is the lowest that it still cares about, so a message that was given up holds up none after it.
 * A session that one end has lost is over: what was under way in it is never sent in another, so that nothing
 * is taken twice.
 *
 * @module
 */
import type { Answer, Cancel, Clock, Crypto, Hash, LocalNode, Random } from "@cicada/chordlib";

import { type Lane, packetSize } from "./delivery-messages.ts";
import { Dialling } from "./dialling.ts";
import { SwarmError } from "./errors.ts";
import { type Explanation, Probe, type ProbePorts } from "./explain.ts";
import { Inbound, type ReassemblyLimits } from "./inbound.ts";
import { Occupants } from "./occupants.ts";
import type { Started } from "./operations.ts";
import { Outbound, type OutboundPorts } from "./outbound.ts";
import type { Outgoing, Route } from "./outgoing.ts";
import { type RemotePeer, remotePeer } from "./remote-peer.ts";
import { routeNetwork } from "./routes.ts";
import { type HandshakeLimits, Sessions, type Tampering } from "./session.ts";
import type { Approach } from "./session/approach.ts";
import type { Handshakes } from "./session/handshake.ts";
import type { SwarmLimit, SwarmStats } from "./stats.ts";
import type { Destination } from "./target.ts";

export type { Outgoing, Receipt, Route } from "./outgoing.ts";

/** What delivery asks of the peer that it is part of. */
export interface DeliveryPorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	readonly random: Random;
	readonly crypto: Crypto;
	/** How sessions are opened. */
	readonly handshakes: Handshakes;
	/** What came is not what was sent. */
	readonly tampered: (what: Tampering) => void;
	/** Takes a copy of a message; false when there is no room for it. */
	readonly accept: (source: RemotePeer, data: Uint8Array, lane: Lane) => boolean;
	/** Bytes of the largest message, and of the largest frame; how much of our own may be under way. */
	readonly limits: {
		readonly message: number;
		readonly frame: number;
		readonly outbox: OutboxLimits;
		/** Sessions that others opened; targets and lanes, and addresses, that are remembered: the one longest unused goes first. */
		readonly sessions: number;
		readonly handshakes: HandshakeLimits;
		readonly reassembly: ReassemblyLimits;
		/** Whether limits by IP address hold for loopback and private addresses too. */
		readonly local: boolean;
	};
	readonly reached: (limit: SwarmLimit) => void;
}

/** How much that is not acknowledged yet may be under way from a peer, to all targets together. */
export interface OutboxLimits {
	/** Default 65,536. */
	readonly messages: number;
	/** Default 64 MiB. */
	readonly bytes: number;
}

/** Messages from this peer to others, and from others to this one. */
export class Delivery {
	readonly #ports: DeliveryPorts;
	readonly #outboundPorts: OutboundPorts;
	/** By target and lane, the one used last, and the ways to the targets. */
	readonly #outbound = new Map<string, Outbound>();
	#latest: Outbound | undefined;
	readonly #approaches = new Map<string, Approach>();
	readonly #probes = new Set<Probe>();
	readonly #sessions: Sessions;
	readonly #inbound: Inbound;
	readonly #dialling: Dialling;
	readonly #occupants: Occupants;
	readonly #probePorts: ProbePorts;
	/** Messages to this peer itself for which there is no room yet. */
	readonly #toSelf = new Map<() => boolean, Outgoing>();
	/** Messages of our own that are neither acknowledged nor given up. */
	#pending = 0;
	#pendingBytes = 0;

	constructor(ports: DeliveryPorts) {
		this.#ports = ports;
		const { node, clock, accept, limits, reached } = ports;
		const { random, crypto, handshakes, tampered } = ports;
		this.#sessions = new Sessions({
			node,
			clock,
			random,
			crypto,
			handshakes,
			limits,
			reached,
			packet: (session, packet, hops) => {
				this.#inbound.receive(session, packet, hops);
			},
			ended: (session) => {
				this.#inbound.forget(session);
			},
			tampered,
		});
		const { peerOf } = this.#sessions;
		this.#dialling = new Dialling(node, clock, limits.sessions);
		this.#occupants = new Occupants(node, this.#dialling, limits.sessions);
		const routes = routeNetwork(node, clock, limits.local);
		const common = { node, clock, dialling: this.#dialling, routes };
		this.#probePorts = { ...common, sessions: this.#sessions };
		this.#outboundPorts = { ...common, packet: packetSize(limits.frame), peerOf };
		this.#inbound = new Inbound({
			clock,
			limits,
			reached,
			peerOf,
			accept,
			reply: (session, reply) => {
				this.#sessions.reply(session, reply);
			},
			end: (session) => {
				this.#sessions.end(session);
			},
		});
	}

	/** Sends a message whose data is ours to keep. */
	send(message: Outgoing): Cancel {
		const { outbox } = this.#ports.limits;
		const { length } = message.data;
		const tooMany = this.#pending >= outbox.messages;
		if (tooMany || (this.#pendingBytes + length > outbox.bytes && this.#pending > 0)) {
			this.#ports.reached(tooMany ? "outbox.messages" : "outbox.bytes");
			const what = `${this.#pending} messages of ${this.#pendingBytes} bytes are under way already`;
			message.done(new SwarmError("BUSY", what));
			return () => {};
		}
		this.#pending++;
		this.#pendingBytes += length;
		let open = true;
		const end = (): void => {
			if (!open) return;
			open = false;
			this.#pending--;
			this.#pendingBytes -= length;
		};
		const { destination, data, duplicates, route, lane } = message;
		const done: Outgoing["done"] = (error, receipt) => {
			end();
			message.done(error, receipt);
		};
		const counted: Outgoing = { destination, data, duplicates, route, lane, done };
		const cancel = this.#occupants.send(counted, (found) => this.#start(found));
		return () => {
			end();
			cancel();
		};
	}

	/** Says how a message would go to a target now; after `budget` milliseconds, what is known by then. */
	explain(
		destination: Destination,
		{ route, duplicates }: { readonly route: Route; readonly duplicates: number },
		budget: number,
		done: Answer<Explanation, SwarmError>,
	): Started {
		const { clock } = this.#ports;
		const deadline = clock.now() + budget;
		let cancel: Cancel | undefined;
		let wanted = true;
		this.#occupants.find(destination, route, (error, found) => {
			if (!wanted) return;
			const left = Math.max(1, deadline - clock.now());
			if (found === undefined || error !== undefined) done(error);
			else cancel = this.#probe(found, { route, duplicates }, left, done);
		});
		const stop = (): void => {
			wanted = false;
			cancel?.();
		};
		return { cancel: stop, progress: () => "" };
	}

	/** A destination as it is known by now: an address, with the id of who is there. */
	known(destination: Destination): Destination {
		return this.#occupants.of(destination);
	}

	/** Why a message to a target was not taken yet, in words. */
	progress(destination: Destination, lane: Lane): string {
		const { hash, address, name } = this.known(destination);
		const progress = this.#outbound.get(keyOf(hash, lane))?.progress ?? "its inbox is full";
		const dialled = address && this.#dialling.outcome(address);
		const why = dialled?.why === undefined ? "" : `; dialled: ${dialled.why}`;
		return `${name}: ${progress}${why}`;
	}

	/** Own messages that are not acknowledged, and what others' sessions hold. */
	get counts(): Pick<SwarmStats, "outbox" | "sessions"> {
		const outbox = { messages: this.#pending, bytes: this.#pendingBytes };
		return { outbox, sessions: { open: this.#sessions.incoming, ...this.#inbound.counts } };
	}

	/** There is room in the inbox again: those who were turned away may go on. */
	roomAgain(): void {
		const starved = new Set<Lane>();
		for (const [attempt, { lane }] of this.#toSelf) {
			if (!starved.has(lane) && !attempt()) starved.add(lane);
		}
		this.#inbound.roomAgain();
	}

	/** Ends every message under way, and forgets what came in. */
	reset(error: SwarmError): void {
		for (const sender of [...this.#outbound.values(), ...this.#probes]) sender.fail(error);
		for (const { done } of this.#toSelf.values()) done(error);
		this.#toSelf.clear();
		this.#outbound.clear();
		this.#latest = undefined;
		this.#approaches.clear();
		this.#probes.clear();
		this.#occupants.reset(error);
		this.#inbound.clear();
		this.#sessions.clear();
		this.#dialling.clear();
	}

	/** Likewise, for good. */
	close(error: SwarmError): void {
		// What was taken is still acknowledged, and nothing after that.
		this.reset(error);
		this.#sessions.close();
	}

	#probe(
		destination: Destination,
		{ route, duplicates }: { readonly route: Route; readonly duplicates: number },
		budget: number,
		done: Answer<Explanation, SwarmError>,
	): Cancel {
		const probe = new Probe(this.#probePorts, destination, budget, (error, explanation) => {
			this.#probes.delete(probe);
			done(error, explanation);
		});
		this.#probes.add(probe);
		probe.start(route, duplicates);
		return () => {
			this.#probes.delete(probe);
			probe.stop();
		};
	}

	#start(message: Outgoing): Cancel {
		const { destination, lane } = message;
		if (destination.hash.equals(this.#ports.node.hash)) return this.#sendToSelf(message);
		return this.#outboundTo(destination.hash, lane).send(message);
	}

	#sendToSelf(message: Outgoing): Cancel {
		const { data, done, lane } = message;
		const { node, clock, accept } = this.#ports;
		const started = clock.now();
		const target = remotePeer(node);
		const attempt = (): boolean => {
			if (!accept(target, data, lane)) return false;
			this.#toSelf.delete(attempt);
			done(undefined, { target, exact: true, copies: 1, hops: 0, rtt: clock.now() - started });
			return true;
		};
		const waiting = [...this.#toSelf.values()].some((other) => other.lane === lane);
		if (waiting || !attempt()) this.#toSelf.set(attempt, message);
		return () => {
			this.#toSelf.delete(attempt);
		};
	}

	#outboundTo(target: Hash, lane: Lane): Outbound {
		const latest = this.#latest;
		if (latest?.lane === lane && latest.target.equals(target)) return latest;
		const key = keyOf(target, lane);
		const outbound = this.#outbound.get(key) ?? this.#newOutbound(target, lane);
		this.#latest = outbound;
		this.#outbound.delete(key);
		this.#outbound.set(key, outbound);
		for (const [oldest, candidate] of this.#outbound) {
			if (this.#outbound.size <= this.#ports.limits.sessions) break;
			if (!candidate.idle || candidate === outbound) continue;
			this.#ports.reached("sessions");
			this.#outbound.delete(oldest);
			if (candidate.end()) this.#approaches.delete(candidate.target.toString());
		}
		return outbound;
	}

	#newOutbound(target: Hash, lane: Lane): Outbound {
		const name = target.toString();
		const approach = this.#approaches.get(name) ?? this.#sessions.approach(target);
		this.#approaches.set(name, approach);
		return new Outbound(this.#outboundPorts, approach, lane);
	}
}

function keyOf(target: Hash, lane: Lane): string {
	return `${lane} ${target.toString()}`;
}
