import type { Speed } from "../far.ts";
import type { Figure, Measurement } from "../measurement.ts";
import { Near, type NearKind } from "../near.ts";

/**
 * Messages of each size, for each operation: enough to take a few tenths of a second. And before they count, how many
 * times as many: what runs once for many messages is compiled only after very many.
 */
const SIZES = [
	{ size: 64, name: "64 B", share: 150, trials: 3 },
	{ size: 1_024, name: "1 KiB", share: 30, trials: 0.5 },
	// 64 KiB with what a frame carries besides.
	{ size: 65_536 - 256, name: "64 KiB", share: 3, trials: 0.2 },
] as const;
/** Where each has a write or an answer of its own, one for so many of the others. */
const SLOW_SHARE = 10;

/** What is measured, by its name: over what, in which way, and how many for one of these. */
const WAYS = {
	TCP: ["tcp", "alone", SLOW_SHARE],
	"TCP corked": ["tcp", "corked", 1],
	TLS: ["tls", "alone", 1],
	"TLS corked": ["tls", "corked", 1],
	"link in clear": ["clear", "told", 1],
	"link sealed": ["sealed", "told", 1],
	"routed, sealed": ["sealed", "routed", 1],
	send: ["send", "sent", SLOW_SHARE],
} as const satisfies Record<string, readonly [kind: NearKind, way: string, share: number]>;

type Way = keyof typeof WAYS;

/** How many messages go over one connection, to a process that takes them apart. */
export const throughput: Measurement = {
	name: "throughput",
	about:
		"Messages from one process to another over one connection: frames over node:net and over node:tls with certificates of both ends, each written by itself or 64 KiB at a time (corked); messages that a node tells another over their link, in clear and sealed, and that it routes; and send, sealed, 1,024 at once, each acknowledged. CPU is of both processes.",
	async run({ operations }) {
		const kinds = [...new Set(Object.values(WAYS).map(([kind]) => kind))];
		const opened = await Promise.all(
			kinds.map(async (kind) => [kind, await Near.open(kind)] as const),
		);
		const near = new Map<NearKind, Near>(opened);
		try {
			const figures: Figure[] = [];
			for (const { size, name, share, trials } of SIZES) {
				const speeds = {} as Record<Way, Speed>;
				for (const [measured, [kind, way, one]] of Object.entries(WAYS) as [
					Way,
					(typeof WAYS)[Way],
				][]) {
					const count = Math.max(1, Math.floor((operations * share) / one));
					const pour = async (messages: number): Promise<Speed> =>
						near.get(kind)!.pour({ way, size, count: messages });
					await pour(Math.ceil(trials * count));
					const speed = await pour(count);
					speeds[measured] = speed;
					figures.push({ name: `${name}, ${measured}`, value: speed.rate, unit: "/s" });
					figures.push({ name: `${name}, ${measured}, CPU`, value: speed.cpu, unit: "us" });
				}
				figures.push(...ratios(name, speeds));
			}
			return figures;
		} finally {
			await Promise.all([...near.values()].map((program) => program.close()));
		}
	},
};

function ratios(name: string, speeds: Record<Way, Speed>): Figure[] {
	const ratio = (way: Way, floor: Way, least?: number): Figure => ({
		name: `${name}, ${way} / ${floor}`,
		value: speeds[way].rate / speeds[floor].rate,
		unit: "",
		...(least !== undefined && { aim: { least } }),
	});
	const clear = { "64 B": 0.5, "64 KiB": 0.8 }[name];
	return [
		ratio("link in clear", "TCP corked", clear),
		ratio("link sealed", "TLS corked", 0.8),
		ratio("routed, sealed", "TLS corked"),
		ratio("send", "link sealed"),
		ratio("send", "TLS corked", name === "64 B" ? 0.05 : undefined),
	];
}
