import {
	type Address,
	Hash,
	type Limits,
	type Network,
	type Ports,
	type Wait,
	defaultLimits,
} from "@cicada/chordlib";

import type { BroadcastLimits } from "./broadcast/jobs.ts";
import { EXCLUDED_LIMIT } from "./broadcast/messages.ts";
import type { CallLimits } from "./calls.ts";
import type { OutboxLimits } from "./delivery.ts";
import { SwarmError } from "./errors.ts";
import type { ReassemblyLimits } from "./inbound.ts";
import type { InboxLimits } from "./inbox.ts";
import type { Route } from "./outgoing.ts";
import type { PartsPorts } from "./parts.ts";
import type { PeerState } from "./peer-state.ts";
import type { MapPort } from "./reachability.ts";
import type { PeerSocket, RemotePeer } from "./remote-peer.ts";
import type { RingView } from "./ring-view.ts";
import type { HandshakeLimits, Tampering } from "./session.ts";
import { type TrustedHost, checkTrustedHosts } from "./trusted-hosts.ts";

/** Functions that watch what a peer does. One that throws is reported as an `error` event and harms nothing else. */
export interface SwarmHooks {
	/** Every packet sent, the ring's own traffic included. */
	send(link: PeerSocket, packet: Uint8Array): void;
	/** Every complete application message. */
	recv(source: RemotePeer, data: Uint8Array): void;
	/** Every peer that joins us: that dials this one. */
	newPeer(link: PeerSocket): void;
}

/** What a peer can be told when it is made. All of it has a default. */
export interface SwarmOptions {
	/**
	 * The swarm's name, or name and secret: peers of different swarms, or with different secrets, refuse each other. Without
	 * a secret anyone may join. Default `""`.
	 */
	readonly network?: string | Network;
	/**
	 * `"off"`: neither links nor messages are encrypted, for simulations and measurements; all peers alike. Default
	 * `"required"`.
	 */
	readonly encryption?: "required" | "off";
	/** How much may wait for `recv`. */
	readonly inbox?: Partial<InboxLimits>;
	/** How much of its own may be under way and not acknowledged; beyond that `send` rejects with `BUSY`. */
	readonly outbox?: Partial<OutboxLimits>;
	/** How many requests may be under way, and bytes of them. */
	readonly calls?: Partial<CallLimits>;
	/** How many broadcasts may be looked after at once, and bytes of them; and how many may be checked. */
	readonly broadcasts?: Partial<BroadcastLimits>;
	/** How much of others' messages that are not whole yet is kept. */
	readonly reassembly?: Partial<ReassemblyLimits>;
	/**
	 * Sessions of others that are remembered, and own ones, keys of others, and addresses and who is there; of each the
	 * longest unused is forgotten. Default 4,096.
	 */
	readonly sessions?: number;
	/** How many sessions others may be opening. */
	readonly handshakes?: Partial<HandshakeLimits>;
	/** Bytes of the largest message. Default 1 MiB. */
	readonly message?: number;
	/** How messages go, unless `send` says otherwise. Default `"auto"`. */
	readonly route?: Route;
	/** Length of the ring's successor list: one fewer in a row may die at once. Default 16. */
	readonly successors?: number;
	/** Limits on links and requests, as in chordlib. */
	readonly limits?: Partial<Limits>;
	/** True when the limits by IP address, subnet and rate hold for loopback and private addresses too. Default false. */
	readonly limitLocal?: boolean;
	/**
	 * What the peer's id is the hash of: of the address at which others reach it, or of its public key. `nat: "auto"`
	 * implies `"key"`. Default `"address"`.
	 */
	readonly identity?: "address" | "key";
	/**
	 * Where the peer's keys are kept: the file is made when there is none, for its owner only. Without it the keys are new
	 * each time.
	 */
	readonly identityFile?: string;
	/**
	 * Hosts with which keys were agreed on beforehand, for example as `loadTrustedHosts` reads them. Messages to and from
	 * them take these keys besides, and none goes without. Default none.
	 */
	readonly trustedHosts?: readonly TrustedHost[];
	/** How `nat: "auto"` gets a port of the router. Default: by `PortMapping` of `@cicada/traversal`. */
	readonly mapPort?: MapPort;
	/** Clock, randomness and network, where not the system's: a simulator's, for tests. */
	readonly ports?: Partial<Ports>;
}

export interface SendOptions extends Wait {
	/**
	 * Extra copies, at most 32, by routes that have no relay in common, as far as there are so many; the application at
	 * the other end gets one. Relays are found by asking peers on the way, over links of their own. Default 0.
	 */
	readonly duplicates?: number;
	/**
	 * `"auto"`: straight to the target where that can be dialled, and along the ring where it cannot; an address that
	 * could not be dialled is left alone for a minute. `"ring"`: only over links that are there. Default: the peer's.
	 */
	readonly route?: Route;
}

export interface RequestOptions extends Wait {
	/** As for `send`. */
	readonly route?: Route;
}

export interface ExplainOptions extends Wait {
	/** With `"auto"` the target is dialled, with `"ring"` it is not. Default: the peer's. */
	readonly route?: Route;
	/** How many routes to look for that so many duplicates would take, at most 32. Default 0. */
	readonly duplicates?: number;
}

export interface BroadcastOptions extends Wait {
	/** Peers that shall neither get the message nor relay it, at most 256. */
	readonly visited?: Iterable<Hash>;
}

/** What {@link SwarmPeer.on} tells of, by type. */
export interface SwarmEvents {
	/** A link to a peer is ready. */
	peer: RemotePeer;
	/** The link to a peer is gone. */
	peerGone: RemotePeer;
	/** The neighbours on the ring are not the same as before. */
	ring: RingView;
	/** The peer's state is another. */
	state: PeerState;
	/** A message came that is not what its sender said: altered, or made up. It was thrown away, and nothing else changed. */
	tamper: Tampering;
	/** A hook, a handler or a listener of yours failed. */
	error: unknown;
}

const MESSAGE = 1_048_576;
const OUTBOX: OutboxLimits = { messages: 65_536, bytes: 64 * 1_048_576 };
const CALLS: CallLimits = { perPeer: 256, requests: 4_096, bytes: 16 * 1_048_576 };
const INBOX: InboxLimits = { messages: 1_024, bytes: 16 * 1_048_576 };
const BROADCASTS: BroadcastLimits = {
	jobs: 1_024,
	bytes: 16 * 1_048_576,
	perKey: 256,
	bytesPerKey: 4 * 1_048_576,
	checks: 1_024,
	checksPerPeer: 256,
};
const REASSEMBLY: ReassemblyLimits = {
	perPeer: 8,
	bytes: 4 * 1_048_576,
	early: 4 * 1_048_576,
	stalled: 10_000,
};
const SESSIONS = 4_096;
const HANDSHAKES: HandshakeLimits = { opening: 1_024, rate: 200, burst: 500 };
const EVENTS: ReadonlySet<string> = new Set<keyof SwarmEvents>([
	"peer",
	"peerGone",
	"ring",
	"state",
	"tamper",
	"error",
]);
/** Extra copies of one message. */
const MOST_DUPLICATES = 32;

/** `INVALID_ARGUMENT`, to be thrown. */
export function invalid(message: string): SwarmError {
	return new SwarmError("INVALID_ARGUMENT", message);
}

/** For what must be an object when it is given. */
export function checkObject<T extends object>(what: string, given: T | undefined): Partial<T> {
	if (given === undefined) return {};
	if (typeof given !== "object" || given === null) throw invalid(`${what} must be an object`);
	return given;
}

export function checkHooks(given: Partial<SwarmHooks> | undefined): Partial<SwarmHooks> {
	const hooks = checkObject("hooks", given);
	for (const name of ["send", "recv", "newPeer"] as const) {
		const { [name]: hook } = hooks;
		if (hook !== undefined && typeof hook !== "function")
			throw invalid(`the hook ${name} must be a function`);
	}
	return hooks;
}

export function checkIdentity({ identity = "address", identityFile }: SwarmOptions): void {
	if (identity !== "address" && identity !== "key") {
		throw invalid('identity must be "address" or "key"');
	}
	if (identityFile !== undefined && (typeof identityFile !== "string" || identityFile === "")) {
		throw invalid("identityFile must be a path");
	}
}

/** @throws SwarmError `INVALID_ARGUMENT` */
export function checkTrust({ encryption, trustedHosts = [] }: SwarmOptions): TrustedHost[] {
	const hosts = checkTrustedHosts(trustedHosts);
	if (hosts.length > 0 && encryption === "off") throw invalid("trustedHosts take encryption");
	return hosts;
}

export function checkInbox(given: Partial<InboxLimits> | undefined): InboxLimits {
	return checkCounts("inbox", INBOX, given);
}

/** How much of everything a peer sends, takes and keeps. @throws SwarmError `INVALID_ARGUMENT` */
export function checkLimits(options: SwarmOptions): PartsPorts["limits"] {
	const { frame = defaultLimits.frame } = options.limits ?? {};
	return {
		frame,
		message: checkCount("message", options.message ?? MESSAGE),
		outbox: checkCounts("outbox", OUTBOX, options.outbox),
		sessions: checkCount("sessions", options.sessions ?? SESSIONS),
		handshakes: checkCounts("handshakes", HANDSHAKES, options.handshakes),
		reassembly: checkCounts("reassembly", REASSEMBLY, options.reassembly),
		broadcasts: checkCounts("broadcasts", BROADCASTS, options.broadcasts),
		local: options.limitLocal === true,
	};
}

export function checkCalls(given: Partial<CallLimits> | undefined): CallLimits {
	return checkCounts("calls", CALLS, given);
}

/** Positive integers, each of which has a default. */
function checkCounts<T extends object>(
	what: string,
	defaults: T,
	given: Partial<T> | undefined,
): T {
	const counts = { ...defaults };
	for (const name of Object.keys(defaults) as (keyof T & string)[]) {
		const value = checkObject(what, given)[name] ?? defaults[name];
		counts[name] = checkCount(`${what}.${name}`, value as number) as typeof value;
	}
	return counts;
}

function checkCount(name: string, value: number): number {
	if (!Number.isSafeInteger(value) || value < 1) {
		throw invalid(`${name} must be a positive integer`);
	}
	return value;
}

/** For the options of an operation that waits. `Waits` itself does the same, but only once it has been started. */
export function checkWait<T extends Wait>(given: T | undefined): Partial<T> {
	const options = checkObject("options", given);
	const { timeout, signal } = options;
	if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0)) {
		throw invalid("timeout must be a number of milliseconds, 0 or more");
	}
	if (signal !== undefined && !(signal instanceof AbortSignal)) {
		throw invalid("signal must be an AbortSignal");
	}
	signal?.throwIfAborted();
	return options;
}

/** For an address to connect to. @throws SwarmError `INVALID_ARGUMENT`, `INVALID_PORT` */
export function checkRemote(address: Address): void {
	const { host, port } = address ?? {};
	if (typeof host !== "string" || host === "")
		throw invalid("the host to connect to must be a string");
	if (!Number.isInteger(port) || port < 1 || port > 65_535) {
		throw new SwarmError("INVALID_PORT", `${String(port)} is not a port to connect to`);
	}
}

export function checkListener(
	type: string,
	listener: unknown,
	options: { signal?: unknown },
): void {
	if (!EVENTS.has(type)) throw invalid(`there is no event called ${type}`);
	if (typeof listener !== "function") throw invalid("a listener must be a function");
	const { signal } = checkObject("options", options);
	if (signal !== undefined && !(signal instanceof AbortSignal)) {
		throw invalid("signal must be an AbortSignal");
	}
}

export function checkDuplicates(duplicates: number): number {
	if (!Number.isInteger(duplicates) || duplicates < 0 || duplicates > MOST_DUPLICATES) {
		throw invalid(`duplicates must be an integer from 0 to ${MOST_DUPLICATES}`);
	}
	return duplicates;
}

export function checkRoute(route: Route): Route {
	if (route !== "auto" && route !== "ring") throw invalid('route must be "auto" or "ring"');
	return route;
}

export function checkVisited(visited: Iterable<Hash>): Hash[] {
	if (typeof visited === "string" || typeof visited?.[Symbol.iterator] !== "function") {
		throw invalid("visited must be an iterable of Hashes");
	}
	const hashes = new Map<string, Hash>();
	for (const hash of visited) {
		if (!(hash instanceof Hash)) throw invalid("visited must hold Hashes");
		hashes.set(hash.toString(), hash);
		if (hashes.size > EXCLUDED_LIMIT) throw invalid(`visited may hold ${EXCLUDED_LIMIT} Hashes`);
	}
	return [...hashes.values()];
}

const utf8 = new TextEncoder();

/** The caller's data as bytes of our own. @throws SwarmError `INVALID_ARGUMENT`, `TOO_LARGE` */
export function copyOf(data: Uint8Array | string, limit: number): Uint8Array {
	if (typeof data !== "string" && !(data instanceof Uint8Array)) {
		throw invalid("data must be a Uint8Array or a string");
	}
	// Not slice(): a Buffer's gives a view.
	const bytes = typeof data === "string" ? utf8.encode(data) : new Uint8Array(data);
	if (bytes.length > limit) {
		throw new SwarmError("TOO_LARGE", `${bytes.length} bytes; one message may hold ${limit}`);
	}
	return bytes;
}
