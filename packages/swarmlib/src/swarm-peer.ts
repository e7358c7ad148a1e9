import {
	type Address,
	Events,
	Hash,
	type Limits,
	LocalNode,
	type Ports,
	type Unsubscribe,
	type Wait,
	Waits,
	canonicalIp,
	formatAddress,
	systemClock,
	systemRandom,
	tcp,
} from "@cicada/chordlib";

import { BROADCAST_LIMIT, Broadcast, type BroadcastReport, EXCLUDED_LIMIT } from "./broadcast.ts";
import { Delivery, type Receipt } from "./delivery.ts";
import { SwarmError, asSwarmError } from "./errors.ts";
import { type External, checkPort, externalAddress } from "./external.ts";
import { Inbox, type InboxLimits, type Received } from "./inbox.ts";
import { type PeerSocket, type RemotePeer, peerSocket, remotePeer } from "./remote-peer.ts";
import { type Resolve, destination } from "./target.ts";

/** Functions that watch what a peer does. One that throws is reported as an `error` event and harms nothing else. */
export interface SwarmHooks {
	/** Every packet sent, the ring's own traffic included. */
	send(link: PeerSocket, packet: Uint8Array): void;
	/** Every complete application message. */
	recv(source: RemotePeer, data: Uint8Array): void;
	/** Every peer that joins us: that dials this one. */
	newPeer(link: PeerSocket): void;
}

export interface SwarmOptions {
	/** The swarm's name: peers of different swarms refuse each other. Default `""`. */
	readonly network?: string;
	/** How much may wait for `recv`. */
	readonly inbox?: Partial<InboxLimits>;
	/** Bytes of the largest message. Default 1 MiB. */
	readonly message?: number;
	/** Length of the ring's successor list: so many neighbours in a row may die at once. Default 16. */
	readonly successors?: number;
	/** Limits on links and requests, as in chordlib. */
	readonly limits?: Partial<Limits>;
	/** Clock, randomness and network, where not the system's: a simulator's, for tests. */
	readonly ports?: Partial<Ports>;
}

export interface SendOptions extends Wait {
	/** Extra copies by other routes; the application at the other end gets one. Default 0. */
	readonly duplicates?: number;
	/** `"ring"`: only over links of the ring. `"auto"` may dial the target; in this version it does not yet. */
	readonly route?: "auto" | "ring";
}

export interface BroadcastOptions extends Wait {
	/** Peers that shall neither get the message nor relay it, at most 256. */
	readonly visited?: Iterable<Hash>;
}

/** Whom to send to. */
export type Target =
	| Address
	| readonly [host: string, port: number]
	| Hash
	| SwarmPeer
	| RemotePeer;

export interface SwarmEvents {
	/** A link to a peer is ready. */
	peer: RemotePeer;
	/** The link to a peer is gone. */
	peerGone: RemotePeer;
	/** A hook or a listener of yours failed. */
	error: unknown;
}

const CONNECT_TIMEOUT = 10_000;
const DISCONNECT_TIMEOUT = 10_000;
const SEND_TIMEOUT = 30_000;
const MESSAGE = 1_048_576;
const INBOX: InboxLimits = { messages: 1_024, bytes: 16 * 1_048_576 };
/** Extra copies of one message. */
const MOST_DUPLICATES = 32;

const utf8 = new TextEncoder();

/** What a peer consists of once it is bound. */
interface Bound {
	readonly node: LocalNode;
	readonly delivery: Delivery;
	readonly broadcast: Broadcast;
}

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
	readonly #hooks: Partial<SwarmHooks>;
	readonly #ports: Ports;
	readonly #messageLimit: number;
	readonly #waits: Waits;
	readonly #inbox: Inbox;
	readonly #events: Events<SwarmEvents>;
	/** Broadcasts that wait for room in the inbox. */
	readonly #waitingForRoom = new Set<() => void>();
	readonly #resolving = new Map<string, Promise<string>>();
	#phase: "new" | "binding" | "bound" | "closed" = "new";
	#bound: Bound | undefined;

	/** @throws SwarmError `INVALID_ARGUMENT` */
	constructor(options: { readonly hooks?: Partial<SwarmHooks> } & SwarmOptions = {}) {
		const { hooks = {}, inbox, message = MESSAGE, network = "", ports } = options;
		if (typeof network !== "string") throw invalid("network must be a string");
		this.#options = options;
		this.#hooks = checkHooks(hooks);
		this.#messageLimit = checkCount("message", message);
		this.#ports = {
			clock: ports?.clock ?? systemClock,
			random: ports?.random ?? systemRandom,
			transport: ports?.transport ?? tcp,
		};
		this.#waits = new Waits(this.#ports.clock);
		const { messages = INBOX.messages, bytes = INBOX.bytes } = inbox ?? {};
		const limits = {
			messages: checkCount("inbox.messages", messages),
			bytes: checkCount("inbox.bytes", bytes),
		};
		this.#inbox = new Inbox(limits, () => {
			this.#roomAgain();
		});
		this.#events = new Events((error) => {
			this.#failed(error);
		});
	}

	/**
	 * Takes a port and listens there for other peers. Comes before everything else.
	 * `addr` is a local interface's address, a host name such as `"localhost"`, or `""` for all interfaces; `port` is
	 * 0 for any free one, or in [1025, 65535). The peer's id is the hash of `"ip:port"`, of `external` where given.
	 * @throws SwarmError `INVALID_ARGUMENT`, `INVALID_PORT`, `ALREADY_BOUND`, `UNRESOLVED`, `ADDRESS_IN_USE`,
	 * `ADDRESS_NOT_AVAILABLE`, `CLOSED`
	 */
	async bind(addr: string, port: number, external?: External): Promise<this> {
		if (this.#phase === "closed") throw closed();
		if (this.#phase !== "new") throw new SwarmError("ALREADY_BOUND", "this peer is bound already");
		if (typeof addr !== "string") throw invalid("the address to bind must be a string");
		checkPort(port);
		const advertised = externalAddress(external, port);
		this.#phase = "binding";
		try {
			const advertise = advertised && {
				host: await this.#resolve(advertised.host),
				port: advertised.port,
			};
			const node = this.#createNode({ host: addr, port }, advertise);
			await node.listen();
			if (this.#isClosed()) {
				await node.close();
				throw closed();
			}
			this.#bound = this.#assemble(node);
			this.#phase = "bound";
			return this;
		} catch (error) {
			if (!this.#isClosed()) this.#phase = "new";
			throw asSwarmError(error);
		}
	}

	/**
	 * Joins the swarm of the peer at an address, or of the first of several that answers.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `INVALID_PORT`, `UNRESOLVED`, `UNREACHABLE`,
	 * `INCOMPATIBLE`, `BUSY`, `TIMEOUT` (default 10,000 ms), `CLOSED`
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
		const options = (named ? third : second) as Wait | undefined;
		const addresses = Array.isArray(given) ? (given as readonly Address[]) : [given as Address];
		for (const address of addresses) checkRemote(address);
		const { timeout = CONNECT_TIMEOUT, signal } = options ?? {};
		await edge(node.joinRing(addresses, signal ? { timeout, signal } : { timeout }));
	}

	/**
	 * Sends a message to one other peer, over as many hops as it takes. Resolves when the target itself has taken it
	 * into its inbox. Messages to one target arrive in the order sent, each once.
	 * A bare `Hash` that no peer has goes to the peer that is responsible for it.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `INVALID_PORT`, `UNRESOLVED`, `TOO_LARGE`, `NOT_FOUND`
	 * (certainly not delivered), `UNREACHABLE`, `TIMEOUT` (default 30,000 ms; may have been delivered), `CLOSED`
	 */
	async send(
		target: Target,
		data: Uint8Array | string,
		options: SendOptions = {},
	): Promise<Receipt> {
		const { delivery } = this.#open();
		const bytes = this.#copy(data, this.#messageLimit);
		const { duplicates = 0, route = "auto" } = options;
		if (!Number.isInteger(duplicates) || duplicates < 0 || duplicates > MOST_DUPLICATES) {
			throw invalid(`duplicates must be an integer from 0 to ${MOST_DUPLICATES}`);
		}
		if (route !== "auto" && route !== "ring") throw invalid('route must be "auto" or "ring"');
		const named = destination(target, this.#resolve);
		const where = named instanceof Promise ? await named : named;
		return edge(
			this.#waits.run<Receipt>(options, SEND_TIMEOUT, (_budget, done) =>
				delivery.send(where, bytes, duplicates, done),
			),
		);
	}

	/**
	 * Sends a message to every peer of the swarm. Resolves when every one that was there throughout has taken it.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `TOO_LARGE` (over 48 KiB), `TIMEOUT` (default 30,000 ms)
	 * with what was `reached` by then, `CLOSED`
	 */
	async broadcast(
		data: Uint8Array | string,
		options: BroadcastOptions = {},
	): Promise<BroadcastReport> {
		const { broadcast } = this.#open();
		const bytes = this.#copy(data, Math.min(this.#messageLimit, BROADCAST_LIMIT));
		const visited = checkVisited(options.visited ?? []);
		const progress = { reached: 0 };
		try {
			return await edge(
				this.#waits.run<BroadcastReport>(options, SEND_TIMEOUT, (budget, done) =>
					broadcast.send(bytes, visited, budget, progress, done),
				),
			);
		} catch (error) {
			if (!(error instanceof SwarmError) || error.code !== "TIMEOUT") throw error;
			const { reached } = progress;
			const message = `not every peer took it in time; at least ${reached} did`;
			throw new SwarmError("TIMEOUT", message, { reached, cause: error });
		}
	}

	/**
	 * Gives the next message, and waits for one when there is none. Calls are served in the order they were made.
	 * @throws SwarmError `NOT_BOUND`, `INVALID_ARGUMENT`, `TIMEOUT` (no default; 0 takes only what is there), `CLOSED`
	 */
	async recv(options?: Wait): Promise<Received> {
		this.#open();
		return edge(
			this.#waits.run<Received>(options, Infinity, (_budget, done) => this.#inbox.take(done)),
		);
	}

	/** Messages as they come, until the peer is closed. Leaving the loop does not close the peer. */
	[Symbol.asyncIterator](): AsyncIterator<Received> {
		const left = new AbortController();
		const end: IteratorResult<Received> = { done: true, value: undefined };
		return {
			next: async () => {
				if (left.signal.aborted || this.#isClosed()) return end;
				try {
					return { done: false, value: await this.recv({ signal: left.signal }) };
				} catch (error) {
					if (left.signal.aborted || this.#isClosed()) return end;
					throw error;
				}
			},
			return: async () => {
				left.abort();
				return Promise.resolve(end);
			},
		};
	}

	/**
	 * Leaves the swarm. The peer stays bound, keeps what is in its inbox, and can connect again. Sends under way
	 * reject with `CLOSED`.
	 * @throws SwarmError `NOT_BOUND`, `TIMEOUT`, `CLOSED`
	 */
	async disconnect(options?: Wait): Promise<void> {
		const { node, delivery } = this.#open();
		delivery.close(new SwarmError("CLOSED", "the peer has left the swarm"));
		await edge(node.leaveRing({ timeout: DISCONNECT_TIMEOUT, ...options }));
	}

	/** Leaves, and lets go of everything. What is pending rejects with `CLOSED`, iterators end. */
	async close(): Promise<void> {
		if (this.#phase === "closed") return;
		this.#phase = "closed";
		this.#waits.closeAll();
		this.#bound?.delivery.close(closed());
		await this.#bound?.node.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** Calls `listener` for each event of a type until it is taken back, by the function returned or by `signal`. */
	on<Type extends keyof SwarmEvents>(
		type: Type,
		listener: (event: SwarmEvents[Type]) => void,
		options: { signal?: AbortSignal } = {},
	): Unsubscribe {
		return this.#events.on(type, listener, options);
	}

	/** The peer's id. @throws SwarmError `NOT_BOUND` before `bind` */
	get hash(): Hash {
		return this.#wasBound().node.hash;
	}

	/** Where it listens. @throws SwarmError `NOT_BOUND` before `bind` */
	get listener(): Address {
		const { bound, address } = this.#wasBound().node;
		// Bound to all interfaces, it is the one that others dial that says something.
		return bound.host === "0.0.0.0" || bound.host === "::"
			? { host: address.host, port: bound.port }
			: bound;
	}

	/** Everyone to whom it holds a link. */
	get peers(): readonly RemotePeer[] {
		return this.#bound?.node.peers.map(remotePeer) ?? [];
	}

	/** Messages waiting for `recv`. */
	get pending(): number {
		return this.#inbox.size;
	}

	#isClosed(): boolean {
		return this.#phase === "closed";
	}

	#wasBound(): Bound {
		if (this.#bound === undefined) throw new SwarmError("NOT_BOUND", "call bind first");
		return this.#bound;
	}

	#open(): Bound {
		if (this.#phase === "closed") throw closed();
		return this.#wasBound();
	}

	readonly #failed = (error: unknown): void => {
		this.#events.emit("error", error);
	};

	readonly #resolve: Resolve = (host) => {
		const literal = canonicalIp(host);
		if (literal !== undefined) return literal;
		const known = this.#resolving.get(host);
		if (known !== undefined) return known;
		const resolving = this.#ports.transport
			.resolve(host)
			.catch((cause: unknown) => {
				throw new SwarmError("UNRESOLVED", `the host name ${host} has no address`, { cause });
			})
			.finally(() => {
				this.#resolving.delete(host);
			});
		this.#resolving.set(host, resolving);
		return resolving;
	};

	#createNode(bind: Address, advertise: Address | undefined): LocalNode {
		const { network, successors, limits } = this.#options;
		const { send } = this.#hooks;
		return new LocalNode(formatAddress, bind, {
			ports: this.#ports,
			...(network !== undefined && { network }),
			...(successors !== undefined && { successors }),
			...(limits && { limits }),
			...(advertise && { advertise }),
			...(send && {
				hooks: {
					send: (link, packet) => {
						send(peerSocket(link), packet);
					},
				},
			}),
		});
	}

	#assemble(node: LocalNode): Bound {
		const { clock, random } = this.#ports;
		node.on("error", this.#failed);
		node.on("link", ({ link, peer, accepted }) => {
			if (accepted) this.#hooks.newPeer?.(peerSocket(link));
			this.#events.emit("peer", remotePeer(peer));
		});
		node.on("unlink", ({ peer }) => {
			this.#events.emit("peerGone", remotePeer(peer));
		});
		const accept = (source: RemotePeer, data: Uint8Array): boolean => this.#accept(source, data);
		const delivery = new Delivery({ node, clock, random, accept }, this.#messageLimit);
		const broadcast = new Broadcast({
			node,
			now: () => clock.now(),
			accept: (source, data, signal) => this.#acceptWhenRoom(source, data, signal),
		});
		return { node, delivery, broadcast };
	}

	/** Takes a message into the inbox; false when it is full. */
	#accept(source: RemotePeer, data: Uint8Array): boolean {
		const { recv } = this.#hooks;
		// The hook may keep what it is given.
		const shown = recv && data.slice();
		if (!this.#inbox.put({ source, data })) return false;
		if (recv !== undefined && shown !== undefined) {
			try {
				recv(source, shown);
			} catch (error) {
				this.#failed(error);
			}
		}
		return true;
	}

	#acceptWhenRoom(source: RemotePeer, data: Uint8Array, signal: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			const attempt = (): void => {
				if (!signal.aborted && !this.#accept(source, data)) {
					this.#waitingForRoom.add(attempt);
					return;
				}
				signal.removeEventListener("abort", stop);
				if (signal.aborted) reject(signal.reason);
				else resolve();
			};
			const stop = (): void => {
				this.#waitingForRoom.delete(attempt);
				attempt();
			};
			signal.addEventListener("abort", stop);
			attempt();
		});
	}

	#roomAgain(): void {
		const waiting = Array.from(this.#waitingForRoom);
		this.#waitingForRoom.clear();
		for (const attempt of waiting) attempt();
		this.#bound?.delivery.roomAgain();
	}

	/** The caller's data as bytes of our own. */
	#copy(data: Uint8Array | string, limit: number): Uint8Array {
		if (typeof data !== "string" && !(data instanceof Uint8Array)) {
			throw invalid("data must be a Uint8Array or a string");
		}
		const bytes = typeof data === "string" ? utf8.encode(data) : data.slice();
		if (bytes.length > limit) {
			throw new SwarmError("TOO_LARGE", `${bytes.length} bytes; one message may hold ${limit}`);
		}
		return bytes;
	}
}

/** What the layer below rejects with, in this package's terms. */
async function edge<T>(promise: Promise<T>): Promise<T> {
	try {
		return await promise;
	} catch (error) {
		throw asSwarmError(error);
	}
}

function closed(): SwarmError {
	return new SwarmError("CLOSED", "the peer was closed");
}

function invalid(message: string): SwarmError {
	return new SwarmError("INVALID_ARGUMENT", message);
}

function checkCount(name: string, value: number): number {
	if (!Number.isSafeInteger(value) || value < 1)
		throw invalid(`${name} must be a positive integer`);
	return value;
}

function checkHooks(hooks: Partial<SwarmHooks>): Partial<SwarmHooks> {
	const { send, recv, newPeer } = hooks ?? {};
	for (const hook of [send, recv, newPeer]) {
		if (hook !== undefined && typeof hook !== "function") throw invalid("hooks must be functions");
	}
	return hooks;
}

function checkRemote(address: Address): void {
	const { host, port } = address ?? {};
	if (typeof host !== "string" || host === "")
		throw invalid("the host to connect to must be a string");
	if (!Number.isInteger(port) || port < 1 || port > 65_535) {
		throw new SwarmError("INVALID_PORT", `${String(port)} is not a port to connect to`);
	}
}

function checkVisited(visited: Iterable<Hash>): Hash[] {
	if (typeof visited?.[Symbol.iterator] !== "function") throw invalid("visited must be iterable");
	const hashes = [...visited];
	if (hashes.some((hash) => !(hash instanceof Hash))) throw invalid("visited must hold Hashes");
	if (hashes.length > EXCLUDED_LIMIT) throw invalid(`visited may hold ${EXCLUDED_LIMIT} Hashes`);
	return hashes;
}
