import type { Measurement } from "../measurement.ts";
import type { MemoryKind, Taken, Usage } from "../memory-program.ts";
import { told } from "../program.ts";

/** Links, and TLS connections, that are counted. */
const LINKS = 400;

/** The heap can be swept at any time; its part for new objects is small, so that it does not grow meanwhile. */
const SETTINGS = ["--expose-gc", "--max-semi-space-size=1"];

function measured(kind: MemoryKind, count: number): Promise<Taken> {
	return told("memory-program.js", [kind, String(count)], SETTINGS);
}

/** What came to be in use from one moment to the next, of each of `count`, in kilobytes. */
function each({ usages }: Taken, moment: number, count: number): Usage {
	const [before, after] = usages.slice(moment);
	if (before === undefined || after === undefined) throw new Error("there is no such moment");
	return {
		used: (after.used - before.used) / count / 1e3,
		resident: (after.resident - before.resident) / count / 1e3,
	};
}

/** What links and nodes take. */
export const memory: Measurement = {
	name: "memory",
	about: `What a link takes, both ends of it, beside what a TLS connection with certificates of both ends does: the second ${LINKS} that are opened, a few at a time, and idle, in processes that do nothing else, after the first have had those take what is taken once. What a node alone takes, and what a node of a ring at rest takes without its links. Objects are JavaScript's, with its buffers; resident is all that the operating system has given the process.`,
	once: true,
	async run({ nodes, operations }) {
		// So few operations are a trial of the program.
		const count = operations < 1_000 ? 40 : LINKS;
		const tls = each(await measured("tls", count), 0, count);
		const linked = await measured("links", count);
		const node = each(linked, 0, count);
		const link = each(linked, 1, count);
		const ring = await measured("ring", nodes);
		const inRing = each(ring, 0, nodes).used - (ring.links / nodes) * link.used;
		return [
			{ name: "a link, objects", value: link.used, unit: "kB" },
			{ name: "a link, resident", value: link.resident, unit: "kB", aim: { most: 25 } },
			{ name: "a TLS connection, objects", value: tls.used, unit: "kB" },
			{ name: "a TLS connection, resident", value: tls.resident, unit: "kB" },
			{
				name: "a link / a TLS connection",
				value: link.resident / tls.resident,
				unit: "",
				aim: { most: 0.33 },
			},
			{ name: "a node alone, resident", value: node.resident, unit: "kB", aim: { most: 150 } },
			{ name: "a node of the ring, objects", value: inRing, unit: "kB", aim: { most: 150 } },
			{ name: "links, a node", value: (2 * ring.links) / nodes, unit: "" },
		];
	},
};
