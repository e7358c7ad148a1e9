import {
	type Clock,
	type Events,
	type Identity,
	type LocalNode,
	type Ports,
	systemCrypto,
} from "@cicada/chordlib";

import { Broadcast } from "./broadcast.ts";
import type { BroadcastLimits } from "./broadcast/jobs.ts";
import { networkOf } from "./broadcast/network.ts";
import { type CallLimits, Calls, type RequestHandler } from "./calls.ts";
import { Delivery, type DeliveryPorts, type Route } from "./delivery.ts";
import type { SwarmError } from "./errors.ts";
import type { Hooks } from "./hooks.ts";
import type { Inbox } from "./inbox.ts";
import { type SwarmEvents, copyOf } from "./options.ts";
import { stateOf } from "./peer-state.ts";
import { type RemotePeer, peerSocket, remotePeer } from "./remote-peer.ts";
import { RingView } from "./ring-view.ts";
import { clearHandshakes, noiseHandshakes } from "./session/handshake.ts";
import type { SwarmCounter, SwarmStats } from "./stats.ts";
import type { Trust } from "./trusted-hosts.ts";
import type { UnderWay } from "./under-way.ts";

/** What the parts of a peer have in common. */
export interface PartsPorts {
	readonly ports: Pick<Ports, "clock" | "random">;
	readonly identity: Identity;
	readonly inbox: Inbox;
	readonly hooks: Hooks;
	readonly events: Events<SwarmEvents>;
	readonly limits: DeliveryPorts["limits"] & { readonly broadcasts: BroadcastLimits };
	readonly calls: CallLimits;
	readonly counter: SwarmCounter;
	readonly route: Route;
	/** The swarm's name. */
	readonly network: string;
	/** Whether what is sent is sealed, and with whom keys were agreed on beforehand. */
	readonly encrypted: boolean;
	readonly trust: Trust;
	readonly underWay: UnderWay;
	readonly handler: () => RequestHandler | undefined;
}

/** What a peer consists of once it is bound. */
export class Parts {
	readonly node: LocalNode;
	readonly delivery: Delivery;
	readonly calls: Calls;
	readonly broadcast: Broadcast;
	readonly ring: RingView;
	readonly #inbox: Inbox;
	readonly #hooks: Hooks;
	readonly #counter: SwarmCounter;
	#closed = false;

	constructor(node: LocalNode, given: PartsPorts) {
		const { events, handler, identity, hooks, inbox, limits, ports, route, underWay } = given;
		const { clock, random } = ports;
		const { count: reached } = given.counter;
		this.node = node;
		this.#inbox = inbox;
		this.#hooks = hooks;
		this.#counter = given.counter;
		const { encrypted, network, trust } = given;
		const crypto = systemCrypto;
		this.delivery = new Delivery({
			node,
			clock,
			random,
			crypto,
			handshakes: encrypted
				? noiseHandshakes({ crypto, random, identity, network, trust })
				: clearHandshakes,
			tampered: (what) => {
				events.emit("tamper", what);
			},
			accept: (source, data, lane) => {
				if (lane === "inbox") return this.#take(source, data);
				if (lane === "requests") return this.calls.request(source, data);
				this.calls.response(source, data);
				return true;
			},
			limits,
			reached,
		});
		this.calls = new Calls({
			clock,
			random,
			send: (message) => this.delivery.send(message),
			route,
			limits: given.calls,
			reached,
			handler,
			underWay,
			bytesOf: (answer) => copyOf(answer ?? "", limits.message),
			known: (destination) => this.delivery.known(destination),
			progress: (destination) => this.delivery.progress(destination, "requests"),
			failed: (error) => {
				events.emit("error", error);
			},
			roomAgain: () => {
				this.delivery.roomAgain();
			},
		});
		const accept = (source: RemotePeer, data: Uint8Array): boolean => this.#take(source, data);
		this.broadcast = new Broadcast({
			network: networkOf(node, clock, random, identity),
			accept,
			limits,
			reached,
		});
		this.ring = new RingView(node);
		this.#announce(events, clock);
	}

	get stats(): SwarmStats {
		const { reached, ...links } = this.node.stats;
		return {
			...links,
			inbox: { messages: this.#inbox.size, bytes: this.#inbox.bytes },
			...this.delivery.counts,
			calls: this.calls.counts,
			broadcasts: this.broadcast.count,
			reached: { ...reached, ...this.#counter.counts },
		};
	}

	/** There is room in the inbox again. */
	roomAgain(): void {
		this.broadcast.roomAgain();
		this.delivery.roomAgain();
	}

	/** Ends all that is under way, in every direction. */
	reset(error: SwarmError): void {
		this.calls.reset(error);
		this.broadcast.reset(error);
		this.delivery.reset(error);
	}

	/** Likewise, for good, and leaves the swarm. */
	async close(error: SwarmError): Promise<void> {
		this.#closed = true;
		this.calls.reset(error);
		this.broadcast.reset(error);
		this.delivery.close(error);
		await this.node.close();
	}

	/** Tells the application what happens. */
	#announce(events: Events<SwarmEvents>, clock: Clock): void {
		const { node, ring } = this;
		node.on("error", (error) => {
			events.emit("error", error);
		});
		let before = stateOf(node);
		// Later, since what changes together is told in pieces.
		const observe = (): void => {
			clock.defer(() => {
				const now = stateOf(node);
				if (now !== before && !this.#closed) events.emit("state", (before = now));
			});
		};
		node.on("link", ({ link, peer, accepted }) => {
			if (accepted) this.#hooks.call("newPeer", peerSocket(link));
			events.emit("peer", remotePeer(peer, link.verified));
			observe();
		});
		node.on("unlink", ({ peer }) => {
			events.emit("peerGone", remotePeer(peer));
			observe();
		});
		node.on("standing", observe);
		node.on("pointers", () => {
			observe();
			events.emit("ring", ring);
		});
	}

	/** Takes a message into the inbox; false when it is full. */
	#take(source: RemotePeer, data: Uint8Array): boolean {
		// The inbox, and the hook, may keep and change what they are given.
		if (!this.#inbox.put({ source, data: new Uint8Array(data) })) return false;
		if (this.#hooks.has("recv")) this.#hooks.call("recv", source, new Uint8Array(data));
		return true;
	}
}
