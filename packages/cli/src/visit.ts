import type { Address, SwarmPeer } from "@cicada/swarmlib";
import type { Command } from "commander";

import { addAddress, milliseconds } from "./arguments.ts";
import { openLog } from "./log-options.ts";
import { type PeerOptions, networkOption, secretOption } from "./peer-options.ts";
import { joinSwarm, startPeer } from "./start-peer.ts";
import type { Surroundings } from "./surroundings.ts";

/** Options of a peer that is in a swarm for a moment only, to ask something. */
export type VisitOptions = Pick<
	PeerOptions,
	"interface" | "join" | "timeout" | "network" | "secret" | "debug"
>;

/** Adds `--join` to a command. */
export function withJoin(command: Command): Command {
	return command.option(
		"--join <host:port>",
		"a peer of the swarm to join; repeat it for others to try",
		addAddress,
	);
}

/** Adds the others to a command. */
export function withVisitOptions(command: Command): Command {
	return command
		.option(
			"--interface <name>",
			"what to listen at: an address, a host name or an interface (default: all)",
		)
		.option("--timeout <seconds>", "how long joining, or one question, may take", milliseconds)
		.addOption(networkOption())
		.addOption(secretOption())
		.option("-d, --debug", "log everything that happens");
}

/** Joins a swarm with a peer at any free port, lets it ask, and leaves again. */
export async function visit(
	through: readonly Address[],
	options: VisitOptions,
	around: Surroundings,
	ask: (peer: SwarmPeer) => Promise<void>,
): Promise<void> {
	const anyPort: PeerOptions = {
		...options,
		port: 0,
		portMapping: false,
		mappingAttempts: 1,
		join: through,
		leaf: true,
	};
	const started = await startPeer(anyPort, openLog(options, around), around);
	try {
		await joinSwarm(started, anyPort, around.interrupted);
		await ask(started.peer);
	} finally {
		await started.close();
	}
}
