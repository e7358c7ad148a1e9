import type { TraceOptions } from "@cicada/simnet";

import { Actor } from "./actions.ts";
import { fingerFindings, listFindings } from "./oracles/liveness.ts";
import { membersOf, ringFindings } from "./oracles/ring.ts";
import { type View, pointerOf } from "./oracles/view.ts";
import type { Finding, Violation } from "./oracles/violation.ts";
import { type Plan, hostName } from "./plan.ts";
import type { Program } from "./program.ts";
import { Swarm } from "./swarm.ts";
import type { LookupTally, Spread } from "./tally.ts";

/** How a run went: plain JSON. */
export interface Result {
	readonly seed: number;
	readonly traceHash: string;
	readonly events: number;
	readonly faults: Readonly<Record<string, number>>;
	/** Actions of the plan that could not or must not happen. */
	readonly passedOver: number;
	readonly violations: number;
	readonly byRule: Readonly<Record<string, number>>;
	readonly first: readonly Violation[];
	/** Lookups while there was trouble, and on the ring at rest. */
	readonly during: LookupTally;
	readonly after: LookupTally;
	readonly hops: Spread;
	readonly lookupTime: Spread;
	/** How often nodes' pointers changed. */
	readonly changes: number;
	/** Milliseconds from the end of the trouble until the ring was ideal; undefined when it never was. */
	readonly converged: number | undefined;
	readonly leastPrincipals: number | undefined;
	readonly members: number;
	readonly simulatedMs: number;
	/** Milliseconds of all nodes together. */
	readonly nodeMs: number;
	readonly realMs: number;
	/** Bytes of heap at the end. */
	readonly heap: number;
}

/** How long a ring may take to become ideal, in milliseconds; and one out of several. */
const BOUND = 120_000;
const MERGE_BOUND = 300_000;
/** How often that is looked at. */
const POLL = 500;
/** How long it must stay so: as long as something begun in the trouble, a dial for example, may take to fail. */
const AFTERMATH = 6_000;
/** How long nothing may change after it. */
const REST = 20_000;
/** How long the lookups on the ring at rest may take. */
const ANSWERS = 15_000;
/** Milliseconds between two who join, when a ring is made; and within which all come when it grows under fire. */
const APART = 100;
const GROWTH = 20_000;

/** Runs a plan, with every oracle on. */
export async function run(plan: Plan, trace?: TraceOptions): Promise<Result> {
	const began = performance.now();
	const swarm = new Swarm(plan, trace);
	const { simulation, violations, lookups } = swarm;
	const actor = new Actor(swarm);
	const add = (findings: readonly Finding[]): void => {
		for (const finding of findings) violations.add(finding, simulation.now);
	};
	let formed = true;
	for (let ring = 0; ring < swarm.rings; ring++) swarm.addHost(hostName(ring));
	if (plan.regime === "fail-stop" || plan.rings !== undefined) {
		comeIn(swarm, APART * plan.nodes);
		await swarm.passUntil(APART * plan.nodes);
		const unformed = (): readonly Finding[] => formationFindings(swarm);
		formed = (await becomesIdeal(swarm, unformed, 0)) !== undefined;
		if (!formed) add(unformed().map((finding) => ({ ...finding, rule: "formation" })));
		swarm.watchRing = plan.regime === "fail-stop";
	} else {
		comeIn(swarm, Math.min(GROWTH, plan.duration / 2));
	}
	let converged: number | undefined;
	if (formed) {
		await trouble(swarm, actor);
		actor.mend();
		const since = simulation.now;
		converged = await becomesIdeal(swarm, () => idealFindings(swarm), AFTERMATH);
		if (converged === undefined) add(idealFindings(swarm));
		else {
			converged -= since;
			add(await atRest(swarm));
		}
	}
	const simulatedMs = simulation.now;
	return {
		seed: plan.seed,
		traceHash: simulation.traceHash,
		events: simulation.trace.count,
		faults: Object.fromEntries(actor.done),
		passedOver: actor.passedOver,
		violations: violations.count,
		byRule: Object.fromEntries(violations.byRule),
		first: violations.first,
		during: lookups.during,
		after: lookups.after,
		hops: lookups.hops,
		lookupTime: lookups.time,
		changes: swarm.changes,
		converged,
		leastPrincipals: Number.isFinite(swarm.leastPrincipals) ? swarm.leastPrincipals : undefined,
		members: swarm.members().size,
		simulatedMs,
		nodeMs: simulatedMs * plan.nodes,
		realMs: performance.now() - began,
		heap: process.memoryUsage().heapUsed,
	};
}

/** All hosts but the first come within `time`. */
function comeIn(swarm: Swarm, time: number): void {
	const { simulation, plan } = swarm;
	for (let index = swarm.rings; index < plan.nodes; index++) {
		simulation.schedule((time * index) / plan.nodes, () => {
			// The plan may have had it come back before it was to come.
			if (simulation.find(hostName(index)) === undefined) swarm.addHost(hostName(index));
		});
	}
}

/** Lets the plan's actions happen, and nodes look things up meanwhile. */
async function trouble(swarm: Swarm, actor: Actor): Promise<void> {
	const { simulation, plan } = swarm;
	const start = simulation.now;
	for (const { at, ...action } of plan.actions) {
		simulation.schedule(start + at, () => {
			actor.act(action);
		});
	}
	const every = 60_000 / (plan.lookups * plan.nodes);
	for (let at = every; at < plan.duration; at += every) {
		simulation.schedule(start + at, () => {
			swarm.lookupOnce();
		});
	}
	await swarm.passUntil(start + plan.duration);
}

/** Waits for the ring to be ideal, and to stay so for a while; since when it was, or undefined when that took too long. */
async function becomesIdeal(
	swarm: Swarm,
	wrong: () => readonly Finding[],
	stays: number,
): Promise<number | undefined> {
	const { simulation, plan } = swarm;
	const end = simulation.now + (plan.rings === undefined ? BOUND : MERGE_BOUND);
	let since: number | undefined;
	for (;;) {
		if (wrong().length > 0) since = undefined;
		else since ??= simulation.now;
		if (since !== undefined && simulation.now >= since + stays) return since;
		if (since === undefined && simulation.now >= end) return undefined;
		// What comes next depends on what came before.
		await swarm.passUntil(simulation.now + POLL);
	}
}

/** What keeps the first rings from being ideal, each for itself. */
function formationFindings(swarm: Swarm): readonly Finding[] {
	const rings = Array.from({ length: swarm.rings }, (_, ring) => ring);
	return rings.flatMap((ring) => idealFindings(swarm, (program) => swarm.ringOf(program) === ring));
}

/** What keeps the ring of `those` from being ideal. */
function idealFindings(
	swarm: Swarm,
	those: (program: Program) => boolean = () => true,
): readonly Finding[] {
	const programs = [...swarm.programs.values()].filter((program) => those(program));
	const inside = programs.filter((program) => program.isMember);
	const members = membersOf(inside.map(({ view }) => view as View));
	const outside = programs.filter(
		(program) => program.host.running && program.wanted && !program.isMember,
	);
	const findings: Finding[] = outside.map(({ name, node }) => ({
		oracle: "liveness",
		rule: "membership",
		node: name,
		detail: `wants to be in the ring, and is ${node.standing}`,
	}));
	const apart = ringFindings(members);
	findings.push(...apart.map((finding): Finding => ({ ...finding, oracle: "liveness" })));
	findings.push(...listFindings(members, swarm.successors));
	if (findings.length > 0) return findings;
	for (const { view, node } of inside) {
		if (view === undefined) continue;
		findings.push(
			...fingerFindings(
				members,
				view,
				node.fingers.map((finger) => pointerOf(finger)),
			),
		);
		if (findings.length > 0) break;
	}
	return findings;
}

/** On an ideal ring nothing changes any more, and every lookup gives the true owner. */
async function atRest(swarm: Swarm): Promise<readonly Finding[]> {
	const { simulation } = swarm;
	const before = swarm.changes;
	await swarm.passUntil(simulation.now + REST);
	const findings: Finding[] = [...idealFindings(swarm)];
	if (swarm.changes > before) {
		const detail = `${swarm.changes - before} changes of pointers on an ideal ring`;
		findings.push({ oracle: "liveness", rule: "rest", node: "", detail });
	}
	const asked = { answered: false };
	const lookups = swarm.lookups.all(swarm.memberPrograms(), simulation.random).then((wrong) => {
		findings.push(...wrong);
		asked.answered = true;
	});
	const end = simulation.now + ANSWERS;
	while (!asked.answered && simulation.now < end) {
		await swarm.passUntil(simulation.now + POLL);
	}
	await lookups;
	return findings;
}
