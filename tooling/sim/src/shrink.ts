import { shrinkList } from "@cicada/simnet";

import type { Plan } from "./plan.ts";
import { type Result, run } from "./run.ts";

/** A plan that still breaks one of the rules that `result` has broken first, with less trouble, less time and fewer nodes. */
export async function shrinkPlan(
	plan: Plan,
	result: Result,
	progress: (plan: Plan) => void,
): Promise<Plan> {
	const [violation] = result.first;
	if (violation === undefined) return plan;
	const rule = `${violation.oracle}/${violation.rule}`;
	const fails = async (smaller: Plan): Promise<boolean> => {
		const { byRule } = await run(smaller);
		const still = (byRule[rule] ?? 0) > 0;
		if (still) progress(smaller);
		return still;
	};
	let current = await shorter(plan, fails);
	for (;;) {
		const before = current;
		const actions = await shrinkList(before.actions, (part) => fails({ ...before, actions: part }));
		current = await fewer({ ...before, actions }, fails);
		if (current.lookups > 0 && (await fails({ ...current, lookups: 0 }))) {
			current = { ...current, lookups: 0 };
		}
		const same = current.actions.length === before.actions.length && current.nodes === before.nodes;
		if (same) return current;
	}
}

type Fails = (plan: Plan) => Promise<boolean>;

/** The plan cut off after as few actions as do, by halving. */
async function shorter(plan: Plan, fails: Fails): Promise<Plan> {
	const cut = (count: number): Plan => {
		const actions = plan.actions.slice(0, count);
		const duration = Math.min(plan.duration, (actions.at(-1)?.at ?? 0) + 10_000);
		return { ...plan, actions, duration };
	};
	let low = 0;
	let high = plan.actions.length;
	if (!(await fails(cut(high)))) return plan;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (await fails(cut(middle))) high = middle;
		else low = middle + 1;
	}
	return cut(high);
}

/** The plan with as few nodes as do. Those that others' actions name stay. */
async function fewer(plan: Plan, fails: Fails): Promise<Plan> {
	let current = plan;
	for (const part of [0.5, 0.7, 0.8, 0.9]) {
		const nodes = Math.max(2, Math.floor(current.nodes * part));
		const smaller = { ...current, nodes };
		if (nodes < current.nodes && (await fails(smaller))) current = smaller;
	}
	return current;
}
