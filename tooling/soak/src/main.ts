/**
 * Peers that come and go for an hour, and what is left of them. `--help` tells.
 *
 * @module
 */
import { type Sample, slope } from "./measure.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { Soak } from "./soak.ts";

const MIB = 1_048_576;
/** What the heap may rise by in an hour, in MiB. */
const MOST = 1;
/** The part of the time at the beginning in which what is kept for good comes to be: code, and all that has a limit. */
const WARM_UP = 1 / 4;

/** By how many MiB an hour the heap rises, once all is warm. */
function rise(samples: readonly Sample[]): number {
	const end = samples.at(-1)?.at ?? 0;
	const warm = samples.filter(({ at }) => at >= end * WARM_UP);
	return slope(warm.map(({ at, heap }) => [at / 3_600, heap / MIB]));
}

async function main(): Promise<void> {
	let options: Options | "help";
	try {
		options = readOptions(process.argv.slice(2));
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 2;
		return;
	}
	if (options === "help") {
		process.stdout.write(HELP);
		return;
	}
	const { heap, json, quiet } = options;
	const outcome = await new Soak(options, (text) => {
		if (!quiet) console.error(text);
	}).run();
	const { samples, ...counts } = outcome;
	const failures = [...outcome.failures];
	const rises = rise(samples);
	if (heap && rises >= MOST) failures.push(`the heap rises by ${rises.toFixed(2)} MiB an hour`);
	const [first, last] = [samples[0], samples.at(-1)];
	for (const failure of failures) console.log(failure);
	console.log(
		`${counts.came} peers came, ${counts.left} went, ${counts.sent} messages; the heap rises by ${rises.toFixed(2)} MiB an hour`,
	);
	if (json) {
		const ok = failures.length === 0;
		const told = { ok, ...counts, failures, measured: samples.length, first, last, rise: rises };
		console.log(JSON.stringify(told));
	}
	if (failures.length > 0) process.exitCode = 1;
}

await main();
