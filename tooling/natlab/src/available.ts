import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";

/** Programs, and the Debian packages that have them. */
const PROGRAMS: Readonly<Record<string, string>> = {
	ip: "iproute2",
	ss: "iproute2",
	nft: "nftables",
	miniupnpd: "miniupnpd-nftables",
	upnpc: "miniupnpc",
	natpmpc: "natpmpc",
};

/** A bit of CapEff: it may make namespaces. */
const CAP_SYS_ADMIN = 21n;

const mayMakeNamespaces = (): boolean => {
	try {
		const status = readFileSync("/proc/self/status", "utf8");
		const bits = BigInt(`0x${/^CapEff:\s*([\da-f]+)$/m.exec(status)?.[1] ?? "0"}`);
		return ((bits >> CAP_SYS_ADMIN) & 1n) === 1n;
	} catch {
		return false;
	}
};

const isThere = (program: string): boolean =>
	[...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"].some((folder) => {
		try {
			accessSync(join(folder, program), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});

/**
 * Why there can be no lab on this machine; undefined when there can. Under CI there must be: then, what is missing
 * fails the tests instead of skipping them.
 */
export function whyNoLab(): string | undefined {
	if (process.env["CI"] === "true") return undefined;
	if (process.platform !== "linux") return "network namespaces are Linux's";
	if (process.getuid?.() !== 0 || !mayMakeNamespaces()) return "network namespaces want root";
	const missing = Object.keys(PROGRAMS).filter((program) => !isThere(program));
	if (missing.length === 0) return undefined;
	const packages = new Set(missing.map((program) => PROGRAMS[program]));
	return `${missing.join(", ")} missing: apt-get install --no-install-recommends ${[...packages].join(" ")}`;
}
