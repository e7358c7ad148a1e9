import { type Address, canonicalAddress, formatAddress, ipBytes } from "./address.ts";
import type { Connection, PeerLink } from "./connection.ts";
import { type Contact, type RemoteNode, contactOf } from "./contact.ts";
import { Core, type Ports, type Routed, decodeResponse } from "./core.ts";
import { ChordError } from "./errors.ts";
import { Events, type Unsubscribe, guard } from "./events.ts";
import { Hash, idOf } from "./hash.ts";
import { type Limits, bodyLimit, completeLimits } from "./limits.ts";
import { systemClock } from "./node/clock.ts";
import { sha256, systemCrypto, systemRandom } from "./node/crypto.ts";
import { tcp } from "./node/tcp.ts";
import {
	type NodeData,
	type Proof,
	checkAdvertised,
	checkBindAddress,
	checkBytes,
	checkData,
	checkDialAddress,
	checkFlag,
	checkEncryption,
	checkFunction,
	checkIdentity,
	checkObject,
	checkPace,
	checkProof,
	checkSuccessors,
	checkType,
	invalid,
} from "./options.ts";
import type { Link, LinkHandler, Listener, Transport } from "./ports.ts";
import {
	type Answer,
	type Cancel,
	Handlers,
	type NoticeType,
	type RequestType,
} from "./protocol.ts";
import type { Found } from "./ring/messages.ts";
import type { Pace } from "./ring/stabilize.ts";
import type { Standing } from "./ring/state.ts";
import { Identity } from "./secure/identity.ts";
import type { NodeRecord } from "./secure/record.ts";
import { type Network, type Secret, checkNetwork, checkSecrets, keysOf } from "./secure/secret.ts";
import { LimitCounter, type NodeStats } from "./stats.ts";
import { type Wait, Waits } from "./wait.ts";
import { encode } from "./wire/codec.ts";

export interface LocalNodeOptions {
	/**
	 * The network's name, or name and secret: nodes of different networks, or with different secrets, refuse each other.
	 * Without a secret anyone may join. Default `""`.
	 */
	readonly network?: string | Network;
	/**
	 * `"required"` (default): links are encrypted, and both ends prove their keys. `"off"`: for simulations, and to measure
	 * what it costs; anyone on the way can read and change what is sent. Both ends have to be set alike.
	 */
	readonly encryption?: "required" | "off";
	/** Who the node is, as `loadIdentity` gives it. Default: one that is made anew. */
	readonly identity?: Identity;
	/**
	 * The address at which others dial this node, where that is not the bound one; or a function that gives it, or
	 * `undefined` for the bound one, once it is known where the node listens.
	 */
	readonly advertise?: Address | ((bound: Address) => Promise<Address | undefined>);
	/**
	 * Whether a node that dialled this one gets a place in the ring only when this one can dial it, too, where it says that
	 * it is (`"required"`); and whether this one wants others to try that before it gets a place. With `"id"` besides, its id has
	 * to be the hash of its address or of its public key, where links are encrypted. Default `"off"`.
	 */
	readonly proof?: Proof;
	/** Length of the successor list, 1 to 64: one fewer in a row may die at once. Default 16. */
	readonly successors?: number;
	/** How often pointers are checked, in milliseconds: `fastest` after a change (100), `slowest` at rest (5,000). */
	readonly pace?: Partial<Pace>;
	readonly limits?: Partial<Limits>;
	/** True when the limits by IP address, subnet and rate hold for loopback and private addresses too. Default false. */
	readonly limitLocal?: boolean;
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
	/** The neighbours are not the same as before. */
	pointers: { predecessor: RemoteNode | undefined; successors: readonly RemoteNode[] };
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
	readonly #advertise: LocalNodeOptions["advertise"];
	readonly #proof: Proof;
	readonly #network: Network;
	readonly #encrypted: boolean;
	#identity: Identity | undefined;
	readonly #successorCount: number;
	readonly #pace: Pace;
	readonly #limits: Limits;
	readonly #limitLocal: boolean;
	readonly #counter = new LimitCounter();
	readonly #ports: Ports;
	readonly #hooks: Partial<NodeHooks>;
	readonly #events = new Events<NodeEvents>();
	readonly #handlers: Handlers<Connection>;
	readonly #routedHandlers: Handlers<Routed>;
	readonly #waits: Waits;
	#phase: "new" | "listening" | "open" | "closed" = "new";
	#core: Core | undefined;
	#listener: Listener | undefined;
	/** Ends the `joinRing` that is under way. */
	#abandonJoin: (() => void) | undefined;

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
			encryption = "required",
			identity,
			successors = 16,
			hooks = {},
			ports = {},
		} = checkObject("options", options);
		this.#data = checkData(data);
		this.#bind = checkBindAddress(bindAddr);
		this.#advertise = checkAdvertised(options.advertise);
		this.#proof = checkProof(options.proof);
		this.#network = checkNetwork(network);
		this.#encrypted = checkEncryption(encryption, this.#network);
		this.#identity = checkIdentity(identity);
		this.#successorCount = checkSuccessors(successors);
		this.#pace = checkPace(options.pace);
		this.#limits = completeLimits(options.limits);
		this.#limitLocal = checkFlag("limitLocal", options.limitLocal);
		const { clock, random, transport } = checkObject("ports", ports);
		this.#ports = {
			clock: clock ?? systemClock,
			random: random ?? systemRandom,
			transport: transport ?? tcp,
		};
		checkObject("hooks", hooks);
		this.#hooks = hooks;
		this.#handlers = new Handlers(bodyLimit(this.#limits));
		this.#routedHandlers = new Handlers(bodyLimit(this.#limits));
		this.#waits = new Waits(this.#ports.clock, () => {
			this.#counter.count("requestTimeout");
		});
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
			const secrets = await this.#keysOf(checkSecrets(this.#network.secret));
			listener = await listenAt(this.#ports.transport, { host, port: this.#bind.port }, (link) =>
				this.#accept(link),
			);
			const address = await this.#advertised(listener.address);
			const data = typeof this.#data === "function" ? checkBytes(this.#data(address)) : this.#data;
			// Closed while it was about to listen.
			if (this.#isClosed()) throw closedError();
			this.#listener = listener;
			this.#core = this.#createCore(new Hash({ value: data }), address, secrets);
			this.#phase = "open";
			return this;
		} catch (error) {
			await listener?.close();
			if (!this.#isClosed()) this.#phase = "new";
			throw error;
		}
	}

	/**
	 * Joins the ring of the first of `remote` that answers. A node that is in a ring already merges the two: it resolves
	 * when the merging has begun.
	 *
	 * With `leaf` the node takes part without a place in the ring, for one that others cannot dial: it owns nothing,
	 * and holds links to the owner of its id and the nodes around that, over which messages and requests reach it.
	 * @throws ChordError `INVALID_ARGUMENT`, `NOT_LISTENING`, `UNRESOLVED`, `UNREACHABLE`, `INCOMPATIBLE`, `TIMEOUT`
	 * (default 10,000 ms), `CLOSED`; `NO_ROUTE` while the ring is being repaired; `BUSY` while it is joining already; `NOT_MEMBER`
	 * when this node is in a ring and the other is in none
	 */
	async joinRing(
		remote: Address | readonly Address[],
		options: Wait & { leaf?: boolean } = {},
	): Promise<void> {
		const core = this.#open();
		const { leaf = false } = options;
		const remotes = ((Array.isArray(remote) ? remote : [remote]) as readonly Address[]).map(
			checkDialAddress,
		);
		if (remotes.length === 0) throw invalid("no address to join through");
		const { attaching, joining, merging, state } = core.ring;
		if (state.standing === "joining") throw new ChordError("BUSY", "a join is under way");
		core.become(leaf ? "leaf" : "dialable");
		const inRing = state.successor !== undefined;
		if (!inRing && !leaf) joining.prepare();
		try {
			await this.#waits.run<void>(options, this.#limits.requestTimeout, (budget, done) => {
				const deadline = this.#ports.clock.now() + budget;
				let cancel = this.#meet(core, remotes, (error, contact) => {
					const left = Math.max(1, deadline - this.#ports.clock.now());
					if (contact === undefined) done(error);
					else if (leaf) cancel = attaching.attach([contact], left, done);
					else if (inRing) cancel = merging.mergeWith(contact, done);
					else cancel = joining.join([contact], left, done);
				});
				this.#abandonJoin = () => {
					cancel();
					done(new ChordError("CLOSED", "this node left the ring meanwhile"));
				};
				return () => {
					cancel();
				};
			});
		} catch (error) {
			core.ring.giveUp();
			throw error;
		} finally {
			this.#abandonJoin = undefined;
		}
	}

	/** Says goodbye and leaves the ring. The node goes on listening, and can join again. */
	async leaveRing(options?: Wait): Promise<void> {
		const core = this.#open();
		await this.#waits.run<void>(options, this.#limits.requestTimeout, (_budget, done) => {
			this.#abandonJoin?.();
			core.depart("leaving");
			core.connections.start();
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
		const { hash, ring } = this.#open();
		if (!(id instanceof Hash)) throw invalid("lookup takes a Hash");
		const { mode = "recursive" } = options;
		if (mode !== "recursive" && mode !== "iterative") {
			throw invalid("mode must be recursive or iterative");
		}
		const found = await this.#waits.run<Found>(
			options,
			this.#limits.requestTimeout,
			(budget, done) => ring.lookups.find(idOf(id), mode, budget, done),
		);
		const own = found.owner.hash.equals(hash);
		return { node: own ? this : found.owner, hops: found.hops };
	}

	/**
	 * Takes another secret, or several, as in {@link Network}. Links that were opened under none of them end; the ring dials
	 * its neighbours anew. To change the secret of a network that runs, give every node `[old, next]`, then every node
	 * `[next, old]`, then every node `next`: so at each moment any two have one in common.
	 * @throws ChordError `NOT_LISTENING`, `INVALID_ARGUMENT`, also where links are not encrypted; `CLOSED`
	 */
	async changeSecret(secret: Secret | readonly Secret[]): Promise<void> {
		const core = this.#open();
		if (!this.#encrypted) throw invalid("links that are not encrypted have no secret");
		const secrets = checkSecrets(secret);
		if (secrets.length === 0) throw invalid("a secret is missing");
		const keys = await this.#keysOf(secrets);
		if (this.#isClosed()) throw closedError();
		core.changeSecrets(keys);
	}

	/** Leaves, closes every link and stops listening. What is pending rejects with `CLOSED`. */
	async close(): Promise<void> {
		if (this.#phase === "closed") return;
		this.#phase = "closed";
		this.#waits.closeAll();
		const core = this.#core;
		if (core === undefined) return;
		core.depart("closing");
		await this.#listener?.close();
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
		return this.#listening().address;
	}

	/** Where it listens: with an advertised address, or on all interfaces, not what others dial. */
	get bound(): Address {
		const core = this.#listening();
		return this.#listener?.address ?? core.address;
	}

	/** The node before this one; `undefined` when alone, and while it is not known. */
	get predecessor(): RemoteNode | undefined {
		return this.#listening().ring.state.predecessor;
	}

	/** The next node clockwise; `undefined` when alone. */
	get successor(): RemoteNode | undefined {
		return this.#listening().ring.state.successor;
	}

	/** The next nodes clockwise. Frozen: after a change it is another array. */
	get successors(): readonly RemoteNode[] {
		return this.#listening().ring.state.successors;
	}

	/** The nodes that its fingers point to, each once, but for those that point to the first successor. */
	get fingers(): readonly RemoteNode[] {
		return [...this.#listening().ring.state.fingerContacts().values()];
	}

	/** Everyone to whom it holds a link. */
	get peers(): readonly RemoteNode[] {
		return [...this.#listening().connections.values()].flatMap(({ contact }) => contact ?? []);
	}

	/** Whether the link to a node is {@link PeerLink.verified}; false where there is none. */
	isVerified(peer: RemoteNode): boolean {
		return this.#listening().connections.get(contactOf(peer).id)?.verified ?? false;
	}

	/** Members of its ring that it met, the most recent first: good to join through after a restart. At most 64. */
	get remembered(): readonly RemoteNode[] {
		return this.#listening().ring.merging.remembered;
	}

	/** Which life of the node this is: another one after each time that it left a ring. */
	get incarnation(): number {
		return this.#listening().ring.state.self.incarnation;
	}

	/** The leaves that hold a link to this node, and whose ids it owns. */
	get leaves(): readonly RemoteNode[] {
		const { connections, ring } = this.#listening();
		return [...connections.values()].flatMap(({ contact }) =>
			contact?.dialable === false && ring.state.owns(contact.id) ? contact : [],
		);
	}

	/** Whether it is a member of a ring, is joining one, is a leaf, or none of that. */
	get standing(): Standing {
		return this.#listening().ring.state.standing;
	}

	/** How it is doing, and how often each limit was reached. */
	get stats(): NodeStats {
		return this.#listening().stats;
	}

	/** What the node says of itself, signed by its identity. */
	get record(): NodeRecord {
		return this.#listening().record;
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
		const core = this.#open();
		checkType("request", type);
		const body = encode(type.request, value, bodyLimit(this.#limits));
		const contact = contactOf(peer);
		const bytes = await this.#waits.run<Uint8Array>(
			options,
			this.#limits.requestTimeout,
			(budget, done) => core.call(contact, type.tag, body, budget, done),
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
	 * Sees to it that there is a link to another node: what is routed to that node goes straight there as long as it is
	 * open. A link that nobody uses for `limits.idle` is closed again.
	 * @throws ChordError `UNREACHABLE`, `INCOMPATIBLE`, `BUSY` when all links are in use, `INVALID_ARGUMENT`, `TIMEOUT`
	 * (default 10,000 ms), `CLOSED`
	 */
	async link(peer: RemoteNode, options?: Wait): Promise<PeerLink> {
		const { connections } = this.#open();
		const contact = contactOf(peer);
		return this.#waits.run<PeerLink>(options, this.#limits.requestTimeout, (_budget, done) =>
			connections.open(contact, done),
		);
	}

	/** To whom {@link route} would hand a message for `target`; `undefined` when to nobody, this node itself included. */
	nextHop(target: Hash): RemoteNode | undefined {
		const core = this.#open();
		if (!(target instanceof Hash)) throw invalid("nextHop takes a Hash");
		return core.nextHop(idOf(target))?.contact;
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
		const core = this.#open();
		if (!(target instanceof Hash)) throw invalid("route takes a Hash");
		checkType("notice", type);
		const body = encode(type.body, value, bodyLimit(this.#limits));
		return core.route(idOf(target), type.tag, body, options.via && contactOf(options.via).id);
	}

	/** Who comes before the node knows its own address, or after it has closed, is turned away. */
	#accept(link: Link): LinkHandler {
		if (this.#phase === "open" && this.#core) return this.#core.connections.accept(link);
		link.destroy();
		return { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
	}

	#keysOf(secrets: readonly Secret[]): Promise<readonly Uint8Array[]> {
		return keysOf(systemCrypto, this.#network.id, secrets);
	}

	#createCore(hash: Hash, address: Address, secrets: readonly Uint8Array[]): Core {
		const arc = (predecessor: Contact | undefined): Arc | undefined =>
			predecessor && { after: predecessor.hash, to: hash };
		const options = {
			ports: this.#ports,
			limits: this.#limits,
			limitLocal: this.#limitLocal,
			proof: this.#proof,
			counter: this.#counter,
			pace: this.#pace,
			successors: this.#successorCount,
			crypto: systemCrypto,
			network: sha256(this.#network.id),
			identity: () => (this.#identity ??= Identity.create(this.#ports.random)),
			encrypted: this.#encrypted,
			secrets,
			handlers: this.#handlers,
			routedHandlers: this.#routedHandlers,
		};
		const core: Core = new Core(hash, address, options, {
			link: (link, peer) => {
				this.#events.emit("link", { link, peer, accepted: !link.dialled });
			},
			unlink: (peer) => {
				this.#events.emit("unlink", { peer });
			},
			standing: (now) => {
				this.#events.emit("standing", now);
			},
			pointers: (before) => {
				const { predecessor, successors } = core.ring.state;
				this.#events.emit("pointers", { predecessor, successors });
				if (before.predecessor?.id === predecessor?.id) return;
				this.#events.emit("arc", { before: arc(before.predecessor), now: arc(predecessor) });
			},
			sent: (link, packet) => {
				const { send } = this.#hooks;
				if (send !== undefined) guard(() => send(link, packet), this.#failed);
			},
			failed: this.#failed,
		});
		return core;
	}

	#isClosed(): boolean {
		return this.#phase === "closed";
	}

	#listening(): Core {
		if (this.#core === undefined) throw new ChordError("NOT_LISTENING", "call listen first");
		return this.#core;
	}

	#open(): Core {
		if (this.#phase === "closed") throw closedError();
		return this.#listening();
	}

	readonly #failed = (error: unknown): void => {
		this.#events.emit("error", error);
	};

	#answer(answer: Answer<unknown>, response: unknown): void {
		try {
			answer(undefined, response);
		} catch (error) {
			this.#failed(error);
			answer(new ChordError("REMOTE", "the handler's response does not fit its type"));
		}
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

	async #advertised(bound: Address): Promise<Address> {
		const given =
			typeof this.#advertise === "function" ? await this.#advertise(bound) : this.#advertise;
		return given === undefined ? this.#reachable(bound) : canonicalAddress(given);
	}

	async #reachable(bound: Address): Promise<Address> {
		const wildcard = ipBytes(bound.host)?.every((byte) => byte === 0) ?? false;
		const host = wildcard ? await this.#ports.transport.localHost() : bound.host;
		return canonicalAddress({ host, port: bound.port });
	}

	/** Opens a link to the first of several addresses that answers. */
	#meet(core: Core, remotes: readonly Address[], done: Answer<Contact>): Cancel {
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
					const cancel = core.connections.openAddress(address, (error, connection) => {
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
}

function closedError(): ChordError {
	return new ChordError("CLOSED", "the node was closed");
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
