// A process of its own, with a heap that nothing else has used: makes a ring and says what it takes.
// Started by measurements/memory.ts with --expose-gc.
import { closeAll, ringAtRest } from "./ring.ts";

/** What {@link process.send} tells. */
export interface Taken {
	/** Objects and buffers, in bytes. */
	readonly used: number;
	/** What the operating system has given the process, in bytes. */
	readonly resident: number;
	/** Links, counted at both of their ends. */
	readonly links: number;
}

/** What is in use once all rubbish is gone. */
function usage(): { used: number; resident: number } {
	globalThis.gc?.();
	const { heapUsed, external, rss } = process.memoryUsage();
	return { used: heapUsed + external, resident: rss };
}

process.on("disconnect", () => process.exit());
const before = usage();
const nodes = await ringAtRest(Number(process.argv[2]));
const after = usage();
const taken: Taken = {
	used: after.used - before.used,
	resident: after.resident - before.resident,
	links: nodes.reduce((sum, { peers }) => sum + peers.length, 0),
};
process.send?.(taken);
await closeAll(nodes);
process.disconnect();
