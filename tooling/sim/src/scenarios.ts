import { hostileActions } from "./plan-hostile.ts";
import { type Plan, type TimedAction, hostName } from "./plan.ts";

interface Scenario {
	readonly about: string;
	/** What happens instead of the trouble of a plan's regime. */
	readonly actions: (plan: Plan, churn: number) => readonly TimedAction[];
	/** How many rings there are at first, ideal ones; without it one that grows under fire. */
	readonly rings?: number;
}

/** The ring has formed by then. */
const FORMED = 30_000;

const partition: Scenario = {
	about: "two halves, apart until the trouble ends, with crashes and comings in both",
	actions: ({ seed, nodes, duration }, churn) => {
		const half = Array.from({ length: Math.floor(nodes / 2) }, (_, index) => hostName(2 * index));
		const kinds = ["crash", "silentCrash", "leave", "arrival"] as const;
		const comings = hostileActions({ seed, nodes, duration, churn, kinds });
		const apart: TimedAction = { kind: "partition", from: half, name: "halves", at: FORMED };
		return [...comings, apart].toSorted((a, b) => a.at - b.at);
	},
};

const twoRings: Scenario = {
	about: "two rings that never met, until a node of one is told of a node of the other",
	actions: ({ nodes }) =>
		nodes < 2 ? [] : [{ kind: "bridge", host: hostName(0), to: hostName(1), at: 0 }],
	rings: 2,
};

/** Trouble of a special kind, in the regime `hostile`. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = { partition, "two-rings": twoRings };
