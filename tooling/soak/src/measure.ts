import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What the process holds at one moment. */
export interface Sample {
	/** Seconds since the beginning. */
	readonly at: number;
	readonly sockets: number;
	readonly listeners: number;
	readonly timers: number;
	/** File descriptors that are open; undefined where the system does not list them. */
	readonly files: number | undefined;
	/** Bytes of the heap that are in use, after collection. */
	readonly heap: number;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export function measure(at: number): Sample {
	// The first collection ends what the second one finds dead.
	collect();
	collect();
	return { at, ...handles(), heap: process.memoryUsage().heapUsed };
}

/** The handles that keep the process alive. */
export function handles(): Omit<Sample, "at" | "heap"> {
	const kinds = process.getActiveResourcesInfo();
	const count = (kind: string): number => kinds.filter((other) => other === kind).length;
	return {
		sockets: count("TCPSocketWrap") + count("TCPConnectWrap"),
		listeners: count("TCPServerWrap"),
		timers: count("Timeout"),
		files: openFiles(),
	};
}

function openFiles(): number | undefined {
	try {
		return readdirSync("/proc/self/fd").length;
	} catch {
		return undefined;
	}
}

/** The slope of the line through these points that fits best. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
	const mean = (values: readonly number[]): number =>
		values.reduce((sum, value) => sum + value, 0) / values.length;
	const [x, y] = [mean(points.map(([value]) => value)), mean(points.map(([, value]) => value))];
	const spread = points.reduce((sum, [value]) => sum + (value - x) ** 2, 0);
	const common = points.reduce((sum, [one, other]) => sum + (one - x) * (other - y), 0);
	return spread === 0 ? 0 : common / spread;
}
