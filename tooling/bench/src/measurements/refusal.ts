import type { LocalNodeOptions } from "@cicada/chordlib";

import { Guard } from "../guard.ts";
import { perSecond } from "../load.ts";
import type { Measurement } from "../measurement.ts";
import { firstWords, visit } from "../stranger.ts";

/** Strangers who come at once: no node has more than 64 links that have not said who they are. */
const AT_ONCE = 32;

/** So many times as many have come before it is measured. */
const WARM = 4;

/** What one IP address may have a second: `inboundPerIp` of the limits as shipped. */
const LIMIT = 5;

/** What a node with some options makes of so many strangers: how many a second, and microseconds for each. */
async function besiege(
	options: LocalNodeOptions,
	words: Uint8Array,
	count: number,
): Promise<{ readonly rate: number; readonly cpu: number }> {
	const guard = await Guard.open(options);
	try {
		const come = (times: number): Promise<number> =>
			perSecond(times, AT_ONCE, () => visit(guard.port, words));
		// Code that has hardly run is slow.
		await come(WARM * count);
		const before = await guard.cpu();
		const rate = await come(count);
		return { rate, cpu: ((await guard.cpu()) - before) / count };
	} finally {
		await guard.close();
	}
}

const secret = (letter: string): LocalNodeOptions => ({
	network: { id: "bench", secret: `${letter} passphrase` },
});

/** What strangers cost. */
export const refusal: Measurement = {
	name: "refusal",
	about: `Strangers from one other process, ${AT_ONCE} at once: each connects, says hello and a first message, and leaves when it is answered. To a node with a secret the message is under another one; to one without it is as it has to be, and has the node make a key and agree on two; where the limits by address hold (limitLocal), all but the first are turned away. The processor's time is the node's, connection and all.`,
	once: true,
	async run({ operations }) {
		const count = Math.ceil(operations / 10);
		const open: LocalNodeOptions = { network: { id: "bench" } };
		const honest = await firstWords(open);
		const refused = await besiege(secret("one"), await firstWords(secret("another")), count);
		const taken = await besiege(open, honest, count);
		const limited = await besiege({ ...open, limitLocal: true }, honest, count);
		return [
			{ name: "refused for want of the secret", value: refused.rate, unit: "/s" },
			{ name: "a refusal", value: refused.cpu, unit: "µs" },
			{ name: "an honest first message", value: taken.cpu, unit: "µs" },
			{ name: "a refusal / that", value: refused.cpu / taken.cpu, unit: "", aim: { most: 1 } },
			{ name: "turned away by the limits", value: limited.cpu, unit: "µs" },
			{
				name: `of a core, for ${LIMIT} first messages a second`,
				value: (100 * LIMIT * taken.cpu) / 1e6,
				unit: "%",
				aim: { most: 1 },
			},
		];
	},
};
