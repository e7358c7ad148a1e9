/**
 * Everything that the protocol asks of the world. Ring, routing and delivery see time, chance and
 * the network only through these; the same code runs on sockets (`node/`) and in a simulator.
 *
 * @module
 */
import type { Address } from "./address.ts";

/** A pending call of {@link Clock.schedule}. */
export interface Timer {
	/** Takes the call back. Harmless once it has run. */
	cancel(): void;
}

/** Time. But for {@link Clock.wall} it only ever goes forward, and its zero means nothing. */
export interface Clock {
	/** Milliseconds since some fixed moment. */
	now(): number;
	/**
	 * Seconds since 1970 by the wall clock, which may be wrong, and jump: fit only to tell what a signature that is
	 * valid for weeks is worth.
	 */
	wall(): number;
	/** Calls `run` once, `delay` milliseconds from now. */
	schedule(delay: number, run: () => void): Timer;
	/** Calls `run` once, as soon as what runs now has finished, before anything later. */
	defer(run: () => void): void;
}

/** Chance. */
export interface Random {
	/** A number in [0, 1), for jitter and choices. Need not be unpredictable. */
	next(): number;
	/** `length` bytes that nobody can guess. */
	bytes(length: number): Uint8Array;
}

/** A key pair for Diffie-Hellman on Curve25519: X25519 (RFC 7748). */
export interface KeyAgreement {
	/** 32 bytes, for everyone to know. */
	readonly publicKey: Uint8Array;
	/** What only the two ends can know, 32 bytes; `undefined` when the other's key is one that gives nothing to agree on. */
	agree(publicKey: Uint8Array): Uint8Array | undefined;
}

/** A key pair for signatures on Curve25519: Ed25519 (RFC 8032). */
export interface SigningKey {
	/** 32 bytes, for everyone to know. */
	readonly publicKey: Uint8Array;
	/** 64 bytes that only who has the secret can make. */
	sign(message: Uint8Array): Uint8Array;
}

/** Cryptography. Pure functions: chance comes from {@link Random}. */
export interface Crypto {
	/** The X25519 key pair of a secret of 32 bytes. */
	agreement(secret: Uint8Array): KeyAgreement;
	/** The Ed25519 key pair of a secret of 32 bytes. */
	signing(secret: Uint8Array): SigningKey;
	/** True when who has the secret of `publicKey` (32 bytes) signed `message` with these 64 bytes. */
	verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
	/** The same on another thread, which takes longer and holds nobody up. Where time is simulated, nothing may happen outside of it. */
	verifyLater(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
	/** BLAKE2b (RFC 7693) of all `parts` one after the other: 64 bytes. */
	blake2b(...parts: readonly Uint8Array[]): Uint8Array;
	/** HKDF (RFC 5869) with BLAKE2b and without info: `length` bytes, at most 16,320. */
	hkdf(salt: Uint8Array, input: Uint8Array, length: number): Uint8Array;
	/** 32 bytes that only who has the passphrase can make, and not fast: scrypt (RFC 7914) with N = 2^17, r = 8, p = 1. */
	stretch(passphrase: string, salt: Uint8Array): Promise<Uint8Array>;
	/**
	 * ChaCha20-Poly1305 (RFC 8439): `plaintext` sealed, and a tag of 16 bytes. The key has 32 bytes, the nonce 12. Written
	 * `into` just so many bytes where those are given, so that nothing has to be copied.
	 */
	seal(
		key: Uint8Array,
		nonce: Uint8Array,
		associated: Uint8Array,
		plaintext: Uint8Array,
		into?: Uint8Array,
	): Uint8Array;
	/** What {@link Crypto.seal} sealed; `undefined` when any of it is not what it was. */
	open(
		key: Uint8Array,
		nonce: Uint8Array,
		associated: Uint8Array,
		sealed: Uint8Array,
	): Uint8Array | undefined;
}

/** What a {@link Link} tells its owner. No method may throw. */
export interface LinkHandler {
	/** The dialled end answered; a link that was accepted is open from the start and never says so. */
	open(): void;
	/** Bytes in the order they were sent, cut anywhere. The receiver may keep `chunk`. */
	data(chunk: Uint8Array): void;
	/** All that was waiting in {@link Link.buffered} has gone out. */
	drain(): void;
	/** Nothing comes after this. `error` says why, unless the other end closed in good order. */
	close(error?: Error): void;
}

/** A reliable, ordered stream of bytes between two processes. */
export interface Link {
	/** This end. Meaningful once the link is open. */
	readonly local: Address;
	/** The other end as the network shows it: of an accepted link, not an address to dial. */
	readonly remote: Address;
	/** Bytes sent that the network has not taken yet. */
	readonly buffered: number;
	/**
	 * True when bytes that were sent are of no more use to the link once {@link buffered} is 0, as where the system has
	 * copied them: the caller may change them then. Default: the link may keep them for ever.
	 */
	readonly copies?: boolean;
	/** Queues bytes. The caller no longer changes them, unless the link {@link copies}. Ignored once closed. */
	send(bytes: Uint8Array): void;
	/** Lets what was sent go out, then closes. */
	close(): void;
	/** Closes at once; what was not sent is lost. */
	destroy(): void;
}

/** A place where others can dial. */
export interface Listener {
	/** Where it listens; a port that was asked for as 0 is the one that was given. */
	readonly address: Address;
	/** Accepts no more. Links that were accepted live on. */
	close(): Promise<void>;
}

/** The network. */
export interface Transport {
	/**
	 * Accepts links at `address` (a literal IP address; port 0 for any). `accept` is called for each one.
	 * Rejects with an `Error` whose `code` is `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, … as Node has them.
	 */
	listen(address: Address, accept: (link: Link) => LinkHandler): Promise<Listener>;
	/** Opens a link. Failure is told by {@link LinkHandler.close}, never before this has returned. */
	dial(address: Address, handler: LinkHandler): Link;
	/** The literal IP address of a host name, IPv4 preferred. Rejects when there is none. */
	resolve(host: string): Promise<string>;
	/** The literal IP address at which this machine's neighbours reach it; loopback when it has none. */
	localHost(): Promise<string>;
}
