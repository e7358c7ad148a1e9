import { type Case, runCase, type Scenario } from "./scenario.ts";
import type { TraceEvent } from "./trace.ts";

/** A run to compare others with: plain JSON. */
export interface Recording {
	/** Of this format. */
	readonly version: 1;
	/** What was run. */
	readonly given: Case;
	/** The hash of the whole trace. */
	readonly hash: string;
	/** How many events the trace has. */
	readonly events: number;
	/** The hash after every so many events. */
	readonly every: number;
	/** These hashes. */
	readonly checkpoints: readonly string[];
	/** What the run failed with, if it did. */
	readonly failure: string | undefined;
}

/** How a run compares with a recording. */
export interface Replay {
	/** Whether all the same happened. */
	readonly same: boolean;
	/** The hash of the whole trace of the run. */
	readonly hash: string;
	/** What the run failed with, if it did. */
	readonly failure: Error | undefined;
	/** Where the run left the recording, when it did. */
	readonly divergence: Divergence | undefined;
}

/** The first difference between a run and a recording. */
export interface Divergence {
	/** How many events agree for certain. */
	readonly agreed: number;
	/**
	 * What happened next in the new run: the first event that differs is among these. It is the one event when the recording
	 * has a checkpoint for each; there is none when the new run just ended earlier.
	 */
	readonly actual: readonly TraceEvent[];
}

/**
 * Runs a scenario and writes down how it went.
 *
 * @param every events between two checkpoints. 1 by default, which finds the very event that differs; more for long runs,
 * as each checkpoint takes 19 bytes of JSON.
 *
 * @example
 * ```ts
 * const recording = await record(scenario, { seed: 7, nodes: 5, duration: 60_000, faults });
 * await writeFile("run.json", JSON.stringify(recording));
 * ```
 */
export async function record(scenario: Scenario, given: Case, every = 1): Promise<Recording> {
	const { simulation, failure } = await runCase(scenario, given, { every });
	const { hash, count, checkpoints } = simulation.trace;
	return {
		version: 1,
		given,
		hash,
		events: count,
		every,
		checkpoints: [...checkpoints],
		failure: failure?.message,
	};
}

/** Runs a recorded case again and says whether the same happened, and if not, what differed first. */
export async function replay(scenario: Scenario, recording: Recording): Promise<Replay> {
	const { every, given } = recording;
	const { simulation, failure } = await runCase(scenario, given, { every });
	const { trace } = simulation;
	const { hash } = trace;
	if (hash === recording.hash && trace.count === recording.events) {
		return { same: true, hash, failure, divergence: undefined };
	}
	const { checkpoints } = trace;
	const shared = Math.min(checkpoints.length, recording.checkpoints.length);
	let block = 0;
	while (block < shared && checkpoints[block] === recording.checkpoints[block]) block++;
	const agreed = block * every;
	const actual: TraceEvent[] = [];
	const sink = (event: TraceEvent): void => {
		if (event.number >= agreed && event.number < agreed + every) actual.push(event);
	};
	await runCase(scenario, given, { sink });
	return { same: false, hash, failure, divergence: { agreed, actual } };
}
