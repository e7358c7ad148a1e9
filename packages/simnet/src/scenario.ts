import type { Fault, TimedFault } from "./fault.ts";
import { Simulation, type SimulationOptions } from "./simulation.ts";
import type { TraceOptions } from "./trace.ts";

/** All that decides how a scenario goes: plain JSON. */
export interface Case {
	/** Decides all chance in it. */
	readonly seed: number | string;
	/** How many hosts the scenario is to make. */
	readonly nodes: number;
	/** Virtual milliseconds. */
	readonly duration: number;
	/** What goes wrong, and when. Hosts that do not exist are passed over, so that a case can shrink. */
	readonly faults: readonly TimedFault[];
}

/** A program for a simulated network, and what must hold of it. */
export interface Scenario {
	/** How the simulation is made. */
	readonly options?: Omit<SimulationOptions, "seed" | "trace">;
	/** False when the program is made of callbacks alone: it then runs several times faster. True by default. */
	readonly promises?: boolean;
	/** Makes the hosts and starts their programs. */
	setup(simulation: Simulation, given: Case): void | Promise<void>;
	/** Throws when something that must hold at the end does not. What a host's callback throws counts as well. */
	check?(simulation: Simulation, given: Case): void | Promise<void>;
}

/** How a case went. */
export interface Outcome {
	/** The simulation, as it was at the end. */
	readonly simulation: Simulation;
	/** What was thrown; undefined when all went well. */
	readonly failure: Error | undefined;
}

/** Runs a scenario once. What the scenario throws is given back rather than thrown. */
export async function runCase(
	scenario: Scenario,
	given: Case,
	trace: TraceOptions = {},
): Promise<Outcome> {
	const simulation = new Simulation({ ...scenario.options, seed: given.seed, trace });
	try {
		await scenario.setup(simulation, given);
		for (const { at, ...fault } of given.faults) {
			simulation.schedule(at, () => {
				const possible = among(simulation, fault);
				if (possible !== undefined) simulation.apply(possible);
			});
		}
		if (scenario.promises === false) simulation.advance(given.duration);
		else await simulation.run(given.duration);
		await scenario.check?.(simulation, given);
		return { simulation, failure: undefined };
	} catch (error) {
		return { simulation, failure: error instanceof Error ? error : new Error(String(error)) };
	}
}

/** A fault as far as its hosts exist. */
function among(simulation: Simulation, fault: Fault): Fault | undefined {
	const known = (name: string): boolean => simulation.find(name) !== undefined;
	if (fault.kind === "heal") return fault;
	if (fault.kind === "partition") {
		const from = fault.from.filter(known);
		return fault.to === undefined
			? { ...fault, from }
			: { ...fault, from, to: fault.to.filter(known) };
	}
	let hosts: readonly string[];
	if (fault.kind === "halfOpen") hosts = [fault.from, fault.to];
	else if (fault.kind === "break") hosts = [fault.a, fault.b];
	else hosts = [fault.host];
	return hosts.every(known) ? fault : undefined;
}
