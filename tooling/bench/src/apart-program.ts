// A process in which one thing is measured, and nothing else. Started by apart.ts.
import type { Task } from "./apart.ts";
import { measure } from "./bench.ts";
import { measurements } from "./measurements.ts";

const { name, repeat, ...size } = JSON.parse(process.argv[2] ?? "") as Task;
const measurement = measurements.find((other) => other.name === name);
if (measurement === undefined) throw new Error(`there is no measurement called ${name}`);

// This process goes with the one that started it.
process.on("disconnect", () => process.exit());
const result = await measure(measurement, size, repeat, (run) => {
	console.error(`${name}: run ${run} of ${repeat}`);
});
process.send?.(result, () => {
	process.disconnect();
});
