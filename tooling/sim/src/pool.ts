import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Plan } from "./plan.ts";
import { type Result, run } from "./run.ts";

/** Runs plans, several at the same time in processes of their own; `done` hears of each as it ends, and says whether to go on. */
export async function runAll(
	plans: readonly Plan[],
	jobs: number,
	done: (result: Result) => boolean,
): Promise<readonly Result[]> {
	const results: Result[] = [];
	let next = 0;
	const take = (result: Result): void => {
		results.push(result);
		if (!done(result)) next = plans.length;
	};
	if (jobs === 1 || plans.length === 1) {
		while (next < plans.length) take(await run(plans[next++] as Plan));
		return results;
	}
	const children: ChildProcess[] = [];
	const work = (): Promise<void> =>
		new Promise((resolve, reject) => {
			const child = fork(fileURLToPath(new URL("worker.js", import.meta.url)));
			children.push(child);
			const give = (): void => {
				const plan = plans[next++];
				if (plan === undefined) child.disconnect();
				else child.send(plan);
			};
			child.on("message", (result: Result) => {
				take(result);
				give();
			});
			child.on("error", reject);
			child.on("exit", (code) => {
				if (code === 0) resolve();
				else reject(new Error(`a process that ran simulations ended with ${code}`));
			});
			give();
		});
	try {
		await Promise.all(Array.from({ length: Math.min(jobs, plans.length) }, work));
	} finally {
		for (const child of children) child.kill();
	}
	return results;
}
