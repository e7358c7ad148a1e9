import { setTimeout as delay } from "node:timers/promises";

import { formatAddress } from "@cicada/chordlib";
import type { Address, SwarmPeer } from "@cicada/swarmlib";
import type { Command } from "commander";

import { addressOf, whole } from "../arguments.ts";
import { Failure } from "../failure.ts";
import type { Surroundings } from "../surroundings.ts";
import { type VisitOptions, visit, withJoin, withVisitOptions } from "../visit.ts";

interface PingOptions extends VisitOptions {
	readonly count: number;
	readonly every: number;
}

const TIMEOUT = 5_000;

const help = `
It joins the swarm for a moment, through the peer itself where --join names no other, and asks it so often
who it is. Exit codes: 0 every question was answered; 1 one was not; 3 the swarm could not be joined.`;

/** Adds `cicada ping`. */
export function addPing(program: Command, around: Surroundings): void {
	withJoin(withVisitOptions(program.command("ping").argument("<host:port>", "the peer", addressOf)))
		.description("asks a peer whether it is there, and how long the answer takes")
		.option("-c, --count <count>", "how many questions", whole(1, 1_000_000), 4)
		.option("--every <milliseconds>", "time between two questions", whole(0, 3_600_000), 1_000)
		.addHelpText("after", help)
		.action(async (target: Address, options: PingOptions) => {
			await visit(options.join ?? [target], options, around, (peer) =>
				ping(peer, target, options, around),
			);
		});
}

async function ping(
	peer: SwarmPeer,
	target: Address,
	{ count, every, timeout = TIMEOUT }: PingOptions,
	{ stdout, interrupted: signal }: Surroundings,
): Promise<void> {
	const name = formatAddress(target);
	const times: number[] = [];
	for (let number = 1; number <= count; number++) {
		if (number > 1) await delay(every, undefined, { signal }).catch(() => signal.throwIfAborted());
		const { exact, hops = 0, rtt } = await peer.explain(target, { timeout, signal });
		if (exact && rtt !== undefined) {
			times.push(rtt);
			const links = hops === 1 ? "1 link" : `${hops} links`;
			stdout.write(`${number}: ${name} answers over ${links} in ${rtt.toFixed(2)} ms\n`);
		} else {
			stdout.write(`${number}: ${name} does not answer\n`);
		}
	}
	const sorted = times.toSorted((a, b) => a - b);
	const [least, middle, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
	const range = [least, middle, most].map((time) => (time ?? 0).toFixed(2)).join(" / ");
	const summary = times.length > 0 ? `; least / median / most: ${range} ms` : "";
	stdout.write(`${times.length} of ${count} answered${summary}\n`);
	if (times.length < count) {
		throw new Failure(
			"FAILED",
			`${count - times.length} of ${count} questions were not answered by ${name}`,
		);
	}
}
