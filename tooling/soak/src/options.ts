import { parseArgs } from "node:util";

export interface Options {
	/** How long, in minutes. */
	readonly minutes: number;
	/** Peers at any time; of them, those that stay throughout. */
	readonly peers: number;
	readonly steady: number;
	/** Milliseconds between two that come or go, and seconds between two measurements. */
	readonly every: number;
	readonly sample: number;
	/** Whether the heap has to stay as it is, too. */
	readonly heap: boolean;
	readonly json: boolean;
	readonly quiet: boolean;
}

export const HELP: string = `Usage: npm run soak -- [options]

Peers on sockets, in one process: some stay, the others come and go, and all send, ask and broadcast. Now and
then it waits until the ring is whole, and counts: sockets have to be just those of the ring. The heap, after
collection, may rise by less than 1 MiB an hour, by linear fit.

  --minutes M       how long (60)
  --peers N         at any time, 3 to 20 (10)
  --steady N        of them, those that stay throughout (4)
  --every MS        between two that come or go (150)
  --sample SECONDS  between two measurements, and ten more of calm for the heap's sake (50; with --handles-only 10)
  --handles-only    the heap is shown, and may do as it likes
  --json            the last line of stdout is one JSON object
  --quiet           no progress
  --help            this

Exit codes: 0 nothing is left of those that went; 1 something is, and is named; 2 wrong options.
`;

function number(name: string, given: string, least: number, most: number): number {
	const value = Number(given);
	if (value >= least && value <= most) return value;
	throw new Error(`--${name} takes a number from ${least} to ${most}, not "${given}"`);
}

/** @throws Error for options that make no sense, in a sentence. */
export function readOptions(args: readonly string[]): Options | "help" {
	const { values } = parseArgs({
		args: [...args],
		options: {
			minutes: { type: "string", default: "60" },
			peers: { type: "string", default: "10" },
			steady: { type: "string", default: "4" },
			every: { type: "string", default: "150" },
			sample: { type: "string" },
			"handles-only": { type: "boolean", default: false },
			json: { type: "boolean", default: false },
			quiet: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) return "help";
	const peers = number("peers", values.peers, 3, 20);
	return {
		minutes: number("minutes", values.minutes, 0.05, 1_440),
		peers,
		steady: number("steady", values.steady, 1, peers - 1),
		every: number("every", values.every, 10, 60_000),
		sample: number("sample", values.sample ?? (values["handles-only"] ? "10" : "50"), 1, 3_600),
		heap: !values["handles-only"],
		json: values.json,
		quiet: values.quiet,
	};
}
