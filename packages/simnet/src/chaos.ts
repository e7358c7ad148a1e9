import { SimnetError } from "./errors.ts";
import type { Fault, TimedFault } from "./fault.ts";
import { SeededRandom } from "./prng.ts";

/** The kinds of trouble that {@link randomFaults} makes. Each is mended again, but for those that mend themselves. */
export type Trouble =
	| "crash"
	| "silentCrash"
	| "pause"
	| "slow"
	| "lag"
	| "skew"
	| "jump"
	| "partition"
	| "oneWayPartition"
	| "halfOpen"
	| "break";

/** All kinds of trouble. */
export const TROUBLES: readonly Trouble[] = [
	"crash",
	"silentCrash",
	"pause",
	"slow",
	"lag",
	"skew",
	"jump",
	"partition",
	"oneWayPartition",
	"halfOpen",
	"break",
];

/** What {@link randomFaults} takes. */
export interface ChaosOptions {
	/** The same seed gives the same faults. */
	readonly seed: number | string;
	/** The names of the hosts that get into trouble. */
	readonly hosts: readonly string[];
	/** When the first trouble may come and when the last is mended, in virtual milliseconds. */
	readonly from?: number;
	/** See `from`. */
	readonly until: number;
	/** Milliseconds between two troubles, on average. */
	readonly every: number;
	/** How long one lasts, in milliseconds. 1,000 to 30,000 by default. */
	readonly lasts?: readonly [least: number, most: number];
	/** Which there are. All by default. */
	readonly kinds?: readonly Trouble[];
}

/**
 * A plan of faults that follows from a seed, in the order of their times. At `until` all is mended: every host runs, at its
 * own pace, and everybody reaches everybody (links that were lost stay lost, and clocks stay as far ahead as they got).
 * A host is in one trouble of its own at a time.
 */
export function randomFaults(options: ChaosOptions): readonly TimedFault[] {
	const { hosts, until, every, from = 0, lasts = [1_000, 30_000], kinds = TROUBLES } = options;
	if (hosts.length < 2 || kinds.length === 0 || !(every > 0)) {
		throw new SimnetError("INVALID_ARGUMENT", "chaos takes two hosts, a kind, and a time between");
	}
	const random = new SeededRandom(options.seed, 6);
	const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
	const busyUntil = new Map<string, number>();
	const faults: TimedFault[] = [];
	let number = 0;
	for (let at = from; ; number++) {
		at += Math.ceil(2 * every * random.next());
		const length = Math.ceil(lasts[0] + (lasts[1] - lasts[0]) * random.next());
		const kind = pick(kinds);
		const host = pick(hosts);
		const other = pick(hosts);
		const side = hosts.filter(() => random.next() < 0.5);
		const amount = random.next();
		if (at >= until) break;
		const end = Math.min(at + length, until);
		const alone = !["partition", "oneWayPartition", "halfOpen", "break"].includes(kind);
		if (alone && (busyUntil.get(host) ?? -1) >= at) continue;
		if (alone) busyUntil.set(host, end);
		const [fault, mended] = MAKE[kind]({ host, other, side, amount, name: `p${number}` });
		faults.push({ ...fault, at });
		if (mended !== undefined) faults.push({ ...mended, at: end });
	}
	return faults.toSorted((a, b) => a.at - b.at);
}

interface Draw {
	readonly host: string;
	readonly other: string;
	readonly side: readonly string[];
	/** In [0, 1). */
	readonly amount: number;
	readonly name: string;
}

/** A fault, and what mends it. */
type Pair = readonly [fault: Fault, mended?: Fault];

const MAKE: { readonly [K in Trouble]: (draw: Draw) => Pair } = {
	crash: ({ host }) => [
		{ kind: "crash", host },
		{ kind: "restart", host },
	],
	silentCrash: ({ host }) => [
		{ kind: "crash", host, silent: true },
		{ kind: "restart", host },
	],
	pause: ({ host }) => [
		{ kind: "pause", host },
		{ kind: "resume", host },
	],
	slow: ({ host, amount }) => [
		{ kind: "slow", host, ms: Math.ceil(50 * amount) },
		{ kind: "slow", host, ms: 0 },
	],
	lag: ({ host, amount }) => [
		{ kind: "lag", host, ms: Math.ceil(1_000 * amount) },
		{ kind: "lag", host, ms: 0 },
	],
	skew: ({ host, amount }) => [
		{ kind: "skew", host, rate: 0.8 + 0.4 * amount },
		{ kind: "skew", host, rate: 1 },
	],
	jump: ({ host, amount }) => [{ kind: "skew", host, jump: Math.ceil(3_600_000 * amount) }],
	partition: ({ side: from, name }) => [
		{ kind: "partition", from, name },
		{ kind: "heal", name },
	],
	oneWayPartition: ({ side: from, name }) => [
		{ kind: "partition", from, name, oneWay: true },
		{ kind: "heal", name },
	],
	halfOpen: ({ host, other }) => [{ kind: "halfOpen", from: host, to: other }],
	break: ({ host, other }) => [{ kind: "break", a: host, b: other }],
};
