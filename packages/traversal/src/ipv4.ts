/** The four numbers of a literal IPv4 address in its usual form: no leading zeros, no short forms. */
export function parseIpv4(text: string): readonly number[] | undefined {
	const parts = text.split(".");
	if (parts.length !== 4) return undefined;
	const bytes = parts.map((part) => (/^(?:0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
	return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

type Range = readonly [address: readonly number[], bits: number];

const inside = (address: readonly number[], [start, bits]: Range): boolean => {
	const value = (bytes: readonly number[]): number =>
		bytes.reduce((sum, byte) => sum * 256 + byte, 0);
	const size = 2 ** (32 - bits);
	return Math.floor(value(address) / size) === Math.floor(value(start) / size);
};

/** Networks at home: RFC 1918, and addresses that machines give themselves (RFC 3927). */
const HOME: readonly Range[] = [
	[[10, 0, 0, 0], 8],
	[[172, 16, 0, 0], 12],
	[[192, 168, 0, 0], 16],
	[[169, 254, 0, 0], 16],
];

/** What no machine on the internet has for its address, of the registry of RFC 6890. */
const NOT_PUBLIC: readonly Range[] = [
	...HOME,
	[[0, 0, 0, 0], 8],
	[[100, 64, 0, 0], 10], // shared between an internet provider's customers: RFC 6598
	[[127, 0, 0, 0], 8],
	[[192, 0, 0, 0], 24], // DS-Lite: RFC 6333
	[[198, 18, 0, 0], 15],
	[[224, 0, 0, 0], 3], // multicast, reserved, broadcast
];

/** Whether an address can be that of a router as its own network sees it. */
export function isHome(address: string): boolean {
	const bytes = parseIpv4(address);
	return bytes !== undefined && HOME.some((range) => inside(bytes, range));
}

/** Whether an address can be reached from the internet. */
export function isPublic(address: string): boolean {
	const bytes = parseIpv4(address);
	return bytes !== undefined && !NOT_PUBLIC.some((range) => inside(bytes, range));
}
