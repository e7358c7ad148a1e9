import { SeededRandom, TROUBLES, type Trouble, randomFaults } from "@cicada/simnet";

import { type TimedAction, hostName } from "./plan.ts";

export type HostileFault = Trouble | "leave" | "arrival";

export const HOSTILE_FAULTS: readonly HostileFault[] = [...TROUBLES, "leave", "arrival"];

interface Options {
	readonly seed: number;
	readonly nodes: number;
	readonly duration: number;
	readonly churn: number;
	readonly kinds: readonly HostileFault[];
}

/** Whatever simnet has, without regard for the ring; nodes that leave and come as well. */
export function hostileActions(options: Options): readonly TimedAction[] {
	const { seed, nodes, duration, churn, kinds } = options;
	const random = new SeededRandom(seed, 102);
	const hosts = Array.from({ length: nodes }, (_, index) => hostName(index));
	const every = 60_000 / (churn * nodes);
	if (!(every < Infinity) || nodes < 2 || kinds.length === 0) return [];
	const troubles = kinds.filter((kind): kind is Trouble => kind !== "leave" && kind !== "arrival");
	// Each kind is as likely as any other, whoever makes it.
	const share = troubles.length / kinds.length;
	const faults: readonly TimedAction[] =
		troubles.length === 0
			? []
			: randomFaults({ seed, hosts, until: duration, every: every / share, kinds: troubles });
	const comings: TimedAction[] = [];
	let newest = nodes;
	for (let at = 0; ;) {
		// Without such comings this is never.
		at += Math.ceil((2 * every * random.next()) / (1 - share));
		if (!(at < duration)) break;
		const host = hosts[Math.floor(random.next() * nodes)] as string;
		const back = at + Math.ceil(1_000 + 29_000 * random.next());
		const leaves = !kinds.includes("arrival") || (kinds.includes("leave") && random.next() < 0.5);
		if (leaves) {
			comings.push({ kind: "leave", host, at });
			comings.push({ kind: "join", host, at: Math.min(back, duration) });
		} else if (newest < nodes + Math.max(1, nodes / 4)) {
			comings.push({ kind: "join", host: hostName(newest++), at });
		}
	}
	return [...faults, ...comings].toSorted((a, b) => a.at - b.at);
}
