import type { Speed } from "../far.ts";
import type { Figure, Measurement } from "../measurement.ts";
import { type Pour, linkPipe, sendPipe, socketPipe } from "../pouring.ts";

/** Messages of each size, for each operation: enough to take half a second. */
const SIZES = [
	{ size: 64, name: "64 B", share: 150 },
	{ size: 1_024, name: "1 KiB", share: 30 },
	// 64 KiB with what a frame carries besides.
	{ size: 65_536 - 256, name: "64 KiB", share: 3 },
] as const;
/** Through `send`, one for so many of the others. */
const SEND_SHARE = 10;

type Way =
	| "TCP"
	| "TCP corked"
	| "TLS"
	| "TLS corked"
	| "link in clear"
	| "link sealed"
	| "routed, sealed"
	| "send";

/** How many messages go over one connection, to a process that takes them apart. */
export const throughput: Measurement = {
	name: "throughput",
	about:
		"Messages to another process over one connection: frames over node:net and over node:tls with certificates of both ends, each written by itself or 64 KiB at a time (corked); messages that a node tells another over their link, in clear and sealed, and that it routes; and send, sealed, 1,024 at once, each acknowledged. CPU is of both processes.",
	async run({ operations }) {
		const tcp = await socketPipe("tcp");
		const tls = await socketPipe("tls");
		const clear = await linkPipe("off");
		const sealed = await linkPipe("required");
		const send = await sendPipe();
		const ways: Record<Way, Pour> = {
			TCP: tcp.pour,
			"TCP corked": tcp.corked,
			TLS: tls.pour,
			"TLS corked": tls.corked,
			"link in clear": clear.pour,
			"link sealed": sealed.pour,
			"routed, sealed": sealed.routed,
			send: send.pour,
		};
		try {
			const figures: Figure[] = [];
			for (const { size, name, share } of SIZES) {
				const speeds = {} as Record<Way, Speed>;
				for (const [way, pour] of Object.entries(ways) as [Way, Pour][]) {
					const all = operations * share;
					const count = Math.max(1, Math.floor(way === "send" ? all / SEND_SHARE : all));
					await pour(size, Math.ceil(count / 5)); // The compiler has seen it.
					speeds[way] = await pour(size, count);
					figures.push({ name: `${name}, ${way}`, value: speeds[way].rate, unit: "/s" });
					figures.push({ name: `${name}, ${way}, CPU`, value: speeds[way].cpu, unit: "us" });
				}
				figures.push(...ratios(name, speeds));
			}
			return figures;
		} finally {
			await Promise.all([tcp, tls, clear, sealed, send].map((pipe) => pipe.close()));
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
