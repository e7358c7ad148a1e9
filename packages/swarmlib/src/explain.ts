import type { Answer, Clock, Hash, LocalNode, RemoteNode, Timer } from "@cicada/chordlib";

import type { Dialled, Dialling } from "./dialling.ts";
import type { SwarmError } from "./errors.ts";
import type { Route } from "./outgoing.ts";
import { Patience } from "./patience.ts";
import { type RemotePeer, remotePeer } from "./remote-peer.ts";
import { type RouteNetwork, Routes } from "./routes.ts";
import type { Asker, Party, Sessions } from "./session.ts";
import { whoType } from "./session/messages.ts";
import type { Destination } from "./target.ts";

/** How a message would go to a target now; see `SwarmPeer.explain`. */
export interface Explanation {
	/** The id that the target's name stands for. */
	readonly target: Hash;
	/** Who answered there; `undefined` when nobody did in time. */
	readonly peer: RemotePeer | undefined;
	/** Whether that is the target itself, not only the peer responsible for its place. */
	readonly exact: boolean;
	/** `"self"`; `"direct"`: over a link to who answered; `"ring"`: by relays; `"none"`: nobody answered. */
	readonly route: "self" | "direct" | "ring" | "none";
	/** To whom the message would be given first; `undefined` when to nobody. */
	readonly via: RemotePeer | undefined;
	/** Links that the question crossed, and milliseconds until the answer; `undefined` when nobody answered. */
	readonly hops: number | undefined;
	/** Milliseconds until the answer was there. */
	readonly rtt: number | undefined;
	/** Addresses of the target, and what came of dialling them. Empty where none is known or may be dialled. */
	readonly dialled: readonly Dialled[];
	/** How often it was asked who is there. */
	readonly asked: number;
	/** The other routes that so many `duplicates` would take; fewer where there are no more. */
	readonly detours: readonly Detour[];
}

/** A route that has no relay in common with others. */
export interface Detour {
	/** The one relay: it is given the copy, and hands it to the target. */
	readonly via: RemotePeer;
	/** Who was asked for the way there, each by the word of the one before; `via` is the last. */
	readonly helpers: readonly RemotePeer[];
}

/** What a probe asks of the peer that it is part of. */
export interface ProbePorts {
	readonly node: LocalNode;
	readonly clock: Clock;
	readonly dialling: Dialling;
	readonly routes: RouteNetwork;
	readonly sessions: Sessions;
}

interface Answered {
	readonly from: RemotePeer;
	readonly exact: boolean;
	readonly hops: number;
	readonly rtt: number;
}

/** Asks at a target's place who is there, after dialling it where that may be, and says what was seen. */
export class Probe implements Asker {
	readonly #ports: ProbePorts;
	readonly #destination: Destination;
	readonly #number: number;
	readonly #done: Answer<Explanation, SwarmError>;
	readonly #patience = new Patience();
	readonly #routes: Routes;
	readonly #end: Timer;
	#again: Timer | undefined;
	#over = false;
	#asked = 0;
	#askedAt = 0;
	#duplicates = 0;
	#answer: Answered | undefined;

	/** After `budget` milliseconds it says what it knows. */
	constructor(
		ports: ProbePorts,
		destination: Destination,
		budget: number,
		done: Answer<Explanation, SwarmError>,
	) {
		this.#ports = ports;
		this.#destination = destination;
		this.#number = ports.sessions.ask(this);
		this.#done = done;
		this.#routes = new Routes(ports.routes, destination.hash);
		this.#end = ports.clock.schedule(budget, () => {
			this.#finish();
		});
	}

	start(route: Route, duplicates: number): void {
		const { node, dialling } = this.#ports;
		this.#duplicates = duplicates;
		this.#routes.prepare(duplicates, () => {
			if (this.#answer !== undefined) this.#finish();
		});
		const { hash, address } = this.#destination;
		const ask = (): void => {
			this.#ask();
		};
		const mayDial = route === "auto" && address !== undefined && !hash.equals(node.hash);
		if (mayDial) dialling.link({ hash, address }, ask);
		else ask();
	}

	stop(): void {
		this.#over = true;
		this.#ports.sessions.release(this.#number);
		this.#end.cancel();
		this.#again?.cancel();
		this.#routes.stop();
	}

	/** Somebody answered. */
	here(party: Party, hops: number): void {
		if (this.#over || this.#answer !== undefined) return;
		const exact = party.node.hash.equals(this.#destination.hash);
		const from = this.#ports.sessions.peerOf(party);
		this.#answer = { from, exact, hops, rtt: this.#ports.clock.now() - this.#askedAt };
		this.#again?.cancel();
		if (!this.#routes.preparing) this.#finish();
	}

	fail(error: SwarmError): void {
		if (this.#over) return;
		this.stop();
		this.#done(error);
	}

	#ask(): void {
		if (this.#over) return;
		const { node, clock } = this.#ports;
		const { hash } = this.#destination;
		const body = { number: this.#number };
		this.#asked++;
		this.#askedAt = clock.now();
		node.route(hash, whoType, body);
		if (this.#asked > 1) {
			this.#routes.send(this.#asked - 2, 1, (via) => node.route(hash, whoType, body, { via }));
		}
		this.#again = clock.schedule(this.#patience.of(this.#asked), () => {
			this.#ask();
		});
	}

	#finish(): void {
		const { from, exact, hops, rtt } = this.#answer ?? {};
		const detours = this.#routes.found;
		this.stop();
		const { node, dialling } = this.#ports;
		const { hash } = this.#destination;
		const learned = exact === true ? from?.address : undefined;
		const address = this.#destination.address ?? learned;
		const via = node.nextHop(hash);
		const dialled = address && dialling.outcome(address);
		this.#done(undefined, {
			target: hash,
			peer: from,
			exact: exact ?? false,
			route: this.#routeTo(from, via),
			via: via && remotePeer(via),
			hops,
			rtt,
			dialled: dialled === undefined ? [] : [dialled],
			asked: this.#asked,
			detours: detours.slice(0, this.#duplicates).map((detour) => ({
				via: remotePeer(detour.via),
				helpers: detour.helpers.map((helper) => remotePeer(helper)),
			})),
		});
	}

	#routeTo(peer: RemotePeer | undefined, via: RemoteNode | undefined): Explanation["route"] {
		if (peer === undefined) return "none";
		if (peer.hash.equals(this.#ports.node.hash)) return "self";
		return via?.hash.equals(peer.hash) === true ? "direct" : "ring";
	}
}
