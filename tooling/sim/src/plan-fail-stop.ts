import { SeededRandom } from "@cicada/simnet";

import { type Action, type TimedAction, hostName } from "./plan.ts";

export const FAIL_STOP_FAULTS = ["crash", "silentCrash", "leave", "arrival", "lag"] as const;

export type FailStopFault = (typeof FAIL_STOP_FAULTS)[number];

/** How long a host stays away, in milliseconds. */
const AWAY = [1_000, 60_000] as const;
/** How much later messages of a slow host may be one way: so little that its answers still come in time. */
const LAG = 100;
/** One newcomer, or slow host, for so many departures. */
const NEWCOMERS = 4;

interface Options {
	readonly seed: number;
	readonly nodes: number;
	readonly duration: number;
	/** The part of the nodes that goes away within a minute. */
	readonly churn: number;
	readonly kinds: readonly FailStopFault[];
}

/** Nodes that crash, leave, come back and come anew. Whom the ring cannot spare is passed over when it comes to it. */
export function failStopActions(options: Options): readonly TimedAction[] {
	const { nodes, duration, churn, kinds } = options;
	const random = new SeededRandom(options.seed, 101);
	const actions: TimedAction[] = [];
	const busyUntil = new Map<string, number>();
	const every = 60_000 / (churn * nodes);
	let newest = nodes;
	if (!(every < Infinity) || kinds.length === 0) return actions;
	for (let at = 2 * every * random.next(); at < duration; at += 2 * every * random.next()) {
		const host = hostName(Math.floor(random.next() * newest));
		const away = AWAY[0] + (AWAY[1] - AWAY[0]) * random.next() ** 2;
		const kind = kinds[Math.floor(random.next() * kinds.length)] as FailStopFault;
		const amount = random.next();
		if (kind === "arrival") {
			if (newest < nodes + Math.max(1, nodes / NEWCOMERS)) {
				actions.push({ kind: "join", host: hostName(newest++), at: Math.round(at) });
			}
			continue;
		}
		if ((busyUntil.get(host) ?? -1) > at) continue;
		const [before, after] = pair(kind, host, Math.ceil(LAG * amount));
		actions.push({ ...before, at: Math.round(at) });
		busyUntil.set(host, at + away);
		if (at + away < duration) actions.push({ ...after, at: Math.round(at + away) });
	}
	return actions.toSorted((a, b) => a.at - b.at);
}

function pair(kind: Exclude<FailStopFault, "arrival">, host: string, ms: number): [Action, Action] {
	const back: Action = { kind: "join", host };
	switch (kind) {
		case "crash":
			return [{ kind: "crash", host }, back];
		case "silentCrash":
			return [{ kind: "crash", host, silent: true }, back];
		case "leave":
			return [{ kind: "leave", host }, back];
		default:
			return [
				{ kind: "lag", host, ms },
				{ kind: "lag", host, ms: 0 },
			];
	}
}
