import { fork } from "node:child_process";
import { once } from "node:events";

import type { Measurement } from "../measurement.ts";
import type { Taken } from "../memory-program.ts";

/** What a node of a ring takes. */
export const memory: Measurement = {
	name: "memory",
	about:
		"What each node of a ring at rest takes, its links included, in a process that does nothing else: JavaScript objects and buffers, and what the operating system has given the process.",
	async run({ nodes: size }) {
		const program = new URL("../memory-program.js", import.meta.url);
		const child = fork(program, [String(size)], { execArgv: ["--expose-gc"] });
		const ended = once(child, "exit");
		const told = once(child, "message") as Promise<[Taken]>;
		const [taken] = await Promise.race([
			told,
			ended.then(([code]) => {
				throw new Error(`the process whose memory is measured ended with ${String(code)}`);
			}),
		]);
		await ended;
		return [
			{ name: "objects and buffers, a node", value: taken.used / size / 1_024, unit: "KiB" },
			{ name: "resident, a node", value: taken.resident / size / 1_024, unit: "KiB" },
			{
				name: "resident, a link",
				value: (2 * taken.resident) / taken.links / 1_024,
				unit: "KiB",
				aim: { most: 25 },
			},
			{ name: "links, a node", value: taken.links / size, unit: "" },
		];
	},
};
