import { cpus } from "node:os";

import { measureApart } from "./apart.ts";
import { type Result, beyondBounds } from "./bench.ts";
import { measurements } from "./measurements.ts";
import { type Options, help, parseOptions } from "./options.ts";
import { table } from "./table.ts";

async function run({ only, repeat, nodes, operations, json }: Options): Promise<number> {
	const chosen = measurements.filter(({ name }) => only.length === 0 || only.includes(name));
	const results: Result[] = [];
	for (const measurement of chosen) {
		results.push(await measureApart(measurement, { nodes, operations }, repeat));
	}
	const [cpu] = cpus();
	const machine = { node: process.version, cpu: cpu?.model ?? "unknown", cores: cpus().length };
	console.log(
		`Node ${machine.node}, ${machine.cores} cores, ${machine.cpu}; ${nodes} nodes, medians of ${repeat}\n`,
	);
	console.log(table(results));
	const beyond = beyondBounds(results);
	for (const sentence of beyond) console.error(sentence);
	if (json) console.log(JSON.stringify({ ...machine, nodes, operations, repeat, results }));
	return beyond.length === 0 ? 0 : 1;
}

try {
	const options = parseOptions(
		process.argv.slice(2),
		measurements.map(({ name }) => name),
	);
	if (options.help) console.log(help(measurements));
	else process.exitCode = await run(options);
} catch (error) {
	console.error((error as Error).message);
	process.exitCode = 2;
}
