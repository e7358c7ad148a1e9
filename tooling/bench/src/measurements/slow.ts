import { fork } from "node:child_process";
import { once } from "node:events";

import { type LocalNode, bytes, defineRequest } from "@cicada/chordlib";

import { PAYLOAD } from "../load.ts";
import type { Measurement } from "../measurement.ts";
import { closeAll, listen } from "../ring.ts";
import { quantile } from "../statistics.ts";

const echo = defineRequest("cicada/bench/1/answered", {
	request: bytes(PAYLOAD),
	response: bytes(PAYLOAD),
});

/** Connections that say a byte a second. */
const SLOW = 1_000;

/** Links in all, slow ones included, and how long those may take, in milliseconds: more than it takes to measure. */
const LIMITS = { links: 2 * SLOW, pendingLinks: SLOW, handshakeTimeout: 60_000 };

/** How long so many requests take, one after the other: milliseconds of each. */
async function requests(asker: LocalNode, answerer: LocalNode, count: number): Promise<number[]> {
	const value = new Uint8Array(PAYLOAD);
	const times: number[] = [];
	for (let asked = 0; asked < count; asked++) {
		const started = performance.now();
		await asker.request(answerer, echo, value);
		times.push(performance.now() - started);
	}
	return times;
}

/** What who is slow costs the others. */
export const slow: Measurement = {
	name: "slow",
	about: `Requests of ${PAYLOAD} bytes over one link, one after the other, both ends in this process: alone, and while ${SLOW} connections from another process each say a byte a second of what a dialler says. As shipped a node has 64 links that have not said who they are, for 5 seconds each: here it is told to have ${SLOW} for a minute. That loopback is exempt from the limits by address is as shipped.`,
	async run({ operations }) {
		// So few operations are a trial of the program.
		const count = operations < 1_000 ? 10 : SLOW;
		const answerer = await listen({ limits: LIMITS });
		const asker = await listen();
		answerer.handle(echo, (value) => value);
		await asker.link(answerer.address);
		try {
			// Code that has hardly run is slow.
			await requests(asker, answerer, operations);
			const alone = await requests(asker, answerer, operations);
			const program = new URL("../slow-program.js", import.meta.url);
			const child = fork(program, [String(answerer.address.port), String(count)]);
			await once(child, "message");
			const beside = await requests(asker, answerer, operations);
			child.send("open");
			const [open] = (await once(child, "message")) as [number];
			const ended = once(child, "exit");
			child.disconnect();
			await ended;
			const [before, after] = [quantile(alone, 0.99), quantile(beside, 0.99)];
			return [
				{ name: "p50 alone", value: quantile(alone, 0.5), unit: "ms" },
				{ name: "p50 beside them", value: quantile(beside, 0.5), unit: "ms" },
				{ name: "p99 alone", value: before, unit: "ms" },
				{ name: "p99 beside them", value: after, unit: "ms" },
				{ name: "p99 beside them / alone", value: after / before, unit: "", aim: { most: 2 } },
				{ name: "slow ones, open to the end", value: open, unit: "" },
			];
		} finally {
			await closeAll([asker, answerer]);
		}
	},
};
