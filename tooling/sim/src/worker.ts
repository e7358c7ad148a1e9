import type { Plan } from "./plan.ts";
import { run } from "./run.ts";

// Links and requests fail by the thousand in a run, and nobody reads where: a stack costs more than the rest of an error.
Error.stackTraceLimit = 0;

// One run after the other, as they are given, until there are no more. What a run throws ends the process.
process.on("message", (plan: Plan) => {
	void run(plan).then((result) => process.send?.(result));
});
