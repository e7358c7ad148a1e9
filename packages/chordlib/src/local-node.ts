import { type Address, canonicalAddress } from "./address.ts";
import type { Connection, PeerLink } from "./connection.ts";
import { Contact, type RemoteNode, contactOf } from "./contact.ts";
import { Core, answerWith, decodeResponse } from "./core.ts";
import { ChordError, invalid } from "./errors.ts";
import { Events, type Unsubscribe } from "./events.ts";
import { type Sender, handleNotice, handleRequest } from "./handling.ts";
import { Hash, idOf } from "./hash.ts";
import { bodyLimit } from "./limits.ts";
import { addressFor, listenAt, resolveHost } from "./listening.ts";
import { joinThrough } from "./meeting.ts";
import { type NodeEvents, announcing } from "./node-events.ts";
import { sha256, systemCrypto } from "./node/crypto.ts";
import {
	type CompleteOptions,
	type LocalNodeOptions,
	checkBytes,
	checkDialAddress,
	checkFunction,
	checkType,
	completeOptions,
} from "./options.ts";
import type { Link, LinkHandler, Listener } from "./ports.ts";
import {
	type Answer,
	type Cancel,
	Handlers,
	type NoticeType,
	type RequestType,
} from "./protocol.ts";
import { type Found, askDirection } from "./ring/messages.ts";
import type { Standing } from "./ring/state.ts";
import type { Routed } from "./routing.ts";
import { Identity } from "./secure/identity.ts";
import type { NodeRecord } from "./secure/record.ts";
import { type Secret, checkSecrets, keysOf } from "./secure/secret.ts";
import { LimitCounter, type NodeStats } from "./stats.ts";
import { type Wait, Waits } from "./wait.ts";
import { encode, filling } from "./wire/codec.ts";

/** What a lookup found. */
export interface LookupResult {
	/** The owner of the id: the first node at or clockwise after it. */
	readonly node: RemoteNode | LocalNode;
	/** Links crossed to the answer; 0 when the owner is this node. */
	readonly hops: number;
}

/** What a node says of the way to an id; see `LocalNode.step`. */
export interface LookupStep {
	/**
	 * `mine`: it owns the id itself. `last`: one of its successors does. `ask`: others are nearer before the id.
	 * `outside`: it is in no ring, or on its way into one.
	 */
	readonly outcome: "mine" | "last" | "ask" | "outside";
	/**
	 * Best first, at most 64. `last`: the successors from the owner on. `ask`: whom to ask next. `mine`: its predecessor.
	 * `outside`: those through whom it joins.
	 */
	readonly nodes: readonly RemoteNode[];
}

/** What was given to a link. */
const TOLD: Promise<void> = Promise.resolve();

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
	readonly #options: CompleteOptions;
	readonly #counter = new LimitCounter();
	readonly #events = new Events<NodeEvents>();
	readonly #handlers: Handlers<Connection>;
	readonly #routedHandlers: Handlers<Routed>;
	readonly #waits: Waits;
	#phase: "new" | "listening" | "open" | "closed" = "new";
	#core: Core | undefined;
	#listener: Listener | undefined;
	/** The port that is being taken. */
	#taking: Promise<Listener> | undefined;
	/** The change of the secret that was asked for last. */
	#secretChanged: Promise<void> = Promise.resolve();
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
		this.#options = completeOptions(data, bindAddr, options);
		const { limits, ports } = this.#options;
		this.#handlers = new Handlers(bodyLimit(limits));
		this.#routedHandlers = new Handlers(bodyLimit(limits));
		this.#waits = new Waits(ports.clock);
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
		const { advertise, bind, data, network, ports } = this.#options;
		const { transport } = ports;
		let listener: Listener | undefined;
		try {
			const host = await resolveHost(transport, bind.host);
			const secrets = await this.#keysOf(checkSecrets(network.secret));
			if (this.#isClosed()) throw closedError();
			this.#taking = listenAt(transport, { host, port: bind.port }, (link) => this.#accept(link));
			listener = await this.#taking;
			const address = await addressFor(transport, listener.address, advertise);
			const value = typeof data === "function" ? checkBytes(data(address)) : data;
			// Closed while it was about to listen.
			if (this.#isClosed()) throw closedError();
			this.#listener = listener;
			this.#core = this.#createCore(new Hash({ value }), address, secrets);
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
		const { joining, state } = core.ring;
		if (state.standing === "joining") throw new ChordError("BUSY", "a join is under way");
		core.become(leaf ? "leaf" : "dialable");
		const way = leaf ? "attach" : state.successor === undefined ? "join" : "merge";
		if (way === "join") joining.prepare();
		let abandon: (() => void) | undefined;
		try {
			await this.#run<void>(options, (budget, done) => {
				const cancel = joinThrough(core, this.#options.ports, remotes, way, budget, done);
				abandon = () => {
					cancel();
					done(new ChordError("CLOSED", "this node left the ring meanwhile"));
				};
				this.#abandonJoin = abandon;
				return cancel;
			});
		} catch (error) {
			core.ring.giveUp();
			throw error;
		} finally {
			// Another may have begun to join another ring once this node was in.
			if (this.#abandonJoin === abandon) this.#abandonJoin = undefined;
		}
	}

	/** Says goodbye and leaves the ring. The node goes on listening, and can join again. */
	async leaveRing(options?: Wait): Promise<void> {
		const core = this.#open();
		await this.#run<void>(options, (_budget, done) => {
			this.#abandonJoin?.();
			core.depart("leaving");
			core.connections.start();
			const timer = this.#options.ports.clock.schedule(0, () => {
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
		const found = await this.#run<Found>(options, (budget, done) =>
			ring.lookups.find(idOf(id), mode, budget, done),
		);
		const own = found.owner.hash.equals(hash);
		return { node: own ? this : found.owner, hops: found.hops };
	}

	/**
	 * Asks another node for one step of an iterative lookup, over a link that is opened when there is none: for those who
	 * choose the way themselves. What it answers is its own word.
	 * @throws ChordError as {@link request}
	 */
	async step(peer: RemoteNode, id: Hash, options?: Wait): Promise<LookupStep> {
		if (!(id instanceof Hash)) throw invalid("step takes a Hash");
		const query = { id: idOf(id), last: false, hops: 0 };
		const { contacts, last, outcome } = await this.request(peer, askDirection, query, options);
		return { outcome: outcome === "ask" && last ? "last" : outcome, nodes: contacts };
	}

	/**
	 * Takes another secret, or several, as in {@link Network}. Links that were opened under none of them end; the ring dials
	 * its neighbours anew. To change the secret of a network that runs, give every node `[old, next]`, then every node
	 * `[next, old]`, then every node `next`: so at each moment any two have one in common.
	 * @throws ChordError `NOT_LISTENING`, `INVALID_ARGUMENT`, also where links are not encrypted; `CLOSED`
	 */
	async changeSecret(secret: Secret | readonly Secret[]): Promise<void> {
		const core = this.#open();
		if (!this.#options.encrypted) throw invalid("links that are not encrypted have no secret");
		const secrets = checkSecrets(secret);
		if (secrets.length === 0) throw invalid("a secret is missing");
		const before = this.#secretChanged;
		const change = this.#keysOf(secrets).then(async (keys) => {
			// A passphrase takes a while: what was asked for later is not to be undone by it.
			await before;
			if (!this.#isClosed()) core.changeSecrets(keys);
		});
		this.#secretChanged = change.catch(() => {});
		await change;
		if (this.#isClosed()) throw closedError();
	}

	/** Leaves, closes every link and stops listening. What is pending rejects with `CLOSED`. */
	async close(): Promise<void> {
		if (this.#phase === "closed") return;
		this.#phase = "closed";
		this.#waits.closeAll();
		this.#core?.depart("closing");
		const listener = await this.#taking?.catch(() => undefined);
		await listener?.close();
	}

	/** The same as {@link close}. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** Its id. @throws ChordError `NOT_LISTENING` before `listen`; likewise the other getters. */
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

	/** The nodes that its fingers point to, each once, but for those that point to the first successor. Frozen, likewise. */
	get fingers(): readonly RemoteNode[] {
		return this.#listening().ring.state.fingerContacts;
	}

	/** Everyone to whom it holds a link. */
	get peers(): readonly RemoteNode[] {
		return [...this.#listening().connections.values()].flatMap(({ contact }) => contact ?? []);
	}

	/** Whether the link to a node is {@link PeerLink.verified}; false where there is none. */
	isVerified(peer: RemoteNode): boolean {
		return this.#listening().connections.get(contactOf(peer).id)?.verified ?? false;
	}

	/** What the other end of the link to a node said of itself, and proved to hold the keys of; `undefined` where there is no encrypted one. */
	recordOf(peer: Hash): NodeRecord | undefined {
		return this.#listening().connections.get(idOf(peer))?.record;
	}

	/**
	 * Whether it is proven that a record's id belongs to its key: the id is the key's hash, or this node has dialled the
	 * address that the id is the hash of, and met the key there the last time. At most `limits.proofs` keys are remembered
	 * so. A record is anybody's copy: that somebody holds its keys is for a handshake to show.
	 */
	isProven(record: NodeRecord): boolean {
		return this.#listening().isProven(record);
	}

	/** Members of its ring that it met, the most recent first: good to join through after a restart. */
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
		const leaves: RemoteNode[] = [];
		for (const { contact } of connections.values()) {
			if (contact?.dialable === false && ring.state.owns(contact.id)) leaves.push(contact);
		}
		return leaves;
	}

	/**
	 * The members that this node, a leaf, holds links to, and by way of whom it takes part. None when it has lost them all
	 * and looks for others; none where it is no leaf.
	 */
	get attachedTo(): readonly RemoteNode[] {
		const { connections, ring } = this.#listening();
		const { attachedTo, standing } = ring.state;
		if (standing !== "leaf") return [];
		return attachedTo.filter((member) => connections.to(member)?.standing === "member");
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
			const hear = handler as (value: unknown, from: Sender) => unknown;
			return handleNotice(this.#handlers, type, hear, this.#failed);
		}
		checkType("request", type);
		return handleRequest(this.#handlers, type, handler, this.#failed);
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
		const call = this.#calling(peer, type, value);
		return decodeResponse(type, await this.#run<Uint8Array>(options, call));
	}

	/**
	 * The same with a callback, for who asks so much that promises and abort signals are most of what it takes. `done` is
	 * called once, never before this has returned; not at all when what is returned was called first, which takes the
	 * request back.
	 */
	ask<Request, Response>(
		peer: RemoteNode,
		type: RequestType<Request, Response>,
		value: Request,
		timeout: number,
		done: Answer<Response>,
	): Cancel {
		try {
			const call = this.#calling(peer, type, value);
			const answered = (error: Error | undefined, bytes?: Uint8Array): void => {
				answerWith(type, error as ChordError | undefined, bytes, done);
			};
			return this.#waits.start<Uint8Array>(timeout, call, answered, this.#ended);
		} catch (error) {
			const timer = this.#options.ports.clock.schedule(0, () => {
				done(error as ChordError);
			});
			return () => {
				timer.cancel();
			};
		}
	}

	/** What asks another node. @throws ChordError `INVALID_ARGUMENT`, `TOO_LARGE`, `CLOSED` */
	#calling<Request, Response>(
		peer: RemoteNode,
		type: RequestType<Request, Response>,
		value: Request,
	): (budget: number, done: Answer<Uint8Array>) => Cancel {
		const core = this.#open();
		checkType("request", type);
		const body = encode(type.request, value, bodyLimit(this.#options.limits));
		const contact = contactOf(peer);
		return (budget, done) => core.call(contact, type.tag, body, budget, done);
	}

	/**
	 * Tells another node, over a link that is opened when there is none. Resolves when the message was given to
	 * the link; whether it arrives nobody knows.
	 * @throws ChordError as {@link request}
	 */
	notify<Body>(
		peer: RemoteNode,
		type: NoticeType<Body>,
		value: Body,
		options?: Wait,
	): Promise<void> {
		// Not async: all that are told over a link that is there share one promise.
		try {
			return this.#tellLinked(peer, type, value, options)
				? TOLD
				: this.#tell(peer, type, value, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/** Tells another node over the link that there is; gives false when there is none, or somebody waits for more. */
	#tellLinked<Body>(
		peer: RemoteNode,
		type: NoticeType<Body>,
		value: Body,
		options: Wait | undefined,
	): boolean {
		const { connections } = this.#open();
		checkType("notice", type);
		const link = options === undefined ? connections.to(contactOf(peer)) : undefined;
		link?.rpc.notify(type.tag, filling(type.body, value, bodyLimit(this.#options.limits)));
		return link !== undefined;
	}

	/** The same over a link that may have to be opened. */
	async #tell<Body>(
		peer: RemoteNode,
		type: NoticeType<Body>,
		value: Body,
		options: Wait | undefined,
	): Promise<void> {
		const { connections } = this.#open();
		const contact = contactOf(peer);
		const body = encode(type.body, value, bodyLimit(this.#options.limits));
		await this.#run<void>(options, (_budget, done) =>
			connections.open(contact, (error, connection) => {
				connection?.rpc.notify(type.tag, body);
				done(error);
			}),
		);
	}

	/**
	 * Sees to it that there is a link to another node, or to whoever is at an address: what is routed to that node goes
	 * straight there as long as it is open. A link that nobody uses for `limits.idle` is closed again.
	 * @throws ChordError `UNREACHABLE`, `INCOMPATIBLE`, `BUSY` when all links are in use, `INVALID_ARGUMENT`, `TIMEOUT`
	 * (default 10,000 ms), `CLOSED`
	 */
	async link(peer: RemoteNode | Address, options?: Wait): Promise<PeerLink> {
		const { connections } = this.#open();
		const isAddress = typeof peer === "object" && peer !== null && "host" in peer;
		const to = isAddress ? canonicalAddress(peer) : contactOf(peer);
		return this.#run<PeerLink>(options, (_budget, done) =>
			to instanceof Contact ? connections.open(to, done) : connections.openAddress(to, done),
		);
	}

	/** To whom {@link route} would hand a message for `target`; `undefined` when to nobody, this node itself included. */
	nextHop(target: Hash): RemoteNode | undefined {
		const core = this.#open();
		if (!(target instanceof Hash)) throw invalid("nextHop takes a Hash");
		return core.routing.nextHop(idOf(target))?.contact;
	}

	/**
	 * Sends a message along the ring to the node that `target` names, or that owns it. It goes over links that are
	 * open, but for a relay's to one of its own successors; is relayed unread, and may get lost: false when there is no
	 * link to send it over. With `via` the first link is the one to that peer.
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
		const body = encode(type.body, value, bodyLimit(this.#options.limits));
		return core.routing.route(
			idOf(target),
			type.tag,
			body,
			options.via && contactOf(options.via).id,
		);
	}

	/** Who comes before the node knows its own address, or after it has closed, is turned away. */
	#accept(link: Link): LinkHandler {
		if (this.#phase === "open" && this.#core) return this.#core.connections.accept(link);
		link.destroy();
		return { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
	}

	#keysOf(secrets: readonly Secret[]): Promise<readonly Uint8Array[]> {
		return keysOf(systemCrypto, this.#options.network.id, secrets);
	}

	#createCore(hash: Hash, address: Address, secrets: readonly Uint8Array[]): Core {
		const { hooks, network, ports } = this.#options;
		let { identity } = this.#options;
		const options = {
			...this.#options,
			counter: this.#counter,
			crypto: systemCrypto,
			network: sha256(network.id),
			identity: () => (identity ??= Identity.create(ports.random)),
			secrets,
			handlers: this.#handlers,
			routedHandlers: this.#routedHandlers,
		};
		const events = announcing(hash, () => core.ring.state, this.#events, hooks);
		const core: Core = new Core(hash, address, options, events);
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

	#run<T>(
		options: Wait | undefined,
		start: (budget: number, done: Answer<T, Error>) => Cancel,
	): Promise<T> {
		return this.#waits.run<T>(options, this.#options.limits.requestTimeout, start, this.#ended);
	}

	readonly #ended = (error: unknown): unknown => {
		if (error instanceof ChordError && error.code === "TIMEOUT") {
			this.#counter.count("requestTimeout");
		}
		return error;
	};

	readonly #failed = (error: unknown): void => {
		this.#events.emit("error", error);
	};
}

function closedError(): ChordError {
	return new ChordError("CLOSED", "the node was closed");
}
