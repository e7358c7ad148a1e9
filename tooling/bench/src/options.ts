import { parseArgs } from "node:util";

import type { Measurement, Size } from "./measurement.ts";

export interface Options extends Size {
	readonly help: boolean;
	readonly json: boolean;
	readonly repeat: number;
	/** What to measure; all when empty. */
	readonly only: readonly string[];
}

/** @throws Error for what makes no sense; its message is for the user. */
export function parseOptions(args: readonly string[], names: readonly string[]): Options {
	const { values } = parseArgs({
		args: [...args],
		options: {
			help: { type: "boolean", default: false },
			json: { type: "boolean", default: false },
			repeat: { type: "string", default: "3" },
			nodes: { type: "string", default: "64" },
			operations: { type: "string", default: "10000" },
			only: { type: "string", multiple: true, default: [] },
		},
	});
	const { help, json, only } = values;
	const unknown = only.find((name) => !names.includes(name));
	if (unknown !== undefined) {
		throw new Error(`there is no measurement called ${unknown}: ${names.join(", ")}`);
	}
	const count = (name: "repeat" | "nodes" | "operations", least: number): number => {
		const value = Number(values[name]);
		if (!Number.isInteger(value) || value < least) {
			throw new Error(`--${name} takes an integer from ${least}, not ${values[name]}`);
		}
		return value;
	};
	return {
		help,
		json,
		only,
		repeat: count("repeat", 1),
		nodes: count("nodes", 2),
		operations: count("operations", 1),
	};
}

export function help(measurements: readonly Measurement[]): string {
	return `Measures the libraries on this machine.

  npm run bench -- [options]

  --repeat N       runs of each measurement; the figures are medians (3)
  --nodes N        nodes of the ring (64)
  --operations N   lookups, requests or messages in each run (10000)
  --only NAME      measure this alone; may be given several times: ${measurements
		.map(({ name }) => name)
		.join(", ")}
  --json           the last line of stdout is one JSON object
  --help           this text
`;
}
