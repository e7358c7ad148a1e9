/**
 * A Chord distributed hash table: a ring of nodes in which each owns the keys between its predecessor and
 * itself, finds the owner of any key in a logarithmic number of hops, and talks to it.
 *
 * @module
 */
export {
	type Address,
	NOWHERE,
	canonicalIp,
	formatAddress,
	sameAddress,
	type Scope,
	scopeOf,
	subnetOf,
} from "./address.ts";
export type { PeerLink } from "./connection.ts";
export type { RemoteNode } from "./contact.ts";
export type { Ports } from "./core.ts";
export { ChordError, type ChordErrorCode } from "./errors.ts";
export { Events, type Unsubscribe, guard } from "./events.ts";
export { Hash } from "./hash.ts";
export { type Limits, defaultLimits } from "./limits.ts";
export type { Sender } from "./handling.ts";
export { LocalNode, type LookupResult, type LookupStep } from "./local-node.ts";
export type { Arc, NodeEvents, NodeHooks } from "./node-events.ts";
export type { LocalNodeOptions } from "./options.ts";
export type { Network, Secret } from "./secure/secret.ts";
export { systemClock } from "./node/clock.ts";
export { systemCrypto, systemRandom } from "./node/crypto.ts";
export { loadIdentity } from "./node/identity-file.ts";
export { tcp } from "./node/tcp.ts";
export type {
	Clock,
	Crypto,
	KeyAgreement,
	Link,
	LinkHandler,
	Listener,
	Random,
	SigningKey,
	Timer,
	Transport,
} from "./ports.ts";
export {
	type Answer,
	type Cancel,
	type NoticeType,
	type RequestType,
	defineNotice,
	defineRequest,
} from "./protocol.ts";
export type { Pace } from "./ring/stabilize.ts";
export type { Standing } from "./ring/state.ts";
export type { Routed } from "./routing.ts";
export { TokenBucket } from "./token-bucket.ts";
export { CipherState } from "./secure/cipher-state.ts";
export { Handshake, type HandshakeOptions, type HandshakePattern } from "./secure/noise.ts";
export {
	Identity,
	type IdentitySecrets,
	type Signed,
	verifySignature,
	verifySignatureLater,
} from "./secure/identity.ts";
export {
	type IdMode,
	type NodeRecord,
	RECORD_LIMIT,
	isCurrent,
	openRecord,
} from "./secure/record.ts";
export type { LimitCounts, NodeStats } from "./stats.ts";
export { type Ended, type Wait, Waits } from "./wait.ts";
export {
	type Codec,
	type ValueOf,
	address,
	boolean,
	bytes,
	choice,
	decode,
	encode,
	fixed,
	hash,
	list,
	nothing,
	optional,
	rest,
	struct,
	text,
	u16,
	u32,
	u48,
	u8,
} from "./wire/codec.ts";
export { Reader } from "./wire/reader.ts";
export { Writer } from "./wire/writer.ts";
