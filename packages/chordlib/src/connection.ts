import { type Address, formatAddress, sameAddress } from "./address.ts";
import type { Admission } from "./admission.ts";
import { Conduct } from "./conduct.ts";
import type { Contact, RemoteNode } from "./contact.ts";
import { ChordError } from "./errors.ts";
import type { Pair } from "./fair-queue.ts";
import { Greeting, type GreetingOptions } from "./greeting.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { Outlet } from "./outlet.ts";
import type { Clock, Link, LinkHandler, Timer } from "./ports.ts";
import type { Answer, Cancel } from "./protocol.ts";
import { Rpc, type RpcContext } from "./rpc.ts";
import { Channel, RECORD } from "./secure/channel.ts";
import type { Outcome } from "./secure/link-handshake.ts";
import type { NodeRecord } from "./secure/record.ts";
import type { LimitCounter } from "./stats.ts";
import { Framer } from "./wire/framer.ts";
import { type Frame, type GoodbyeReason, type Outgoing, readFrame } from "./wire/messages.ts";

/** A link as hooks and handlers see it. */
export interface PeerLink {
	/** Who is at the other end; `undefined` until it has said so. */
	readonly peer: RemoteNode | undefined;
	/**
	 * True when the other end has proven a key, and that it is the key of its id: the id is the key's hash, or this node
	 * has dialled the address that the id is the hash of, and met the key there.
	 */
	readonly verified: boolean;
	/** This end. */
	readonly local: Address;
	/** The other end, as this one sees it. */
	readonly remote: Address;
	/** Bytes that were sent over it and that the network has not taken yet: who sends much waits while they are many. */
	readonly buffered: number;
}

/** What a connection asks of the node that it belongs to. */
export interface ConnectionOwner {
	readonly clock: Clock;
	readonly limits: Limits;
	readonly greeting: GreetingOptions;
	readonly admission: Admission;
	readonly counter: LimitCounter;
	readonly rpc: RpcContext<Connection>;
	/** Who we are: told to the other end. */
	self(): { contact: Contact; standing: "member" | "outside" };
	/** The other end has said who it is: is it? Calls `done` at once where that is known. */
	prove(connection: Connection, done: Answer<void>): void;
	/** Whether it is known to be where it says, or needs not be. */
	isProven(connection: Connection): boolean;
	/** An accepted link is from who it says. May it be? If not, why not. */
	admit(connection: Connection): GoodbyeReason | undefined;
	/** A link that we dialled was let in. */
	ready(connection: Connection): void;
	/** Nothing comes after this. Why is told to who asks: most links end with nobody waiting, and an error costs a stack. */
	closed(connection: Connection, why: () => ChordError): void;
	/** A link has more unsent bytes than its share of `writeBuffers`. */
	crowded(): void;
	/** For the `send` hook, where there is one. */
	readonly sent: ((connection: Connection, packet: Uint8Array) => void) | undefined;
}

/** Somebody waits for the answer to a ping: the one with this number. */
interface Probe {
	readonly ping: number;
	readonly done: (answered: boolean) => void;
	readonly timer: Timer;
}

/**
 * One link and what is said over it: a greeting, then who is who, then requests and notices. Where links are encrypted,
 * all that comes after the greeting is.
 *
 * ```text
 * dialler   greeting, identify ->
 *                                 <- greeting, identify   acceptor, when it lets the link be
 *                                 <- refusal, or greeting and goodbye, when it does not
 * ```
 */
export class Connection implements LinkHandler, PeerLink {
	/** True when this end dialled. */
	readonly dialled: boolean;
	readonly rpc: Rpc<Connection>;
	/** Known once the link is ready. */
	contact: Contact | undefined;
	/** Whether the other end says that it is a member of a ring. */
	standing: "member" | "outside" = "outside";
	/** When anything was last heard, on the owner's clock. */
	heard: number;
	/** When the other end last kept up with what is sent to it. */
	flowing: number;

	readonly #owner: ConnectionOwner;
	readonly #first: "identify" | "whois";
	/** Whether all that comes after the greeting is. */
	readonly #sealed: boolean;
	readonly #framer: Framer;
	/** By when the other end has to have said something; none once it has. */
	#deadline: Timer | undefined;
	/** Unsent bytes above which it is looked whether there are too many. */
	readonly #share: number;
	/** Undefined where no limits hold for who is at the other end. */
	#conduct: Conduct | undefined;
	#link: Link | undefined;
	readonly #outlet: Outlet;
	/** Until it is done. */
	#greeting: Greeting | undefined;
	/** What the greeting has shown, and what seals all that comes after it; neither where links are not encrypted. */
	#outcome: Outcome | undefined;
	#channel: Channel | undefined;
	/** What has come while it is still to be seen who the other end is; undefined at other times. */
	#early: Frame[] | undefined;
	#earlySize = 0;
	/** It is about to be closed: the other end does not take what is sent. */
	#givenUp = false;
	#closed = false;
	/** Whether something was sent since `#used` was set. */
	#inUse = false;
	#used: number;
	#goodbye: GoodbyeReason | undefined;
	/** Pings sent and pongs heard: answers come in the order of the questions. */
	#pings = 0;
	#pongs = 0;
	/** Who waits for the other end to answer a ping, and for which. */
	readonly #probes = new Set<Probe>();

	/** With `whois`, the end that dials does not say who it is: it only wants to know who is there. */
	constructor(owner: ConnectionOwner, dialled: boolean, first: "identify" | "whois" = "identify") {
		this.#owner = owner;
		this.#first = first;
		const { links, writeBufferHard, writeBuffers } = owner.limits;
		this.#share = Math.min(writeBuffers / links, writeBufferHard);
		this.#sealed = owner.greeting.security !== undefined;
		this.dialled = dialled;
		this.#framer = new Framer(owner.limits.opening);
		this.#outlet = new Outlet(owner.clock, () => {
			this.#date();
		});
		const { sent } = owner;
		if (sent !== undefined) this.#outlet.told = (packet) => sent(this, packet);
		this.#greeting = new Greeting(owner.greeting, {
			dialled,
			write: (bytes) => {
				this.#write(bytes);
			},
			where: () => formatAddress(this.remote),
			limit: owner.limits.opening,
		});
		this.rpc = new Rpc(owner.rpc, this, (frame, pair) => {
			this.send(frame, pair);
		});
		this.heard = owner.clock.now();
		this.#used = this.heard;
		this.flowing = this.heard;
		this.#deadline = this.#expect(dialled ? "dialTimeout" : "handshakeTimeout");
	}

	/** The network's end. Given once, right after construction. */
	set link(link: Link) {
		const { admission, clock, counter, limits } = this.#owner;
		this.#link = link;
		this.#outlet.link = link;
		const counted = admission.counts(link.remote.host);
		this.#conduct = counted ? new Conduct(clock, limits, counter) : undefined;
	}

	get peer(): RemoteNode | undefined {
		return this.contact;
	}

	get local(): Address {
		return this.#link?.local ?? { host: "0.0.0.0", port: 0 };
	}

	get remote(): Address {
		return this.#link?.remote ?? { host: "0.0.0.0", port: 0 };
	}

	/** When the link was last of use, on the owner's clock. */
	get used(): number {
		this.#date();
		return this.#used;
	}

	/** The clock is looked at once for all that is sent in a turn. */
	#date(): void {
		if (this.#inUse) this.#used = this.#owner.clock.now();
		this.#inUse = false;
	}

	get buffered(): number {
		return this.#outlet.buffered;
	}

	/** Who is at the other end, signed by keys that it has proven to hold; `undefined` where links are not encrypted. */
	get record(): NodeRecord | undefined {
		return this.#outcome?.record;
	}

	get verified(): boolean {
		const { record } = this;
		return record !== undefined && record.mode !== "data" && this.#owner.isProven(this);
	}

	/** The network's key under which the link was opened, if any. */
	get secret(): Uint8Array | undefined {
		return this.#outcome?.secret;
	}

	/** Why the link was closed in good order, by either end; undefined when it was not. */
	get goodbye(): GoodbyeReason | undefined {
		return this.#goodbye;
	}

	/** Sends a frame; one that carries a message on says of which pair of peers. */
	send(frame: Outgoing, pair?: Pair): void {
		if (this.#closed) return;
		const sign = frame.kind === "ping" || frame.kind === "pong";
		if (!this.#mayTalk()) return;
		const { limits } = this.#owner;
		if (!sign) this.#inUse = true;
		const buffered = sign
			? this.#outlet.sendFirst(frame, limits.frame)
			: this.#outlet.send(frame, limits.frame, pair);
		if (buffered > this.#share) this.#crowd(buffered);
	}

	/** More is unsent than this link's share of what may be. */
	#crowd(buffered: number): void {
		const { clock, counter, limits } = this.#owner;
		this.#owner.crowded();
		if (buffered <= limits.writeBufferHard || this.#givenUp) return;
		this.#givenUp = true;
		counter.count("writeBufferHard");
		// Whoever is sending just now does not expect that the link is gone when it comes back.
		clock.defer(() => {
			this.fail(this.behind());
		});
	}

	/** Takes one more message that only keeps the ring, unless there are too many of them. */
	takesControl(): boolean {
		const verdict = this.#conduct?.next() ?? "served";
		if (verdict === "flood" && !this.#closed) {
			this.#owner.admission.offend(this.remote.host);
			this.end("flood");
		}
		return verdict === "served";
	}

	/** Says why, lets what was sent go out, and closes. */
	end(
		reason: GoodbyeReason,
		why: () => ChordError = () => new ChordError("CLOSED", `the link was closed: ${reason}`),
	): void {
		if (this.#closed) return;
		this.#goodbye = reason;
		const goodbye: Frame | undefined = this.#mayTalk() ? { kind: "goodbye", reason } : undefined;
		this.#outlet.finish(goodbye, this.#owner.limits.frame);
		this.#finish(why);
	}

	/** Closes at once. */
	fail(error: ChordError): void {
		if (this.#closed) return;
		this.#link?.destroy();
		this.#finish(() => error);
	}

	/**
	 * Asks for a sign of life, and closes at once when none comes in time. `done` hears whether this very question was
	 * answered, or the link ended first: what was under way before proves nothing. Cancelling only stops the waiting.
	 */
	probe(patience: number, done: (answered: boolean) => void = () => {}): Cancel {
		const { clock } = this.#owner;
		const asked = clock.now();
		const timer = clock.schedule(patience, () => {
			if (this.heard < asked) this.fail(this.silent());
		});
		const probe: Probe = { ping: this.#pings + 1, done, timer };
		this.#probes.add(probe);
		this.ping();
		return () => {
			this.#probes.delete(probe);
			timer.cancel();
		};
	}

	ping(): void {
		this.#owner.counter.count("ping");
		this.#pings++;
		this.send({ kind: "ping" });
	}

	/** Why a link is closed that nothing comes over any more. */
	silent(): ChordError {
		return new ChordError("CLOSED", `${formatAddress(this.remote)} has gone silent`);
	}

	/** Why a link is closed whose other end does not read. */
	behind(): ChordError {
		return new ChordError("CLOSED", `${formatAddress(this.remote)} does not keep up`);
	}

	open(): void {
		if (this.#closed) return;
		this.#deadline?.cancel();
		this.#deadline = this.#expect("handshakeTimeout");
		this.#greeting?.begin();
		// Where links are encrypted, it waits until this one is.
		if (!this.#sealed) this.#identify();
	}

	data(chunk: Uint8Array): void {
		if (this.#closed) return;
		this.heard = this.#owner.clock.now();
		try {
			const rest = this.#greeting === undefined ? chunk : this.#greet(this.#greeting, chunk);
			if (this.#channel === undefined) this.#read(rest);
			else this.#channel.push(rest, (content) => this.#read(content));
		} catch (error) {
			if (this.#greeting?.exceeded === true) this.#owner.counter.count("opening");
			this.#reject(error as ChordError);
		}
	}

	drain(): void {
		if (this.#closed) return;
		if (this.#outlet.waiting > 0) this.#inUse = true;
		this.#outlet.drained();
	}

	close(error?: Error): void {
		if (this.#closed) return;
		this.#link?.destroy();
		this.#finish(() => this.#broken(error));
	}

	#broken(cause: Error | undefined): ChordError {
		const where = formatAddress(this.remote);
		const reason = cause?.message ?? "the other end closed it";
		return this.contact === undefined
			? new ChordError("UNREACHABLE", `${where} cannot be reached: ${reason}`, { cause })
			: new ChordError("CLOSED", `the link to ${where} is gone: ${reason}`, { cause });
	}

	#expect(limit: "dialTimeout" | "handshakeTimeout"): Timer {
		const { clock, counter, limits } = this.#owner;
		const timeout = limits[limit];
		return clock.schedule(timeout, () => {
			counter.count(limit);
			const where = formatAddress(this.remote);
			this.fail(new ChordError("UNREACHABLE", `${where} did not answer within ${timeout} ms`));
		});
	}

	/** Nothing goes out in clear on a link that is to be sealed. */
	#mayTalk(): boolean {
		return !this.#sealed || this.#channel !== undefined;
	}

	/** Takes what belongs to the greeting; what is left comes after it. */
	#greet(greeting: Greeting, chunk: Uint8Array): Uint8Array {
		const rest = greeting.push(chunk);
		if (rest === undefined) return new Uint8Array(0);
		this.#greeting = undefined;
		this.#outcome = greeting.outcome;
		if (this.#outcome === undefined) return rest;
		this.#channel = new Channel(this.#outcome);
		this.#channel.limit = this.#owner.limits.opening;
		this.#outlet.channel = this.#channel;
		const { last } = greeting;
		this.#outlet.head = last;
		if (last !== undefined) this.#owner.sent?.(this, last);
		if (this.dialled && !this.#closed) this.#identify();
		return rest;
	}

	/** Takes bytes of frames; gives whether the link is still open. */
	#read(bytes: Uint8Array): boolean {
		try {
			this.#framer.push(bytes, (whole) => {
				const size = whole.left;
				const frame = readFrame(whole);
				const early = frame.kind === "goodbye" ? undefined : this.#early;
				if (early === undefined) this.#receive(frame);
				else this.#wait(early, frame, size);
				return !this.#closed;
			});
		} catch (error) {
			// What a link is sealed with, somebody on the way could have broken; what is in it, only the other end.
			const { counter } = this.#owner;
			if (this.#framer.exceeded) counter.count(this.contact === undefined ? "opening" : "frame");
			this.#blame(error as ChordError);
			throw error;
		}
		return !this.#closed;
	}

	#identify(): void {
		if (this.#first === "whois") this.send({ kind: "whois" });
		else this.send({ kind: "identify", ...this.#owner.self() });
		// By itself: until it has been read, a record of more would be too long.
		this.#outlet.flush();
	}

	#receive(frame: Frame): void {
		if (this.contact === undefined && frame.kind !== "goodbye") {
			this.#meet(frame);
			return;
		}
		switch (frame.kind) {
			case "identify":
				throw new ChordError("MALFORMED", "a second identify");
			case "ping":
				if (this.takesControl()) this.send({ kind: "pong" });
				break;
			case "pong":
				this.#pongs++;
				this.#answered();
				break;
			case "goodbye":
				this.#goodbye = frame.reason;
				this.#link?.close();
				this.#finish(() => this.#turnedAway(frame.reason));
				break;
			default:
				this.#used = this.heard;
				this.rpc.receive(frame);
		}
	}

	#turnedAway(reason: GoodbyeReason): ChordError {
		const where = formatAddress(this.remote);
		if (reason === "unproven") {
			const what = "it cannot dial this node where that says that it is";
			return new ChordError(
				"NOT_DIALABLE",
				`${where}: ${what}: join as a leaf, or advertise another address`,
			);
		}
		const code = this.contact === undefined ? "UNREACHABLE" : "CLOSED";
		return new ChordError(code, `${where} closed the link: ${reason}`);
	}

	/** A pong came: so has what was asked with as many pings. */
	#answered(): void {
		for (const probe of this.#probes) {
			if (probe.ping > this.#pongs) break;
			this.#probes.delete(probe);
			probe.timer.cancel();
			probe.done(true);
		}
	}

	/** The other end's first frame. */
	#meet(frame: Frame): void {
		if (frame.kind === "whois" && !this.dialled) {
			this.#identify();
			this.#link?.close();
			this.#finish(() => new ChordError("CLOSED", "the other end only wanted to know who is here"));
			return;
		}
		if (frame.kind !== "identify") {
			throw new ChordError("MALFORMED", `a ${frame.kind} before identify`);
		}
		const { record } = this;
		if (record !== undefined && !isOf(record, frame.contact)) {
			throw new ChordError("MALFORMED", "its identify is not what its record says");
		}
		this.contact = frame.contact;
		this.standing = frame.standing;
		if (this.#channel !== undefined) this.#channel.limit = RECORD;
		// Who sends less himself still understands what others send.
		this.#framer.limit = Math.max(this.#owner.limits.frame, defaultLimits.frame);
		const early: Frame[] = [];
		this.#early = early;
		this.#owner.prove(this, (error) => {
			this.#early = undefined;
			if (this.#closed) return;
			if (error === undefined) this.#enter();
			else this.#turnAway(error);
			this.#receiveAll(early);
		});
	}

	/** Receives what came while it was still to be seen who the other end is. */
	#receiveAll(early: readonly Frame[]): void {
		try {
			for (const frame of early) if (!this.#closed) this.#receive(frame);
		} catch (error) {
			this.#blame(error as ChordError);
			this.#reject(error as ChordError);
		}
	}

	/** Frames that make no sense are an offence of who is at the other end. */
	#blame({ code }: ChordError): void {
		if (code === "MALFORMED") this.#owner.admission.offend(this.remote.host);
	}

	/** The other end is not where it says that it is, or that could not be seen. */
	#turnAway(error: ChordError): void {
		const reason = error.code === "BUSY" ? "full" : "unproven";
		const where = formatAddress(this.remote);
		this.end(
			reason,
			() =>
				new ChordError("UNREACHABLE", `${where} answers, but ${error.message}`, { cause: error }),
		);
	}

	/** The other end is who it says: the link may become one of the node's. */
	#enter(): void {
		const refusal = this.dialled ? undefined : this.#owner.admit(this);
		if (refusal !== undefined) {
			this.end(refusal);
			return;
		}
		this.#deadline?.cancel();
		this.#deadline = undefined;
		if (this.dialled) this.#owner.ready(this);
		else this.#identify();
	}

	/** Keeps what comes while it is still to be seen who the other end is. */
	#wait(early: Frame[], frame: Frame, size: number): void {
		this.#earlySize += size;
		const { counter, limits } = this.#owner;
		if (this.#earlySize > limits.early) {
			counter.count("early");
			throw new ChordError("MALFORMED", "too much before it was known who is there");
		}
		early.push(frame);
	}

	/** What came is not what one of us would send. */
	#reject(error: ChordError): void {
		if (this.#closed) return;
		if (this.contact !== undefined) {
			this.end("malformed");
			return;
		}
		this.#link?.close();
		const where = formatAddress(this.remote);
		this.#finish(() =>
			error.code === "MALFORMED" || error.code === "FORGED"
				? new ChordError("INCOMPATIBLE", `what ${where} says makes no sense`, { cause: error })
				: error,
		);
	}

	#write(bytes: Uint8Array): void {
		this.#link?.send(bytes);
		this.#owner.sent?.(this, bytes);
	}

	#finish(why: () => ChordError): void {
		this.#closed = true;
		this.#greeting = undefined;
		this.#outlet.drop();
		this.#deadline?.cancel();
		this.#owner.closed(this, why);
		this.rpc.close(why);
		for (const { done, timer } of this.#probes) {
			timer.cancel();
			done(false);
		}
		this.#probes.clear();
	}
}

/** Whether a record is that of just this node, in this life and at this address. */
function isOf({ contact }: NodeRecord, other: Contact): boolean {
	return contact.same(other) && sameAddress(contact.address, other.address);
}
