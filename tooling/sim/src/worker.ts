import type { Plan } from "./plan.ts";
import { run } from "./run.ts";

// One run after the other, as they are given, until there are no more. What a run throws ends the process.
process.on("message", (plan: Plan) => {
	void run(plan).then((result) => process.send?.(result));
});
