/**
 * A peer in a swarm: bind a port, connect to any member, and send to all of them, with no server between.
 *
 * @module
 */
export { type Address, Hash, type Network, type Secret } from "@cicada/chordlib";
export type { BroadcastReport } from "./broadcast.ts";
export type { BroadcastLimits } from "./broadcast/jobs.ts";
export type { CallLimits, PeerRequest, RequestHandler, PeerResponse } from "./calls.ts";
export type { OutboxLimits, Receipt, Route } from "./delivery.ts";
export type { Dialled } from "./dialling.ts";
export { SwarmError, type SwarmErrorCode } from "./errors.ts";
export type { Detour, Explanation } from "./explain.ts";
export type { External, Mapping } from "./external.ts";
export type { ReassemblyLimits } from "./inbound.ts";
export type { InboxLimits, Received } from "./inbox.ts";
export type {
	BroadcastOptions,
	ExplainOptions,
	RequestOptions,
	SendOptions,
	SwarmEvents,
	SwarmHooks,
	SwarmOptions,
} from "./options.ts";
export type { PeerState } from "./peer-state.ts";
export type { MapPort, OpenMapping, Reachability } from "./reachability.ts";
export type { PeerSocket, RemotePeer } from "./remote-peer.ts";
export type { Responsible, RingView } from "./ring-view.ts";
export type { HandshakeLimits, Tampering } from "./session.ts";
export type { SwarmLimit, SwarmStats } from "./stats.ts";
export { SwarmPeer, type Target } from "./swarm-peer.ts";
export { loadTrustedHosts } from "./node/trusted-hosts-file.ts";
export { type TrustedHost, parseTrustedHosts } from "./trusted-hosts.ts";
