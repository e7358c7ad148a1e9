import { Hash } from "@cicada/chordlib";
import type { Address, SwarmPeer } from "@cicada/swarmlib";
import { type Command, InvalidArgumentError, Option } from "commander";

import { parseAddress } from "../arguments.ts";
import { explanation } from "../explanation.ts";
import { Failure } from "../failure.ts";
import type { Surroundings } from "../surroundings.ts";
import { type VisitOptions, visit, withJoin, withVisitOptions } from "../visit.ts";

interface TraceOptions extends VisitOptions {
	readonly route: "auto" | "ring";
}

const TIMEOUT = 5_000;

/** Adds `cicada trace`. */
export function addTrace(program: Command, around: Surroundings): void {
	withJoin(
		withVisitOptions(program.command("trace").argument("<peer>", "host:port, or an id", targetOf)),
	)
		.description("says how a message would get to a peer, over how many links")
		.addOption(
			new Option(
				"--route <way>",
				"auto dials the peer where it can; ring only goes over links that are there",
			)
				.choices(["auto", "ring"])
				.default("ring"),
		)
		.action(async (target: Address | Hash, options: TraceOptions) => {
			const through = options.join ?? (target instanceof Hash ? undefined : [target]);
			if (through === undefined) {
				throw new Failure("USAGE", "an id does not say where its swarm is: give --join host:port");
			}
			await visit(through, options, around, (peer) => trace(peer, target, options, around));
		});
}

/** `host:port`, or an id in 64 hexadecimal digits. @throws InvalidArgumentError */
function targetOf(given: string): Address | Hash {
	if (/^[0-9a-f]{64}$/i.test(given)) return new Hash({ hashed: given });
	const address = parseAddress(given);
	if (address !== undefined) return address;
	throw new InvalidArgumentError("A peer is host:port, or the 64 hexadecimal digits of its id.");
}

async function trace(
	peer: SwarmPeer,
	target: Address | Hash,
	{ route, timeout = TIMEOUT }: TraceOptions,
	{ stdout, interrupted: signal }: Surroundings,
): Promise<void> {
	const found = await peer.explain(target, { route, timeout, signal });
	for (const line of explanation(found)) stdout.write(`${line}\n`);
	if (!found.exact) {
		throw new Failure("FAILED", `no peer with the id ${found.target.toString()} is in the swarm`);
	}
}
