import { fork } from "node:child_process";
import { once } from "node:events";

import type { Result } from "./bench.ts";
import type { Measurement, Size } from "./measurement.ts";

/** What the process is told: what to measure, how much of it, and how often. */
export interface Task extends Size {
	readonly name: string;
	readonly repeat: number;
}

/**
 * Measures in a process of its own: what the engine has learned of other measurements, and what they have left for it
 * to collect, is not to be part of this one.
 */
export async function measureApart(
	{ name, once: runsOnce }: Measurement,
	size: Size,
	repeat: number,
): Promise<Result> {
	const task: Task = { name, ...size, repeat: runsOnce ? 1 : repeat };
	const child = fork(new URL("apart-program.js", import.meta.url), [JSON.stringify(task)]);
	const told = once(child, "message") as Promise<[Result]>;
	const ended = once(child, "exit");
	const failed = ended.then(([code, signal]) => {
		throw new Error(`${name} could not be measured: its process ended with ${code ?? signal}`);
	});
	const [result] = await Promise.race([told, failed]);
	await ended;
	return result;
}
