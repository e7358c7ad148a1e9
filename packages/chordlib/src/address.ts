import { ChordError } from "./errors.ts";

/** Where a node listens: a literal IP address (or, where a function says so, a host name) and a TCP port. */
export interface Address {
	/** A literal IP address or, where one may be given, a host name. */
	readonly host: string;
	/** A TCP port. */
	readonly port: number;
}

/** The address of who cannot be dialled: host `0.0.0.0`, port 0. */
export const NOWHERE: Address = { host: "0.0.0.0", port: 0 };

/** The 4 or 16 bytes of a literal IP address; `undefined` when `host` is none. Zone ids are not accepted. */
export function ipBytes(host: string): Uint8Array | undefined {
	return host.includes(":") ? ipv6Bytes(host) : ipv4Bytes(host);
}

const DOT = 46;
const ZERO = 48;

function ipv4Bytes(host: string): Uint8Array | undefined {
	const bytes = new Uint8Array(4);
	let filled = 0;
	/** Below zero before the first digit of a byte: none is missing, and none but zero itself begins with a zero. */
	let value = -1;
	for (let i = 0; i <= host.length; i++) {
		const code = i < host.length ? host.charCodeAt(i) : DOT;
		if (code === DOT) {
			if (value < 0 || filled === 4) return undefined;
			bytes[filled++] = value;
			value = -1;
			continue;
		}
		const digit = code - ZERO;
		if (digit < 0 || digit > 9 || value === 0) return undefined;
		value = value < 0 ? digit : value * 10 + digit;
		if (value > 255) return undefined;
	}
	return filled === 4 ? bytes : undefined;
}

function ipv6Bytes(host: string): Uint8Array | undefined {
	if (host.length > 45) return undefined;
	let text = host;
	const lastColon = text.lastIndexOf(":");
	if (text.includes(".")) {
		const tail = ipv4Bytes(text.slice(lastColon + 1));
		if (tail === undefined) return undefined;
		const [a = 0, b = 0, c = 0, d = 0] = tail;
		text = `${text.slice(0, lastColon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
	}
	const halves = text.split("::");
	if (halves.length > 2) return undefined;
	const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
	const missing = 8 - head.length - tail.length;
	if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
	const groups = [...head, ...Array<string>(missing).fill("0"), ...tail];
	const bytes = new Uint8Array(16);
	for (const [index, group] of groups.entries()) {
		if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
		const value = Number.parseInt(group, 16);
		bytes[index * 2] = value >> 8;
		bytes[index * 2 + 1] = value & 255;
	}
	return bytes;
}

/** The canonical text of an IP address's 4 or 16 bytes (IPv6 as in RFC 5952). */
export function ipText(bytes: Uint8Array): string {
	if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
	const groups = Array.from({ length: 8 }, (_, i) => bytes[i * 2]! * 256 + bytes[i * 2 + 1]!);
	if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
		return `::ffff:${bytes.subarray(12).join(".")}`;
	}
	const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
	const { start, length } = longestZeroRun(groups);
	if (length < 2) return hex(groups);
	return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
	let best = { start: 0, length: 0 };
	for (let start = 0; start < groups.length; start++) {
		let length = 0;
		while (groups[start + length] === 0) length++;
		if (length > best.length) best = { start, length };
	}
	return best;
}

/** A literal IP address in its canonical form (IPv6 as in RFC 5952); `undefined` for anything else. */
export function canonicalIp(host: string): string | undefined {
	const bytes = ipBytes(host);
	return bytes && ipText(bytes);
}

/** True for 1 to 65535. */
export function isPort(port: unknown): port is number {
	return Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
}

/** `"192.0.2.1:7000"`, `"[2001:db8::1]:7000"`, or a host name and a port. */
export function formatAddress(address: Address): string {
	return address.host.includes(":")
		? `[${address.host}]:${address.port}`
		: `${address.host}:${address.port}`;
}

/**
 * The address with its IP in canonical form, a copy.
 * @throws ChordError `INVALID_ARGUMENT` when the host is no literal IP address or the port is not in 1 to 65535.
 */
export function canonicalAddress(address: Address): Address {
	const { host, port }: { host?: unknown; port?: unknown } = address ?? {};
	const bytes = typeof host === "string" ? ipBytes(host) : undefined;
	if (bytes === undefined || !isPort(port)) {
		throw new ChordError(
			"INVALID_ARGUMENT",
			`${String(host)}, port ${String(port)}: not an IP address with a port from 1 to 65535`,
		);
	}
	return { host: ipText(bytes), port };
}

/** Same host, same port. Compares text: give it canonical addresses. */
export function sameAddress(a: Address, b: Address): boolean {
	return a.port === b.port && a.host === b.host;
}

/** The address itself of an IPv4 address that a socket for IPv6 shows as `::ffff:192.0.2.1`; others as they are. */
export function plainIp(ip: string): string {
	if (!ip.startsWith("::ffff:")) return ip;
	const mapped = ip.slice(7);
	return ipv4Bytes(mapped) === undefined ? ip : mapped;
}

/** The network of a literal IP address that one party is likely to have to itself: its /24, for IPv6 its /64. */
export function subnetOf(ip: string): string {
	const bytes = ipBytes(plainIp(ip)) ?? new Uint8Array(4);
	if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.0/24`;
	const network = new Uint8Array(16);
	network.set(bytes.subarray(0, 8));
	return `${ipText(network)}/64`;
}

/** How far an IP address reaches; `none` for what no single machine has: the unspecified address, multicast, broadcast. */
export type Scope = "loopback" | "private" | "public" | "none";

/**
 * The scope of a literal IP address: private are RFC 1918, link-local, shared (RFC 6598) and unique local (RFC 4193)
 * addresses. An IPv4 address that is mapped into IPv6 is what it is in IPv4.
 */
export function scopeOf(ip: string): Scope {
	const bytes = ipBytes(plainIp(ip));
	if (bytes === undefined) return "none";
	if (bytes.length === 4) return scopeOfIpv4(bytes);
	const [a = 0, b = 0] = bytes;
	const zeros = bytes.findIndex((byte) => byte !== 0);
	if (zeros === -1 || a === 0xff) return "none";
	if (zeros === 15 && bytes[15] === 1) return "loopback";
	return (a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80) ? "private" : "public";
}

function scopeOfIpv4([a = 0, b = 0]: Uint8Array): Scope {
	if (a === 0 || a >= 224) return "none";
	if (a === 127) return "loopback";
	const isPrivate =
		a === 10 ||
		(a === 172 && b >= 16 && b < 32) ||
		(a === 192 && b === 168) ||
		(a === 169 && b === 254) ||
		(a === 100 && b >= 64 && b < 128);
	return isPrivate ? "private" : "public";
}
