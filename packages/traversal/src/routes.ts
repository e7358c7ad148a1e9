import { parseIpv4 } from "./ipv4.ts";
import type { DefaultRoute } from "./ports.ts";

/** How much of a table is read. */
const LINES = 4_096;

const linesOf = (table: string): readonly string[] => table.split(/\r?\n/, LINES);

const byMetric = (
	routes: readonly (DefaultRoute & { readonly metric: number })[],
): readonly DefaultRoute[] =>
	routes
		.toSorted((one, other) => one.metric - other.metric)
		.map(({ gateway, interface: name }) => ({ gateway, interface: name }));

/** Flags of Linux's routes: it is up, it has a gateway. */
const UP = 1;
const GATEWAY = 2;

/**
 * Linux, `/proc/net/route`: addresses are hexadecimal in the byte order of the machine, which is little-endian
 * wherever Node runs but on s390x.
 */
export function parseProcNetRoute(table: string, littleEndian = true): readonly DefaultRoute[] {
	const routes = linesOf(table).flatMap((line) => {
		const [name = "", destination, gateway = "", flags = "", , , metric = "", mask] = line
			.trim()
			.split(/\s+/);
		if (destination !== "00000000" || mask !== "00000000" || !/^[\dA-F]{8}$/i.test(gateway))
			return [];
		const wanted = UP | GATEWAY;
		if ((Number.parseInt(flags, 16) & wanted) !== wanted) return [];
		const bytes = gateway.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
		const address = (littleEndian ? bytes.toReversed() : bytes).join(".");
		return [{ gateway: address, interface: name, metric: Number(metric) }];
	});
	return byMetric(routes);
}

/** macOS and the BSDs, `netstat -rn -f inet`: the table is in the order of preference. */
export function parseNetstat(table: string): readonly DefaultRoute[] {
	return linesOf(table).flatMap((line) => {
		const [destination = "", gateway = "", flags = "", ...rest] = line.trim().split(/\s+/);
		// A gateway that is an interface (`link#12`) is a tunnel's: there is no router to ask.
		if (!["default", "0.0.0.0", "0/0"].includes(destination) || parseIpv4(gateway) === undefined)
			return [];
		if (!/^\w*U\w*$/.test(flags) || !flags.includes("G")) return [];
		const name = rest.find((word) => /^[a-z]+\d+$/i.test(word)) ?? "";
		return [{ gateway, interface: name }];
	});
}

/** macOS, `route -n get default`: the route that is taken. */
export function parseRouteGet(answer: string): readonly DefaultRoute[] {
	const field = (name: string): string =>
		new RegExp(`^\\s*${name}:\\s*(\\S+)\\s*$`, "m").exec(answer)?.[1] ?? "";
	const gateway = field("gateway");
	return parseIpv4(gateway) === undefined ? [] : [{ gateway, interface: field("interface") }];
}

/**
 * Windows, `route print -4 0.0.0.0`: destination, mask, gateway, the interface's address, metric. Headings are in the
 * user's language, and so is "On-link", so only the numbers count.
 */
export function parseRoutePrint(table: string): readonly DefaultRoute[] {
	const routes = linesOf(table).flatMap((line) => {
		const [destination, mask, gateway = "", address = "", metric = ""] = line.trim().split(/\s+/);
		if (destination !== "0.0.0.0" || mask !== "0.0.0.0" || parseIpv4(gateway) === undefined)
			return [];
		// Persistent routes are listed without an interface: they are above, too, when they are in use.
		if (parseIpv4(address) === undefined || !/^\d{1,9}$/.test(metric)) return [];
		return [{ gateway, interface: address, metric: Number(metric) }];
	});
	return byMetric(routes);
}
