import {
	NatPMP,
	type PortMapper,
	PortMapping,
	TraversalError,
	UPnP,
	localAddress,
} from "@cicada/traversal";
import type { Command } from "commander";

import { milliseconds, portToBind, whole } from "../arguments.ts";
import { Failure } from "../failure.ts";
import { DEFAULT_PORT } from "../peer-options.ts";
import { printable } from "../printable.ts";
import type { Surroundings } from "../surroundings.ts";

interface NatOptions {
	readonly port: number;
	readonly mappingAttempts: number;
	readonly timeout: number;
}

const help = `
It asks for a port as a peer would, says what each router answered, and gives the port back.
Exit codes: 0 a port was mapped; 1 none was.`;

/** Adds `cicada nat`. */
export function addNat(program: Command, around: Surroundings): void {
	program
		.command("nat")
		.description("says what the router answers to who asks it for a port, step by step")
		.option("-p, --port <port>", "the port to ask for", portToBind, DEFAULT_PORT)
		.option("--mapping-attempts <count>", "ports to try", whole(1, 100), 5)
		.option("--timeout <seconds>", "how long each step may take", milliseconds, 8_000)
		.addHelpText("after", help)
		.action(async (options: NatOptions) => {
			await nat(options, around);
		});
}

async function nat(
	{ port, mappingAttempts: attempts, timeout }: NatOptions,
	{ stdout, interrupted: signal }: Surroundings,
): Promise<void> {
	const say = (step: string, answer: string): void => {
		stdout.write(`${`${step}:`.padEnd(16)} ${printable(answer)}\n`);
	};
	say("this machine", await localAddress());
	for (const mapper of [new UPnP(), new NatPMP()]) {
		say(mapper.name, await asked(mapper, { timeout, signal }));
	}
	const mapping = new PortMapping(port, { attempts, timeout, signal });
	try {
		await mapping.open();
		const { externalIp, externalPort, mapper } = mapping;
		say(`port ${port}`, `${externalIp}:${externalPort} leads here, by ${mapper.name}`);
	} catch (error) {
		if (!(error instanceof TraversalError)) throw error;
		say(`port ${port}`, `not mapped: ${error.message}`);
		throw new Failure("FAILED", `no port was mapped: ${advice(error)}`, { cause: error });
	} finally {
		await mapping.close();
	}
	say("given back", `port ${port}`);
}

/** What a router says to one who looks for it. */
async function asked(
	mapper: PortMapper,
	wait: { timeout: number; signal: AbortSignal },
): Promise<string> {
	try {
		await mapper.create(wait);
		return `a router whose address outside is ${mapper.externalIp}`;
	} catch (error) {
		if (!(error instanceof TraversalError)) throw error;
		return error.message;
	} finally {
		await mapper.close();
	}
}

/** What a person can do about it. */
function advice({ code }: TraversalError): string {
	switch (code) {
		case "NO_GATEWAY":
		case "TIMEOUT":
			return "check that this machine has a network, and switch UPnP or NAT-PMP on in the router; or there is no router and none is needed";
		case "DOUBLE_NAT":
			return "the router is behind another one: map the port there too, or ask the provider for a public address";
		case "PORT_TAKEN":
			return "choose another with --port, or try more with --mapping-attempts";
		case "REFUSED":
			return "allow port mappings in the router's settings";
		default:
			return "map the port by hand in the router's settings";
	}
}
