import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * What runs make is soon garbage: where there is more room for it, it is collected less often, which costs less. Threads
 * that help to collect it would take the cores from other runs.
 */
const NODE_OPTIONS = ["--max-semi-space-size=64", "--single-threaded-gc"];

/**
 * Runs plans, several at the same time in processes of their own, which run `worker`; `done` hears of each as it ends,
 * and says whether to go on.
 */
export async function runAll<Plan extends object, Result>(
	plans: Iterable<Plan>,
	jobs: number,
	run: (plan: Plan) => Promise<Result>,
	worker: URL,
	done: (result: Result) => boolean,
): Promise<readonly Result[]> {
	const results: Result[] = [];
	const left = plans[Symbol.iterator]();
	let goesOn = true;
	const next = (): Plan | undefined => {
		const result = goesOn ? left.next() : undefined;
		return result === undefined || result.done === true ? undefined : result.value;
	};
	const take = (result: Result): void => {
		results.push(result);
		goesOn &&= done(result);
	};
	if (jobs === 1) {
		for (let plan = next(); plan !== undefined; plan = next()) take(await run(plan));
		return results;
	}
	const children: ChildProcess[] = [];
	const work = (): Promise<void> =>
		new Promise((resolve, reject) => {
			const child = fork(fileURLToPath(worker), {
				execArgv: [...process.execArgv, ...NODE_OPTIONS],
			});
			children.push(child);
			const give = (): void => {
				const plan = next();
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
		await Promise.all(Array.from({ length: jobs }, work));
	} finally {
		for (const child of children) child.kill();
	}
	return results;
}
