import { formatAddress } from "@cicada/chordlib";
import {
	SwarmError,
	type SwarmHooks,
	SwarmPeer,
	type TrustedHost,
	loadTrustedHosts,
} from "@cicada/swarmlib";
import { PortMapping, TraversalError } from "@cicada/traversal";

import { explained } from "./advice.ts";
import { Failure } from "./failure.ts";
import { addressToBind, isLoopback } from "./interface.ts";
import type { Log } from "./log.ts";
import type { PeerOptions } from "./peer-options.ts";
import { nameOf } from "./printable.ts";
import { networkOf } from "./secret.ts";
import type { Surroundings } from "./surroundings.ts";

/** A peer that is bound, and what has to be let go of with it. */
export interface StartedPeer {
	readonly peer: SwarmPeer;
	/** The log, in which lines are this peer's. */
	readonly log: Log;
	close(): Promise<void>;
}

/** Binds a peer as the options say, with a port on the router where there is one. @throws Failure `USAGE`, `NOT_STARTED` */
export async function startPeer(
	options: PeerOptions,
	log: Log,
	{ env, interrupted }: Pick<Surroundings, "env" | "interrupted">,
): Promise<StartedPeer> {
	const { port, leaf = false, identity: identityFile } = options;
	const network = networkOf(options, env, log);
	const trustedHosts = await trustedHostsIn(options.keys);
	const host = addressToBind(options.interface ?? "");
	const mapping = leaf ? undefined : await openMapping(host, options, log, interrupted);
	// Its hooks run only once it is bound, and then the log is its own.
	let own = log;
	const peer = new SwarmPeer({
		network,
		trustedHosts,
		mapPort: (port, signal) => mapPort(port, options, signal),
		...(identityFile !== undefined && { identityFile }),
		hooks: loggingHooks((level, text) => own.write(level, text)),
	});
	const close = async (): Promise<void> => {
		await peer.close();
		await mapping?.close();
	};
	try {
		await peer.bind(host, port, leaf ? { nat: "auto" } : mapping);
	} catch (error) {
		await close();
		throw notStarted(error);
	}
	own = log.of(formatAddress(peer.address));
	own.write("info", `listens at ${formatAddress(peer.listener)}, id ${peer.hash.toString()}`);
	for (const seen of peer.reachability.evidence) own.write("info", seen);
	logEvents(peer, own);
	return { peer, log: own, close };
}

/** Joins a swarm where the options name a peer of one. @throws Failure `NOT_STARTED` */
export async function joinSwarm(
	{ peer, log }: StartedPeer,
	{ join = [], timeout }: Pick<PeerOptions, "join" | "timeout">,
	signal: AbortSignal,
): Promise<void> {
	if (join.length === 0) return;
	try {
		await peer.connect(join, { signal, ...(timeout !== undefined && { timeout }) });
	} catch (error) {
		throw notStarted(error);
	}
	log.write("info", `joined a swarm through ${join.map(formatAddress).join(", ")}`);
	if (peer.reachability.state === "leaf") {
		log.write("info", `takes part as a leaf: ${peer.reachability.reason}`);
	}
}

async function trustedHostsIn(file: string | undefined): Promise<readonly TrustedHost[]> {
	if (file === undefined) return [];
	try {
		return await loadTrustedHosts(file);
	} catch (cause) {
		if (!(cause instanceof SwarmError)) throw cause;
		throw new Failure("USAGE", explained(cause), { cause });
	}
}

function notStarted(error: unknown): unknown {
	if (!(error instanceof SwarmError)) return error;
	return new Failure("NOT_STARTED", explained(error), { cause: error });
}

async function openMapping(
	host: string,
	options: PeerOptions,
	log: Log,
	signal: AbortSignal,
): Promise<PortMapping | undefined> {
	const { port } = options;
	// A port that is not known yet cannot be mapped.
	if (!options.portMapping || isLoopback(host) || port === 0) return undefined;
	try {
		const mapping = await mapPort(port, options, signal);
		const { externalIp, externalPort, mapper } = mapping;
		log.write(
			"info",
			`the router (${mapper.name}) maps ${externalIp}:${externalPort} to port ${port}`,
		);
		return mapping;
	} catch (error) {
		if (!(error instanceof TraversalError)) throw error;
		const consequence =
			"peers beyond the router cannot dial this one; --no-port-mapping does not ask";
		log.write("warn", `no port at a router: ${error.message} (${consequence})`);
		return undefined;
	}
}

/** Asks the router for a port. @throws TraversalError */
async function mapPort(
	port: number,
	{ portMapping, mappingAttempts: attempts }: PeerOptions,
	signal: AbortSignal,
): Promise<PortMapping> {
	if (!portMapping) throw new Error("--no-port-mapping does not ask");
	const mapping = new PortMapping(port, { attempts, signal });
	try {
		return await mapping.open();
	} catch (error) {
		await mapping.close();
		throw error;
	}
}

function logEvents(peer: SwarmPeer, log: Log): void {
	peer.on("peer", (remote) => {
		log.write("info", `link to ${nameOf(remote)}`);
	});
	peer.on("peerGone", (remote) => {
		log.write("info", `no more link to ${nameOf(remote)}`);
	});
	peer.on("error", (error) => {
		log.write("error", error instanceof Error ? error.message : String(error));
	});
}

function loggingHooks(write: Log["write"]): Partial<SwarmHooks> {
	return {
		send: ({ remote }, packet) => {
			write("debug", `packet of ${packet.length} bytes to ${formatAddress(remote)}`);
		},
		recv: (source, data) => {
			write("debug", `message of ${data.length} bytes from ${nameOf(source)}`);
		},
	};
}
