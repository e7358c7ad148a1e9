import {
	type Address,
	Events,
	type Hash,
	Identity,
	type LocalNode,
	type LocalNodeOptions,
	type Ports,
	type Secret,
	type Unsubscribe,
	type Wait,
	loadIdentity,
	systemClock,
	systemCrypto,
	systemRandom,
	tcp,
} from "@cicada/chordlib";

import type { BroadcastReport } from "./broadcast.ts";
import { inlineSize } from "./broadcast/messages.ts";
import type { CallLimits, PeerResponse, RequestHandler } from "./calls.ts";
import type { Receipt, Route } from "./delivery.ts";
import { SwarmError, asSwarmError, withSwarmErrors } from "./errors.ts";
import type { Explanation } from "./explain.ts";
import { type External, checkPort, externalAddress, isAutomatic } from "./external.ts";
import { Hooks } from "./hooks.ts";
import { Inbox, type Received } from "./inbox.ts";
import { messages } from "./messages.ts";
import { Operations } from "./operations.ts";
import {
	type BroadcastOptions,
	type ExplainOptions,
	type RequestOptions,
	type SendOptions,
	type SwarmEvents,
	type SwarmHooks,
	type SwarmOptions,
	checkCalls,
	checkDuplicates,
	checkHooks,
	checkIdentity,
	checkInbox,
	checkLimits,
	checkListener,
	checkObject,
	checkRemote,
	checkRoute,
	checkTrust,
	checkVisited,
	checkWait,
	copyOf,
	invalid,
} from "./options.ts";
import { Parts, type PartsPorts } from "./parts.ts";
import { type PeerState, stateOf } from "./peer-state.ts";
import { Reach, type Reachability } from "./reachability.ts";
import { type RemotePeer, remotePeer } from "./remote-peer.ts";
import { createRingNode } from "./ring-node.ts";
import type { RingView } from "./ring-view.ts";
import { SwarmCounter, type SwarmStats } from "./stats.ts";
import { Trust, type TrustedHost } from "./trusted-hosts.ts";

/** Whom to send to. */
export type Target =
	| Address
	| readonly [host: string, port: number]
	| Hash
	| SwarmPeer
	| RemotePeer;

const CONNECT_TIMEOUT = 10_000;
const DISCONNECT_TIMEOUT = 10_000;
const EXPLAIN_TIMEOUT = 10_000;
const SEND_TIMEOUT = 30_000;
/** The longest that a timer can run, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * A peer in a swarm. Bind it as you would a socket, connect it to any peer of the swarm, and send to all of them.
 *
 * @example
 * ```ts
 * const peer = await new SwarmPeer().bind("localhost", 5000);
 * await peer.connect("swarm.example.org", 7000);
 * await peer.send(["192.0.2.7", 5000], "hello");
 * for await (const { source, data } of peer) console.log(source.hash.toString(), data);
 * ```
 */
export class SwarmPeer {
	readonly #options: SwarmOptions;
	readonly #hooks: Hooks;
	readonly #ports: Ports;
	readonly #route: Route;
	/** Another one, and for good, once the file that keeps it was read. */
	#identity: Identity;
	readonly #limits: PartsPorts["limits"];
	readonly #counter = new SwarmCounter();
	readonly #calls: CallLimits;
	readonly #trustedHosts: readonly TrustedHost[];
	#handler: RequestHandler | undefined;
	readonly #operations: Operations;
	readonly #inbox: Inbox;
	readonly #events = new Events<SwarmEvents>();
	#leaving = false;
	#closing: Promise<void> | undefined;
	#phase: "new" | "binding" | "bound" | "closed" = "new";
	#parts: Parts | undefined;
	/** The node that is about to listen, or does. */
	#node: LocalNode | undefined;
	#listener: Address | undefined;
	#reach: Reach;

	/** @throws SwarmError `INVALID_ARGUMENT` */
	constructor(options: { readonly hooks?: Partial<SwarmHooks> } & SwarmOptions = {}) {
		const { hooks, inbox, calls, ports, route = "auto" } = checkObject("options", options);
		const {
			clock = systemClock,
			random = systemRandom,
			transport = tcp,
		} = checkObject("ports", ports);
		this.#options = { ...options };
		this.#hooks = new Hooks(checkHooks(hooks), (error) => {
			this.#events.emit("error", error);
		});
		this.#ports = { clock, random, transport };
		checkIdentity(this.#options);
		this.#trustedHosts = checkTrust(this.#options);
		this.#identity = Identity.create(random);
		this.#reach = this.#createReach(false);
		this.#operations = new Operations(clock, transport);
		this.#route = checkRoute(route);
		const roomAgain = (): void => {
			this.#parts?.roomAgain();
		};
		this.#inbox = new Inbox(checkInbox(inbox), roomAgain, this.#counter.count);
		try {
			// What a node would refuse when it is bound is refused now.
			this.#createNode({ host: "", port: 0 }, undefined);
		} catch (error) {
			throw asSwarmError(error);
		}
		this.#limits = checkLimits(this.#options);
		this.#calls = checkCalls(calls);
	}

	/**
	 * Takes a port and listens there for other peers. Comes before everything else.
	 * `addr` is a local interface's address, a host name such as `"localhost"`, or `""` for all interfaces; `port` is
	 * 0 for any free one, or in [1025, 65535). The peer's id is the hash of `"ip:port"`, of `external` where given.
	 * @throws SwarmError `INVALID_ARGUMENT`, `INVALID_PORT`, `ALREADY_BOUND`, `UNRESOLVED`, `ADDRESS_IN_USE`,
	 * `ADDRESS_NOT_AVAILABLE`, `IDENTITY_FILE`, `CLOSED`
	 */
	async bind(addr: string, port: number, external?: External): Promise<this> {
		if (this.#phase === "closed") throw closed();
		if (this.#phase !== "new") throw new SwarmError("ALREADY_BOUND", "this peer is bound already");
		if (typeof addr !== "string") throw invalid("the address to bind must be a string");
		checkPort(port);
		const advertised = externalAddress(external, port);
		const automatic = isAutomatic(external);
		this.#reach = this.#createReach(automatic);
		this.#phase = "binding";
		try {
			const given = advertised && {
				host: await this.#operations.names.resolve(advertised.host),
				port: advertised.port,
			};
			const { identityFile } = this.#options;
			if (identityFile !== undefined) this.#identity = await loadIdentity(identityFile);
			const trust = await this.#resolveTrust();
			if (this.#isClosed()) throw closed();
			const advertise = automatic ? (bound: Address) => this.#reach.map(bound) : given;
			const node = this.#createNode({ host: addr, port }, advertise);
			this.#node = node;
			await node.listen();
			const listener = await this.#reach.listener(node.bound);
			if (this.#isClosed()) throw closed();
			this.#listener = listener;
			this.#parts = new Parts(node, {
				identity: this.#identity,
				ports: this.#ports,
				inbox: this.#inbox,
				hooks: this.#hooks,
				events: this.#events,
				limits: this.#limits,
				calls: this.#calls,
				counter: this.#counter,
				route: this.#route,
				...this.#security(trust),
				underWay: this.#operations.underWay,
				handler: () => this.#handler,
			});
			this.#phase = "bound";
			this.#events.emit("state", "alone");
			return this;
		} catch (error) {
			await Promise.all([this.#node?.close(), this.#reach.close()]);
			if (this.#isClosed()) throw closed();
			this.#phase = "new";
			throw asSwarmError(error);
		}
	}

	/**
	 * Joins the swarm of the peer at an address, or of the first of several that answers.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `INVALID_PORT`, `UNRESOLVED`, `UNREACHABLE`,
	 * `NOT_DIALABLE`, `INCOMPATIBLE`, `BUSY`, `TIMEOUT` (default 10,000 ms), `CLOSED`
	 */
	connect(host: string, port: number, options?: Wait): Promise<void>;
	connect(addresses: Address | readonly Address[], options?: Wait): Promise<void>;
	async connect(
		first: string | Address | readonly Address[],
		second?: number | Wait,
		third?: Wait,
	): Promise<void> {
		const { node } = this.#open();
		const named = typeof first === "string";
		const given = (named ? { host: first, port: second } : first) as Address | readonly Address[];
		const options = checkWait((named ? third : second) as Wait | undefined);
		const addresses = Array.isArray(given) ? (given as readonly Address[]) : [given as Address];
		for (const address of addresses) checkRemote(address);
		const { timeout = CONNECT_TIMEOUT } = options;
		await withSwarmErrors(this.#reach.join(node, addresses, { ...options, timeout }));
	}

	/**
	 * Sends a message to one other peer, over as many hops as it takes. Resolves when the target itself has taken it
	 * into its inbox. Messages to one target arrive in the order sent, each once. (A host name is resolved first: what is
	 * sent to the same peer by its address or id meanwhile comes before.)
	 * A bare `Hash` that no peer has goes to the peer that is responsible for it.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `INVALID_PORT`, `UNRESOLVED`, `TOO_LARGE`, `NOT_FOUND`
	 * (certainly not delivered), `UNREACHABLE`, `TIMEOUT` (default 30,000 ms; may have been delivered), `CLOSED`
	 */
	send(target: Target, data: Uint8Array | string, options?: SendOptions): Promise<Receipt> {
		// Not async: that is another promise, for each of very many messages.
		try {
			const { delivery } = this.#active();
			const given = checkWait(options);
			const { duplicates = 0, route = this.#route } = given;
			checkDuplicates(duplicates);
			checkRoute(route);
			const bytes = copyOf(data, this.#limits.message);
			return this.#operations.about<Receipt>(target, given, SEND_TIMEOUT, (destination, done) => ({
				cancel: delivery.send({ destination, data: bytes, duplicates, route, lane: "inbox", done }),
				progress: () => delivery.progress(destination, "inbox"),
			}));
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/**
	 * Asks one other peer, and resolves with what its handler answers. Requests do not pass through inboxes: one that is
	 * full, or an application that does not call `recv`, holds up none. Each is handled at most once; they are handled in
	 * the order they were made, and may be answered in any.
	 * @throws SwarmError as `send`, and besides: `NOT_HANDLED`; `REMOTE` when the handler failed; `BUSY` when too much is
	 * under way here, or too many answers there; `TIMEOUT` (default 30,000 ms; it may have been handled)
	 */
	async request(
		target: Target,
		data: Uint8Array | string,
		options?: RequestOptions,
	): Promise<PeerResponse> {
		const { calls } = this.#active();
		const { route = this.#route, timeout = SEND_TIMEOUT, ...wait } = checkWait(options);
		checkRoute(route);
		const bytes = copyOf(data, this.#limits.message);
		return this.#operations.about<PeerResponse>(
			target,
			{ ...wait, timeout },
			timeout,
			(found, done) => calls.ask(found, bytes, route, Math.min(timeout, LONGEST), done),
		);
	}

	/**
	 * Answers the requests of other peers, until it is taken back. A handler that throws is an `error` event here and
	 * `REMOTE` at the asker, who is not told why; one that throws a {@link SwarmError} with the code `REMOTE` tells the
	 * asker its message instead.
	 * @throws SwarmError `INVALID_ARGUMENT` when there is a handler already
	 */
	onRequest(handler: RequestHandler): Unsubscribe {
		if (typeof handler !== "function") throw invalid("a handler must be a function");
		if (this.#handler !== undefined) throw invalid("requests have a handler already");
		this.#handler = handler;
		return () => {
			if (this.#handler === handler) this.#handler = undefined;
		};
	}

	/**
	 * Says how a message would go to a target now: straight or along the ring, over how many links, and what came of
	 * dialling it. It asks at the target's place who is there, and sends nothing else. Where nobody answers, it resolves
	 * at the end of its time with what is known.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `INVALID_PORT`, `UNRESOLVED`, `CLOSED`
	 */
	async explain(target: Target, options?: ExplainOptions): Promise<Explanation> {
		const { delivery } = this.#active();
		const given = checkWait(options);
		const { route = this.#route, duplicates = 0, timeout = EXPLAIN_TIMEOUT, ...wait } = given;
		checkRoute(route);
		checkDuplicates(duplicates);
		const budget = Math.min(timeout, LONGEST);
		return this.#operations.about<Explanation>(
			target,
			{ ...wait, timeout: Infinity },
			budget,
			(found, done) => delivery.explain(found, { route, duplicates }, budget, done),
		);
	}

	/**
	 * Sends a message to every peer of the swarm. Resolves when every one that was there throughout has taken it.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `TOO_LARGE`, `BUSY`, `TIMEOUT` (default 30,000 ms) with what
	 * was `reached` by then, `CLOSED`
	 */
	async broadcast(data: Uint8Array | string, options?: BroadcastOptions): Promise<BroadcastReport> {
		const { broadcast } = this.#active();
		const { visited = [], timeout = SEND_TIMEOUT, ...wait } = checkWait(options);
		const excluded = checkVisited(visited);
		const { message, frame } = this.#limits;
		if (inlineSize(frame, excluded.length) < 0) {
			throw new SwarmError("TOO_LARGE", `${excluded.length} peers to leave out do not fit a frame`);
		}
		const bytes = copyOf(data, message);
		const budget = Math.min(timeout, LONGEST);
		// It keeps to the time itself, since only it knows how many were reached by then.
		return this.#operations.work<BroadcastReport>(wait, budget, (_budget, done) =>
			broadcast.send(bytes, excluded, budget, done),
		);
	}

	/**
	 * Gives the next message, and waits for one when there is none. Calls are served in the order they were made.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `TIMEOUT` (no default; 0 takes only what is there), `CLOSED`
	 */
	recv(options?: Wait): Promise<Received> {
		// Not async, likewise.
		try {
			this.#open();
			const wait = checkWait(options);
			const message = this.#inbox.take();
			if (message !== undefined) return Promise.resolve(message);
			return this.#operations.run<Received>(wait, Infinity, (_budget, done) =>
				this.#inbox.wait(done),
			);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/** Messages as they come, until the peer is closed. Leaving the loop does not close the peer. */
	[Symbol.asyncIterator](): AsyncIterator<Received> {
		return messages({ recv: (wait) => this.recv(wait), isClosed: () => this.#isClosed() });
	}

	/**
	 * Leaves the swarm, once what is under way has come to its end: own sends, requests and broadcasts, and requests that
	 * are being served. What has not after `timeout` (default 10,000 ms) rejects with `CLOSED`. The peer stays bound, keeps
	 * what is in its inbox, and can connect again.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `BUSY` when it is leaving already, `CLOSED`
	 */
	async disconnect(options?: Wait): Promise<void> {
		const parts = this.#open();
		const { timeout = DISCONNECT_TIMEOUT, ...wait } = checkWait(options);
		if (this.#leaving) throw new SwarmError("BUSY", "the peer is leaving the swarm already");
		this.#leaving = true;
		try {
			await this.#operations.settled(Math.min(timeout, LONGEST), wait);
			parts.reset(new SwarmError("CLOSED", "the peer has left the swarm"));
			await withSwarmErrors(parts.node.leaveRing(wait));
		} finally {
			this.#leaving = false;
		}
	}

	/**
	 * Takes another secret of the swarm, or several: it dials with the first and accepts all. Links that were opened under none
	 * of them end. Give every peer `[old, next]`, then every peer `[next, old]`, then every peer `next`: the secret of a
	 * swarm that runs is changed, and at each moment any two peers have one in common.
	 * @throws SwarmError `INVALID_ARGUMENT`, `NOT_BOUND`, `CLOSED`
	 */
	async changeSecret(secret: Secret | readonly Secret[]): Promise<void> {
		await withSwarmErrors(this.#open().node.changeSecret(secret));
	}

	/** Leaves at once, and lets go of everything. What is pending rejects with `CLOSED`, iterators end. */
	async close(): Promise<void> {
		this.#closing ??= this.#close();
		await this.#closing;
	}

	async #close(): Promise<void> {
		this.#phase = "closed";
		this.#operations.close(closed());
		const node = this.#parts?.close(closed()) ?? this.#node?.close();
		const closing = Promise.all([node, this.#reach.close()]);
		this.#events.emit("state", "closed");
		await closing;
	}

	/** The same as {@link close}. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** Calls `listener` for each event of a type until it is taken back, by the function returned or by `signal`. */
	on<Type extends keyof SwarmEvents>(
		type: Type,
		listener: (event: SwarmEvents[Type]) => void,
		options: { signal?: AbortSignal } = {},
	): Unsubscribe {
		checkListener(type, listener, options);
		return this.#events.on(type, listener, options);
	}

	/** The peer's id. @throws SwarmError `NOT_BOUND` before `bind` */
	get hash(): Hash {
		return this.#wasBound().node.hash;
	}

	/** Where others dial it: the external pair where one was given. @throws SwarmError `NOT_BOUND` before `bind` */
	get address(): Address {
		return this.#wasBound().node.address;
	}

	/** Where it listens. @throws SwarmError `NOT_BOUND` before `bind` */
	get listener(): Address {
		const { node } = this.#wasBound();
		return this.#listener ?? node.bound;
	}

	/** How others reach it, as far as it is known. */
	get reachability(): Reachability {
		return this.#reach.now;
	}

	/** Its place on the ring. @throws SwarmError `NOT_BOUND` before `bind` */
	get ring(): RingView {
		return this.#wasBound().ring;
	}

	/** What it is about just now. The event `state` tells when that changes. */
	get state(): PeerState {
		if (this.#phase === "closed") return "closed";
		return this.#parts === undefined ? "unbound" : stateOf(this.#parts.node);
	}

	/** Everyone to whom it holds a link. */
	get peers(): readonly RemotePeer[] {
		const { node } = this.#parts ?? {};
		return node?.peers.map((peer) => remotePeer(peer, node.isVerified(peer))) ?? [];
	}

	/** Messages waiting for `recv`. */
	get pending(): number {
		return this.#inbox.size;
	}

	/** How it is doing, and how often each limit was reached. @throws SwarmError `NOT_BOUND` */
	get stats(): SwarmStats {
		return this.#wasBound().stats;
	}

	#isClosed(): boolean {
		return this.#phase === "closed";
	}

	#wasBound(): Parts {
		if (this.#parts === undefined) throw new SwarmError("NOT_BOUND", "call bind first");
		return this.#parts;
	}

	#open(): Parts {
		if (this.#phase === "closed") throw closed();
		return this.#wasBound();
	}

	/** The parts of a peer that may begin something new. */
	#active(): Parts {
		const parts = this.#open();
		if (this.#leaving) throw new SwarmError("CLOSED", "the peer is leaving the swarm");
		return parts;
	}

	async #resolveTrust(): Promise<Trust> {
		const { names } = this.#operations;
		return Trust.of(systemCrypto, this.#trustedHosts, (host) => names.resolve(host));
	}

	#security(trust: Trust): Pick<PartsPorts, "network" | "encrypted" | "trust"> {
		const { encryption, network = "" } = this.#options;
		const name = typeof network === "string" ? network : network.id;
		return { network: name, encrypted: encryption !== "off", trust };
	}

	#createReach(automatic: boolean): Reach {
		const { identity, mapPort } = this.#options;
		const keyed = automatic || identity === "key";
		return new Reach({ ...this.#ports, keyed, mapPort });
	}

	#createNode(bind: Address, advertise: LocalNodeOptions["advertise"]): LocalNode {
		return createRingNode(bind, this.#options, {
			ports: this.#ports,
			identity: this.#identity,
			hooks: this.#hooks,
			keyed: this.#reach.keyed,
			advertise,
		});
	}
}

function closed(): SwarmError {
	return new SwarmError("CLOSED", "the peer was closed");
}
