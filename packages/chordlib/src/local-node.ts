import { type Address, canonicalAddress, formatAddress, ipBytes } from "./address.ts";
import type { Connection, ConnectionOwner, PeerLink } from "./connection.ts";
import { Connections } from "./connections.ts";
import { Contact, type RemoteNode, contactOf } from "./contact.ts";
import { ChordError, isMalformed } from "./errors.ts";
import { Events, type Unsubscribe, guard } from "./events.ts";
import { Hash, hashOf, idOf } from "./hash.ts";
import type { Id } from "./id.ts";
import { type Limits, bodyLimit, completeLimits } from "./limits.ts";
import { systemClock } from "./node/clock.ts";
import { sha256, systemRandom } from "./node/crypto.ts";
import { tcp } from "./node/tcp.ts";
import {
	type NodeData,
	checkAdvertised,
	checkBindAddress,
	checkBytes,
	checkData,
	checkDialAddress,
	checkFunction,
	checkObject,
	checkPace,
	checkSuccessors,
	checkType,
	invalid,
} from "./options.ts";
import type { Clock, Link, LinkHandler, Listener, Random, Transport } from "./ports.ts";
import {
	type Answer,
	type Cancel,
	Handlers,
	type NoticeType,
	type RequestType,
} from "./protocol.ts";
import { Lookups } from "./ring/lookup.ts";
import { type Envelope, type Found, routed, standing } from "./ring/messages.ts";
import type { RingNetwork } from "./ring/network.ts";
import { nextHop } from "./ring/route.ts";
import { type Pace, Stabilizer } from "./ring/stabilize.ts";
import { RingState, type Standing } from "./ring/state.ts";
import { type Wait, Waits } from "./wait.ts";
import { decode, encode } from "./wire/codec.ts";

/** What a node stands on: the system's clock, randomness and TCP, unless others are given. */
export interface Ports {
	readonly clock: Clock;
	readonly random: Random;
	readonly transport: Transport;
}

export interface LocalNodeOptions {
	/** The network's name: nodes of different networks refuse each other. Default `""`. */
	readonly network?: string;
	/** The address at which others dial this node, where that is not the bound one. */
	readonly advertise?: Address;
	/** Length of the successor list, 1 to 64: so many neighbours in a row may die at once. Default 16. */
	readonly successors?: number;
	/** How often pointers are checked, in milliseconds: `fastest` after a change (100), `slowest` at rest (5,000). */
	readonly pace?: Partial<Pace>;
	readonly limits?: Partial<Limits>;
	readonly ports?: Partial<Ports>;
	readonly hooks?: Partial<NodeHooks>;
}

/** Functions that watch. One that throws is reported as an `error` event. */
export interface NodeHooks {
	/** Every packet that is sent, the ring's own included. */
	send(link: PeerLink, packet: Uint8Array): void;
}

/** The keys that a node owns: clockwise from `after`, not included, to `to`. */
export interface Arc {
	readonly after: Hash;
	readonly to: Hash;
}

export interface NodeEvents {
	/** A link is ready; `accepted` when the other end dialled. */
	link: { link: PeerLink; peer: RemoteNode; accepted: boolean };
	/** The link to a peer is gone. */
	unlink: { peer: RemoteNode };
	/** The node has come into a ring or is out of it. */
	standing: Standing;
	/** Another arc of keys is this node's; `undefined` while it is not known where the arc starts. */
	arc: { before: Arc | undefined; now: Arc | undefined };
	/** A handler, hook or listener of yours failed. */
	error: unknown;
}

export interface LookupResult {
	/** The owner of the id: the first node at or clockwise after it. */
	readonly node: RemoteNode | LocalNode;
	/** Links crossed to the answer; 0 when the owner is this node. */
	readonly hops: number;
}

/** Who sent a message that is being handled. */
export interface Sender {
	readonly peer: RemoteNode;
}

/** Where a routed message came from and was meant for. */
export interface Routed {
	/** Who sent it, by its own word. */
	readonly origin: RemoteNode;
	readonly target: Hash;
	/** True when this node is the target itself, not merely the owner of its place. */
	readonly exact: boolean;
	/** Links that it crossed. */
	readonly hops: number;
}

/**
 * A node of a Chord distributed hash table (Stoica et al., 2001, as corrected by Zave, 2015).
 *
 * Its id is the SHA-256 of `data`. It is alone until it joins another's ring, or another joins it.
 *
 * @example
 * ```ts
 * const node = await new LocalNode("first", { host: "127.0.0.1", port: 7000 }).listen();
 * await node.joinRing({ host: "127.0.0.1", port: 7001 });
 * const { node: owner } = await node.lookup(new Hash({ value: "some key" }));
 * ```
 */
export class LocalNode {
	readonly #data: NodeData;
	readonly #bind: Address;
	readonly #advertise: Address | undefined;
	readonly #network: Uint8Array;
	readonly #successorCount: number;
	readonly #pace: Pace;
	readonly #limits: Limits;
	readonly #ports: Ports;
	readonly #hooks: Partial<NodeHooks>;
	readonly #events: Events<NodeEvents>;
	readonly #handlers: Handlers<Connection>;
	readonly #routedHandlers: Handlers<Routed>;
	readonly #waits: Waits;
	#phase: "new" | "listening" | "open" | "closed" = "new";
	#parts: Parts | undefined;

	/**
	 * `bindAddr` is a local interface's address or name (`""` for all of them) and a port, 0 for any free one.
	 * `data` may be a function of the address at which the node then is.
	 * @throws ChordError `INVALID_ARGUMENT`
	 */
	constructor(
		data: string | Uint8Array | ((bound: Address) => string | Uint8Array),
		bindAddr: Address,
		options: LocalNodeOptions = {},
	) {
		const {
			network = "",
			successors = 16,
			hooks = {},
			ports = {},
		} = checkObject("options", options);
		this.#data = checkData(data);
		this.#bind = checkBindAddress(bindAddr);
		this.#advertise = checkAdvertised(options.advertise);
		if (typeof network !== "string") throw invalid("network must be a string");
		this.#network = sha256(network);
		this.#successorCount = checkSuccessors(successors);
		this.#pace = checkPace(options.pace);
		this.#limits = completeLimits(options.limits);
		this.#ports = {
			clock: systemClock,
			random: systemRandom,
			transport: tcp,
			...checkObject("ports", ports),
		};
		checkObject("hooks", hooks);
		this.#hooks = hooks;
		this.#events = new Events((error) => {
			this.#failed(error);
		});
		this.#handlers = new Handlers(bodyLimit(this.#limits));
		this.#routedHandlers = new Handlers(bodyLimit(this.#limits));
		this.#waits = new Waits(this.#ports.clock);
	}

	/**
	 * Starts to listen. Until it joins another's ring or another joins it, the node is alone.
	 * @throws ChordError `ALREADY_LISTENING`, `CLOSED`, `UNRESOLVED`, `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`,
	 * `INVALID_ARGUMENT` when `data` gives nothing to hash
	 */
	async listen(): Promise<this> {
		if (this.#phase === "closed") throw closedError();
		if (this.#phase !== "new")
			throw new ChordError("ALREADY_LISTENING", "listen was called before");
		this.#phase = "listening";
		let listener: Listener | undefined;
		try {
			const host = await this.#resolve(this.#bind.host);
			listener = await listenAt(this.#ports.transport, { host, port: this.#bind.port }, (link) =>
				this.#accept(link),
			);
			const address = this.#advertise ?? (await this.#reachable(listener.address));
			const data = typeof this.#data === "function" ? checkBytes(this.#data(address)) : this.#data;
			// Closed while it was about to listen.
			if (this.#isClosed()) throw closedError();
			const { hash, contact } = identity(data, address, this.#incarnation());
			this.#parts = this.#assemble(listener, hash, contact);
			this.#phase = "open";
			return this;
		} catch (error) {
			await listener?.close();
			if (!this.#isClosed()) this.#phase = "new";
			throw error;
		}
	}

	/**
	 * Joins the ring of the first of `remote` that answers.
	 * @throws ChordError `INVALID_ARGUMENT`, `NOT_LISTENING`, `UNRESOLVED`, `UNREACHABLE`, `INCOMPATIBLE`, `TIMEOUT`
	 * (default 10,000 ms), `CLOSED`; `NO_ROUTE` while the ring is being repaired; `BUSY` when it is in a ring, or joins
	 * one, already
	 */
	async joinRing(remote: Address | readonly Address[], options?: Wait): Promise<void> {
		const parts = this.#open();
		const remotes = ((Array.isArray(remote) ? remote : [remote]) as readonly Address[]).map(
			checkDialAddress,
		);
		if (remotes.length === 0) throw invalid("no address to join through");
		if (parts.state.standing === "joining") throw new ChordError("BUSY", "a join is under way");
		if (parts.state.successor !== undefined) {
			throw new ChordError("BUSY", "this node is in a ring already: leave that first");
		}
		try {
			await this.#waits.run<void>(options, this.#limits.requestTimeout, (budget, done) => {
				const deadline = this.#ports.clock.now() + budget;
				parts.stabilizer.prepare();
				let cancel = this.#meet(parts, remotes, (error, contact) => {
					if (contact === undefined) {
						done(error);
						return;
					}
					const left = Math.max(1, deadline - this.#ports.clock.now());
					cancel = parts.stabilizer.join([contact], left, done);
				});
				return () => {
					cancel();
				};
			});
		} catch (error) {
			parts.stabilizer.giveUp();
			throw error;
		}
	}

	/** Says goodbye and leaves the ring. The node goes on listening, and can join again. */
	async leaveRing(options?: Wait): Promise<void> {
		const parts = this.#open();
		await this.#waits.run<void>(options, this.#limits.requestTimeout, (_budget, done) => {
			this.#depart(parts, "leaving");
			parts.connections.start();
			const timer = this.#ports.clock.schedule(0, () => {
				done(undefined);
			});
			return () => {
				timer.cancel();
			};
		});
	}

	/**
	 * Finds the node that owns `id`: the first at or clockwise after it. It is the owner itself that answers.
	 * `recursive` (default) asks along open links, and goes on iteratively where that fails; `iterative` asks
	 * each node on the way itself.
	 * @throws ChordError `NOT_LISTENING`, `INVALID_ARGUMENT`, `NO_ROUTE`, `TIMEOUT` (default 10,000 ms), `CLOSED`
	 */
	async lookup(
		id: Hash,
		options: { mode?: "recursive" | "iterative" } & Wait = {},
	): Promise<LookupResult> {
		const { lookups, contact } = this.#open();
		if (!(id instanceof Hash)) throw invalid("lookup takes a Hash");
		const { mode = "recursive" } = options;
		if (mode !== "recursive" && mode !== "iterative") {
			throw invalid("mode must be recursive or iterative");
		}
		const found = await this.#waits.run<Found>(
			options,
			this.#limits.requestTimeout,
			(budget, done) => lookups.find(idOf(id), mode, budget, done),
		);
		const own = found.owner.id === contact.id;
		return { node: own ? this : found.owner, hops: found.hops };
	}

	/** Leaves, closes every link and stops listening. What is pending rejects with `CLOSED`. */
	async close(): Promise<void> {
		if (this.#phase === "closed") return;
		this.#phase = "closed";
		this.#waits.closeAll();
		const parts = this.#parts;
		if (parts === undefined) return;
		this.#depart(parts, "closing");
		await parts.listener.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** @throws ChordError `NOT_LISTENING` before `listen`; likewise the other getters. */
	get hash(): Hash {
		return this.#listening().hash;
	}

	/** Where others dial this node. */
	get address(): Address {
		return this.#listening().contact.address;
	}

	/** Where it listens: with an advertised address, or on all interfaces, not what others dial. */
	get bound(): Address {
		return this.#listening().listener.address;
	}

	get predecessor(): RemoteNode | undefined {
		return this.#listening().state.predecessor;
	}

	/** The next node clockwise; `undefined` when alone. */
	get successor(): RemoteNode | undefined {
		return this.#listening().state.successor;
	}

	/** The next nodes clockwise. */
	get successors(): readonly RemoteNode[] {
		return [...this.#listening().state.successors];
	}

	/** The nodes that its fingers point to, each once, but for those that point to the first successor. */
	get fingers(): readonly RemoteNode[] {
		return [...this.#listening().state.fingerContacts().values()];
	}

	/** Everyone to whom it holds a link. */
	get peers(): readonly RemoteNode[] {
		return [...this.#listening().connections.values()].flatMap(({ contact }) => contact ?? []);
	}

	/** Which life of the node this is: another one after each time that it left a ring. */
	get incarnation(): number {
		return this.#listening().state.self.incarnation;
	}

	get standing(): Standing {
		return this.#listening().state.standing;
	}

	/** Calls `listener` for each event of a type until it is taken back, by the function returned or by `signal`. */
	on<Type extends keyof NodeEvents>(
		type: Type,
		listener: (event: NodeEvents[Type]) => void,
		options: { signal?: AbortSignal } = {},
	): Unsubscribe {
		checkFunction("a listener", listener);
		return this.#events.on(type, listener, options);
	}

	/**
	 * Answers requests, or hears notices, of a type of your own. A request's handler returns the response or a
	 * promise of it; `signal` aborts when the asker no longer waits.
	 * @throws ChordError `INVALID_ARGUMENT` when the type is handled already
	 */
	handle<Request, Response>(
		type: RequestType<Request, Response>,
		handler: (
			value: Request,
			from: Sender & { signal: AbortSignal },
		) => Response | Promise<Response>,
	): Unsubscribe;
	handle<Body>(type: NoticeType<Body>, handler: (value: Body, from: Sender) => void): Unsubscribe;
	handle(
		type: RequestType<unknown, unknown> | NoticeType<unknown>,
		handler: (value: unknown, from: Sender & { signal: AbortSignal }) => unknown,
	): Unsubscribe {
		checkFunction("a handler", handler);
		if (type?.kind === "notice") {
			return this.#handlers.onNotice(type, (value, connection) => {
				const { contact } = connection;
				if (contact === undefined) return;
				const { signal } = new AbortController();
				guard(() => handler(value, { peer: contact, signal }), this.#failed);
			});
		}
		checkType("request", type);
		return this.#handlers.onRequest(type, (value, connection, _budget, answer) => {
			const abort = new AbortController();
			const { contact } = connection;
			if (contact === undefined) return undefined;
			const respond = async (): Promise<unknown> =>
				await handler(value, { peer: contact, signal: abort.signal });
			respond().then(
				(response) => {
					this.#answer(answer, response);
				},
				(error: unknown) => {
					if (!abort.signal.aborted) this.#failed(error);
					answer(new ChordError("REMOTE", "the handler failed"));
				},
			);
			return () => {
				abort.abort();
			};
		});
	}

	/** Hears messages of a type that were routed to this node, as their target or as the owner of it. */
	handleRouted<Body>(
		type: NoticeType<Body>,
		handler: (value: Body, routed: Routed) => void,
	): Unsubscribe {
		checkType("notice", type);
		checkFunction("a handler", handler);
		return this.#routedHandlers.onNotice(type, handler);
	}

	/**
	 * Asks another node, over a link that is opened when there is none.
	 * @throws ChordError `UNREACHABLE`, `NOT_HANDLED`, `REMOTE` when the handler failed, `BUSY`, `TOO_LARGE`,
	 * `INVALID_ARGUMENT`, `TIMEOUT` (default 10,000 ms), `CLOSED`
	 */
	async request<Request, Response>(
		peer: RemoteNode,
		type: RequestType<Request, Response>,
		value: Request,
		options?: Wait,
	): Promise<Response> {
		const parts = this.#open();
		checkType("request", type);
		const body = encode(type.request, value, bodyLimit(this.#limits));
		const contact = contactOf(peer);
		const bytes = await this.#waits.run<Uint8Array>(
			options,
			this.#limits.requestTimeout,
			(budget, done) => this.#call(parts, contact, type.tag, body, budget, done),
		);
		return decodeResponse(type, bytes);
	}

	/**
	 * Tells another node, over a link that is opened when there is none. Resolves when the message was given to
	 * the link; whether it arrives nobody knows.
	 * @throws ChordError as {@link request}
	 */
	async notify<Body>(
		peer: RemoteNode,
		type: NoticeType<Body>,
		value: Body,
		options?: Wait,
	): Promise<void> {
		const { connections } = this.#open();
		checkType("notice", type);
		const body = encode(type.body, value, bodyLimit(this.#limits));
		const contact = contactOf(peer);
		await this.#waits.run<void>(options, this.#limits.requestTimeout, (_budget, done) =>
			connections.open(contact, (error, connection) => {
				connection?.rpc.notify(type.tag, body);
				done(error);
			}),
		);
	}

	/**
	 * Sends a message along the ring to the node that `target` names, or that owns it. It goes over links that are
	 * open, is relayed unread, and may get lost: false when there is no link to send it over. With `via` the first
	 * link is the one to that peer.
	 * @throws ChordError `NOT_LISTENING`, `CLOSED`, `TOO_LARGE`, `INVALID_ARGUMENT`
	 */
	route<Body>(
		target: Hash,
		type: NoticeType<Body>,
		value: Body,
		options: { via?: RemoteNode } = {},
	): boolean {
		const parts = this.#open();
		if (!(target instanceof Hash)) throw invalid("route takes a Hash");
		checkType("notice", type);
		const envelope: Envelope = {
			target: idOf(target),
			origin: parts.state.self,
			tag: type.tag,
			hops: 0,
			last: false,
			body: encode(type.body, value, bodyLimit(this.#limits)),
		};
		// What is too large to be sent is refused even where it need not be.
		const sealed = this.#sealed({ ...envelope, hops: 1 });
		if (options.via === undefined) return this.#forward(parts, envelope);
		const link = parts.connections.get(contactOf(options.via).id);
		link?.rpc.notify(routed.tag, sealed);
		return link !== undefined;
	}

	/** Who comes before the node knows its own address, or after it has closed, is turned away. */
	#accept(link: Link): LinkHandler {
		if (this.#phase === "open" && this.#parts) return this.#parts.connections.accept(link);
		link.destroy();
		return { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
	}

	#isClosed(): boolean {
		return this.#phase === "closed";
	}

	#listening(): Parts {
		if (this.#parts === undefined) throw new ChordError("NOT_LISTENING", "call listen first");
		return this.#parts;
	}

	#open(): Parts {
		if (this.#phase === "closed") throw closedError();
		return this.#listening();
	}

	readonly #failed = (error: unknown): void => {
		// A listener for errors that fails itself has nobody left to tell.
		if (this.#reporting) return;
		this.#reporting = true;
		this.#events.emit("error", error);
		this.#reporting = false;
	};
	#reporting = false;

	#answer(answer: Answer<unknown>, response: unknown): void {
		try {
			answer(undefined, response);
		} catch (error) {
			this.#failed(error);
			answer(new ChordError("REMOTE", "the handler's response does not fit its type"));
		}
	}

	#incarnation(): number {
		const bytes = this.#ports.random.bytes(6);
		// Never 0, which stands for any.
		return bytes.reduce((value, byte) => value * 256 + byte, 0) || 1;
	}

	async #resolve(host: string): Promise<string> {
		if (host === "") return "0.0.0.0";
		if (ipBytes(host) !== undefined) return host;
		try {
			return await this.#ports.transport.resolve(host);
		} catch (cause) {
			throw new ChordError("UNRESOLVED", `the host name ${host} has no address`, { cause });
		}
	}

	async #reachable(bound: Address): Promise<Address> {
		const wildcard = ipBytes(bound.host)?.every((byte) => byte === 0) ?? false;
		const host = wildcard ? await this.#ports.transport.localHost() : bound.host;
		return canonicalAddress({ host, port: bound.port });
	}

	/** Opens a link to the first of several addresses that answers. */
	#meet(parts: Parts, remotes: readonly Address[], done: Answer<Contact>): Cancel {
		const errors: ChordError[] = [];
		const cancels: Cancel[] = [];
		let over = false;
		const stop = (): void => {
			over = true;
			for (const cancel of cancels) cancel();
		};
		const settle: Answer<Contact> = (error, contact) => {
			if (over) return;
			if (error !== undefined) errors.push(error);
			if (contact === undefined && errors.length < remotes.length) return;
			stop();
			done(contact === undefined ? firstOf(errors) : undefined, contact);
		};
		for (const remote of remotes) {
			this.#resolve(remote.host)
				.then((host) => {
					if (over) return;
					const address = canonicalAddress({ host, port: remote.port });
					const cancel = parts.connections.openAddress(address, (error, connection) => {
						settle(error, connection?.contact);
					});
					cancels.push(cancel);
				})
				.catch((error: unknown) => {
					settle(error as ChordError);
				});
		}
		return stop;
	}

	#depart(parts: Parts, reason: "leaving" | "closing"): void {
		parts.stabilizer.leave();
		parts.connections.closeAll(reason);
		const { id, address } = parts.contact;
		parts.state.self = new Contact(id, address, this.#incarnation());
	}

	/** A request over the link to a peer, opened first when there is none. */
	#call(
		{ connections }: Pick<Parts, "connections">,
		to: Contact,
		tag: number,
		body: Uint8Array,
		budget: number,
		done: Answer<Uint8Array>,
	): Cancel {
		const { clock } = this.#ports;
		const existing = connections.get(to.id);
		if (existing?.contact !== undefined && to.means(existing.contact)) {
			return existing.rpc.request(tag, body, budget, done);
		}
		const deadline = clock.now() + budget;
		let cancelRequest: Cancel = () => {};
		const timer = clock.schedule(budget, () => {
			cancelOpening();
			done(new ChordError("TIMEOUT", `${formatAddress(to.address)} did not answer in time`));
		});
		const cancelOpening = connections.open(to, (error, connection) => {
			timer.cancel();
			if (connection === undefined) {
				done(error);
				return;
			}
			const left = Math.max(1, deadline - clock.now());
			cancelRequest = connection.rpc.request(tag, body, left, done);
		});
		return () => {
			timer.cancel();
			cancelOpening();
			cancelRequest();
		};
	}

	#sealed(envelope: Envelope): Uint8Array {
		return encode(routed.body, envelope, bodyLimit(this.#limits));
	}

	/** Takes a routed message one hop further, or hands it to its handler here. */
	#forward(parts: Parts, envelope: Envelope): boolean {
		const hop = nextHop(parts.state, parts.connections, envelope);
		if (hop.kind === "none") return false;
		if (hop.kind === "here") {
			this.#ports.clock.defer(() => {
				this.#arrive(parts, envelope);
			});
			return true;
		}
		if (envelope.hops >= this.#limits.hops) return false;
		if (hop.link.buffered > this.#limits.writeBufferSoft) return false;
		const onward = { ...envelope, hops: envelope.hops + 1, last: hop.last };
		hop.link.rpc.notify(routed.tag, this.#sealed(onward));
		return true;
	}

	#arrive(parts: Parts, { target, origin, tag, hops, body }: Envelope): void {
		const handle = this.#routedHandlers.notice(tag);
		const exact = target === parts.contact.id;
		const report = (error: unknown): void => {
			// A body that makes no sense is its sender's trouble, not this program's.
			if (!isMalformed(error)) this.#failed(error);
		};
		guard(() => handle?.(body, { origin, target: hashOf(target), exact, hops }), report);
	}

	/** Puts the parts of a listening node together. */
	#assemble(listener: Listener, hash: Hash, contact: Contact): Parts {
		const state = new RingState(contact, this.#successorCount);
		const { clock, transport } = this.#ports;
		const owner: ConnectionOwner = {
			clock,
			limits: this.#limits,
			network: this.#network,
			rpc: {
				clock,
				limits: this.#limits,
				handlers: this.#handlers,
				pending: { asked: 0, serving: 0 },
				handlerFailed: this.#failed,
			},
			self: () => ({
				contact: state.self,
				standing: state.standing === "member" ? "member" : "outside",
			}),
			admit: (connection) => connections.admit(connection),
			ready: (connection) => {
				connections.ready(connection);
			},
			closed: (connection, error) => {
				connections.closed(connection, error);
			},
			sent: (connection, packet) => {
				const { send } = this.#hooks;
				if (send !== undefined) guard(() => send(connection, packet), this.#failed);
			},
		};
		const connections: Connections = new Connections(owner, transport, {
			opened: (link) => {
				const { contact: peer } = link;
				if (peer !== undefined) this.#events.emit("link", { link, peer, accepted: !link.dialled });
			},
			lost: (link) => {
				const { contact: peer } = link;
				if (peer === undefined) return;
				this.#events.emit("unlink", { peer });
				if (link.goodbye === "leaving" || link.goodbye === "closing") stabilizer.gone(peer);
				else stabilizer.suspect(peer);
			},
		});
		const network = this.#ringNetwork(connections);
		const lookups = new Lookups(state, network, (suspected) => {
			stabilizer.suspect(suspected);
		});
		const stabilizer: Stabilizer = new Stabilizer(state, network, lookups, this.#pace, {
			standing: (now) => {
				this.#events.emit("standing", now);
			},
			predecessor: (before, now) => {
				const arc = (predecessor: Contact | undefined): Arc | undefined =>
					predecessor && { after: predecessor.hash, to: hash };
				this.#events.emit("arc", { before: arc(before), now: arc(now) });
			},
		});
		const parts = { listener, hash, contact, state, connections, lookups, stabilizer };
		this.#handlers.onNotice(standing, (now, connection) => {
			connection.standing = now;
			if (now === "outside" && connection.contact) stabilizer.gone(connection.contact);
		});
		this.#handlers.onNotice(routed, (envelope) => {
			if (state.standing === "member") this.#forward(parts, envelope);
		});
		return parts;
	}

	#ringNetwork(connections: Connections): RingNetwork {
		const { clock, random } = this.#ports;
		const limits = this.#limits;
		return {
			clock,
			random,
			limits,
			call: (to, type, value, budget, done) =>
				this.#call(
					{ connections },
					to,
					type.tag,
					encode(type.request, value, bodyLimit(limits)),
					budget,
					(error, bytes) => {
						let response;
						try {
							response = bytes && decodeResponse(type, bytes);
						} catch (malformed) {
							done(malformed as ChordError);
							return;
						}
						done(error, response);
					},
				),
			tell: (to, type, value) => {
				const body = encode(type.body, value, bodyLimit(limits));
				connections.open(to, (_error, connection) => connection?.rpc.notify(type.tag, body));
			},
			tellAll: (type, value) => {
				const body = encode(type.body, value, bodyLimit(limits));
				for (const connection of connections.values()) connection.rpc.notify(type.tag, body);
			},
			serve: (type, handle) => {
				this.#handlers.onRequest(
					type,
					(value, connection, budget, answer) =>
						connection.contact && handle(value, connection.contact, budget, answer),
				);
			},
			hear: (type, handle) => {
				this.#handlers.onNotice(type, (value, connection) => {
					if (connection.contact !== undefined) handle(value, connection.contact);
				});
			},
			keep: (neighbours: ReadonlyMap<Id, Contact>) => {
				connections.pin(new Set(neighbours.keys()));
				for (const contact of neighbours.values()) connections.open(contact, () => {});
			},
		};
	}
}

/** What a node consists of once it listens. */
interface Parts {
	readonly listener: Listener;
	readonly hash: Hash;
	readonly contact: Contact;
	readonly state: RingState;
	readonly connections: Connections;
	readonly lookups: Lookups;
	readonly stabilizer: Stabilizer;
}

function closedError(): ChordError {
	return new ChordError("CLOSED", "the node was closed");
}

function identity(
	data: string | Uint8Array,
	address: Address,
	incarnation: number,
): { hash: Hash; contact: Contact } {
	const hash = new Hash({ value: data });
	return { hash, contact: new Contact(idOf(hash), address, incarnation) };
}

const LISTEN_ERRORS: Readonly<Record<string, "ADDRESS_IN_USE" | "ADDRESS_NOT_AVAILABLE">> = {
	EADDRINUSE: "ADDRESS_IN_USE",
	EADDRNOTAVAIL: "ADDRESS_NOT_AVAILABLE",
	EACCES: "ADDRESS_NOT_AVAILABLE",
	EINVAL: "ADDRESS_NOT_AVAILABLE",
};

async function listenAt(
	transport: Transport,
	address: Address,
	accept: Parameters<Transport["listen"]>[1],
): Promise<Listener> {
	try {
		return await transport.listen(address, accept);
	} catch (cause) {
		const { code = "", message } = cause as Error & { code?: string };
		throw new ChordError(
			LISTEN_ERRORS[code] ?? "ADDRESS_NOT_AVAILABLE",
			`cannot listen at ${formatAddress(address)}: ${message}`,
			{ cause },
		);
	}
}

/** One error for several addresses of which none answered. */
function firstOf(errors: readonly ChordError[]): ChordError {
	const [first] = errors;
	if (first !== undefined && errors.length === 1) return first;
	const code = errors.every((error) => error.code === first?.code) ? first?.code : undefined;
	return new ChordError(code ?? "UNREACHABLE", errors.map(({ message }) => message).join("; "), {
		cause: new AggregateError(errors),
	});
}

function decodeResponse<Request, Response>(
	type: RequestType<Request, Response>,
	bytes: Uint8Array,
): Response {
	try {
		return decode(type.response, bytes);
	} catch (cause) {
		throw new ChordError("REMOTE", `the response to ${type.name} makes no sense`, { cause });
	}
}
