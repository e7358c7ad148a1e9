import { type Server, createServer } from "node:http";

import { formatAddress } from "@cicada/chordlib";
import { type Address, SwarmError, type SwarmPeer } from "@cicada/swarmlib";
import type { Command } from "commander";

import { explained } from "../advice.ts";
import { addressOf, whole } from "../arguments.ts";
import { Failure } from "../failure.ts";
import { openLog } from "../log-options.ts";
import { type ServiceCounts, openMetrics } from "../metrics.ts";
import { type PeerOptions, withPeerOptions } from "../peer-options.ts";
import { type StartedPeer, joinSwarm, startPeer } from "../start-peer.ts";
import type { Surroundings } from "../surroundings.ts";

interface ServeOptions extends PeerOptions {
	readonly metrics?: Address;
	readonly health: number;
}

/** Milliseconds after which a service that is alone tries again to join. */
const REJOIN = 30_000;

const help = `
It relays for others and is there for newcomers to join; messages to it are discarded. It runs until SIGTERM
or Ctrl-C, then leaves the swarm and exits with 0. Exit codes besides: 2 bad options; 3 it could not start,
or what answers at --join is another swarm. Where nobody answers there, it tries again twice a minute.

--metrics serves http://host:port/metrics (OpenMetrics) and /health. It asks nobody who he is: keep it to
127.0.0.1, or behind a firewall.`;

/** Adds `cicada serve`. */
export function addServe(program: Command, around: Surroundings): void {
	withPeerOptions(program.command("serve"))
		.description("is a peer that others join through, as a service")
		.option("--metrics <host:port>", "serve statistics there, over HTTP", addressOf)
		.option(
			"--health <seconds>",
			"time between two lines that say how it is doing",
			whole(1, 86_400),
			60,
		)
		.addHelpText("after", help)
		.action(async (options: ServeOptions) => {
			await serve(options, around);
		});
}

async function serve(options: ServeOptions, around: Surroundings): Promise<void> {
	const { interrupted, stdout } = around;
	const started = await startPeer(options, openLog(options, around), around);
	const { peer } = started;
	const service = new Service(peer);
	const health = setInterval(() => stdout.write(`${service.health}\n`), options.health * 1_000);
	const joining = setInterval(() => {
		if (peer.ring.members.length > 0) return;
		joinOrWait(started, options, interrupted).catch((error: unknown) => {
			started.log.write("error", explained(error));
		});
	}, REJOIN);
	let metrics: Server | undefined;
	try {
		if (options.metrics) metrics = await service.listen(options.metrics);
		await joinOrWait(started, options, interrupted);
		stdout.write(`serving at ${formatAddress(peer.address)}\n${service.health}\n`);
		const reading = service.discard();
		await new Promise((resolve) => {
			interrupted.addEventListener("abort", resolve);
			if (interrupted.aborted) resolve(undefined);
		});
		await peer.close();
		await reading;
		stdout.write("left the swarm\n");
	} finally {
		clearInterval(health);
		clearInterval(joining);
		metrics?.close();
		metrics?.closeAllConnections();
		await started.close();
	}
}

/**
 * Joins a swarm; where nobody answers yet, it stays alone for now. So two services that name each other may start
 * in any order.
 */
async function joinOrWait(
	started: StartedPeer,
	options: ServeOptions,
	signal: AbortSignal,
): Promise<void> {
	try {
		await joinSwarm(started, options, signal);
	} catch (error) {
		const { cause } = error as Failure;
		if (!(cause instanceof SwarmError) || cause.code === "INCOMPATIBLE") throw error;
		started.log.write("warn", `alone for now, and tries again: ${cause.message}`);
	}
}

/** A peer that runs for others. */
class Service {
	readonly #peer: SwarmPeer;
	readonly #started = performance.now();
	#discarded = 0;
	#discardedBytes = 0;

	constructor(peer: SwarmPeer) {
		this.#peer = peer;
	}

	get #counts(): ServiceCounts {
		const uptime = Math.round(performance.now() - this.#started) / 1_000;
		return { uptime, discarded: this.#discarded, discardedBytes: this.#discardedBytes };
	}

	/** How it is doing, in one line. */
	get health(): string {
		const { links, buffered, hosts } = this.#peer.stats;
		const { uptime, discarded } = this.#counts;
		const members = this.#peer.ring.members.length;
		const alone = members === 0 ? "alone" : "ok";
		return `${alone}: ${links} links, ${members} members known, ${buffered} bytes unsent, ${hosts.barred} barred, ${discarded} messages discarded, up ${Math.floor(uptime)} s`;
	}

	/** Takes what comes out of the inbox, so that no sender waits for room in it. */
	async discard(): Promise<void> {
		for await (const { data } of this.#peer) {
			this.#discarded++;
			this.#discardedBytes += data.length;
		}
	}

	/** Answers over HTTP how it is doing. @throws Failure `NOT_STARTED` */
	async listen({ host, port }: Address): Promise<Server> {
		const server = createServer(
			{ headersTimeout: 5_000, requestTimeout: 5_000 },
			(request, response) => {
				const [type, text] = this.#answer(request.url ?? "");
				response.writeHead(text === undefined ? 404 : 200, { "content-type": type });
				response.end(text ?? "there are /metrics and /health\n");
			},
		);
		server.maxConnections = 16;
		await new Promise<void>((resolve, reject) => {
			server.once("error", (cause) => {
				reject(
					new Failure("NOT_STARTED", `cannot serve statistics: ${cause.message} (see --metrics)`, {
						cause,
					}),
				);
			});
			server.listen(port, host, resolve);
		});
		return server;
	}

	#answer(path: string): [type: string, text: string | undefined] {
		if (path === "/health") return ["text/plain; charset=utf-8", `${this.health}\n`];
		if (path !== "/metrics") return ["text/plain; charset=utf-8", undefined];
		const type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
		return [type, openMetrics(this.#peer, this.#counts)];
	}
}
