import { type NoticeType, defineNotice, rest } from "@cicada/chordlib";

import type { Figure } from "./measurement.ts";

/** Operations under way at once, where throughput is measured. */
export const CONCURRENCY = 64;

/** Bytes of each request and message. */
export const PAYLOAD = 64;

/** What is sent where nobody answers. */
export const parcel: NoticeType<Uint8Array> = defineNotice("cicada/bench/1/parcel", rest);

/** Does something many times, so many at once; gives how often a second. */
export async function perSecond(
	operations: number,
	concurrency: number,
	once: () => Promise<unknown>,
): Promise<number> {
	let left = operations;
	const worker = async (): Promise<void> => {
		while (left-- > 0) await once();
	};
	const started = performance.now();
	await Promise.all(Array.from({ length: concurrency }, worker));
	return operations / ((performance.now() - started) / 1_000);
}

/** Rates a second, one at a time and many at once, each beside what a plain socket does in the same run. */
export function againstFloor(
	one: number,
	oneFloor: number,
	many: number,
	manyFloor: number,
): readonly Figure[] {
	const at = `${CONCURRENCY} at once`;
	return [
		{ name: "one at a time", value: one, unit: "/s" },
		{ name: "one at a time, floor", value: oneFloor, unit: "/s" },
		{ name: "one at a time, of the floor", value: (100 * one) / oneFloor, unit: "%" },
		{ name: at, value: many, unit: "/s" },
		{ name: `${at}, floor`, value: manyFloor, unit: "/s" },
		{ name: `${at}, of the floor`, value: (100 * many) / manyFloor, unit: "%" },
	];
}
