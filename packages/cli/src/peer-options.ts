import type { Address } from "@cicada/swarmlib";
import { type Command, Option } from "commander";

import { addAddress, milliseconds, portToBind, whole } from "./arguments.ts";

/** The port of a peer that says nothing else. It is none that systems hand out: on Linux those begin at 32768. */
export const DEFAULT_PORT = 17_610;

/** How a peer is started: what the commands that start one have in common. */
export interface PeerOptions {
	readonly interface?: string;
	readonly port: number;
	readonly join?: readonly Address[];
	/** Milliseconds that joining, or one command, may take; the libraries' own defaults where not given. */
	readonly timeout?: number;
	readonly portMapping: boolean;
	readonly mappingAttempts: number;
	readonly network?: string;
	/** The file of the swarm's secret; in its place the environment may hold it. */
	readonly secret?: string;
	/** The file of the peer's keys; new ones each time where not given. */
	readonly identity?: string;
	/** The file of trusted hosts: keys that were agreed on with some peers beforehand. */
	readonly keys?: string;
	/**
	 * The peer takes part also where nobody can dial it. Its id is then that of its key, so that others know it by
	 * that and not by its address. Default false.
	 */
	readonly leaf?: boolean;
	readonly debug?: true;
	readonly log?: string;
	readonly stdout?: true;
}

/** `--network`. */
export function networkOption(): Option {
	return new Option("--network <name>", "the swarm's name: peers with another one are refused");
}

/** `--secret`. */
export function secretOption(): Option {
	return new Option(
		"--secret <file>",
		"a file with the swarm's secret: who does not know it is refused. Or put the secret itself into CICADA_SECRET; as an argument, others on the machine could read it",
	);
}

/** Adds them to a command. */
export function withPeerOptions(command: Command): Command {
	return command
		.option(
			"--interface <name>",
			"what to listen at: an address, a host name or an interface such as eth0 (default: all)",
		)
		.option(
			"-p, --port <port>",
			"the port to listen at, 0 for any free one",
			portToBind,
			DEFAULT_PORT,
		)
		.option(
			"--join <host:port>",
			"a peer of the swarm to join; repeat it for others to try",
			addAddress,
		)
		.option("--timeout <seconds>", "how long joining, or any one command, may take", milliseconds)
		.option("--no-port-mapping", "do not ask the router for a port")
		.option("--mapping-attempts <count>", "ports to try at the router", whole(1, 100), 5)
		.addOption(networkOption())
		.addOption(secretOption())
		.option("--identity <file>", "keep the peer's keys in a file, made where there is none")
		.option(
			"--keys <file>",
			"the trusted hosts: keys agreed on with some peers beforehand, as JSON",
		)
		.option("-d, --debug", "log everything that happens, but for what messages hold")
		.addOption(new Option("--log <file>", "append the log to a file").conflicts("stdout"))
		.option("--stdout", "write the log to stdout (default: stderr)");
}
