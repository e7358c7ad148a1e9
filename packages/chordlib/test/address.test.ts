import { isIP } from "node:net";

import fc from "fast-check";
import { expect, test } from "vitest";

import { canonicalAddress, ipBytes, ipText, isPort, plainIp, scopeOf } from "../src/address.ts";
import { formatAddress } from "../src/index.ts";
import { toHex } from "./bytes.ts";
import { cases } from "./seeds.ts";

// RFC 5952, sections 2 and 4; RFC 4291, section 2.2.
const CANONICAL = [
	["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
	["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
	["2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
	["2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"],
	["2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"],
	["2001:db8:0:0:1::1", "2001:db8::1:0:0:1"],
	["2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"],
	["2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
	["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
	["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
	["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
	["0:0:0:0:0:0:0:0", "::"],
	["::1", "::1"],
	["1::", "1::"],
	["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
	["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
	["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
	["::FFFF:c000:201", "::ffff:192.0.2.1"],
	["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
	["192.0.2.1", "192.0.2.1"],
	["0.0.0.0", "0.0.0.0"],
	["255.255.255.255", "255.255.255.255"],
] as const;

test.each(CANONICAL)("%s is written %s", (text, canonical) => {
	expect(canonicalAddress({ host: text, port: 1 }).host).toBe(canonical);
});

const HOSTILE = [
	"",
	":",
	"::",
	":::",
	"1::2::3",
	"1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7:8::",
	"::1:2:3:4:5:6:7:8",
	"12345::",
	"g::",
	":1",
	"1:",
	":1:2:3:4:5:6:7",
	"fe80::1%eth0",
	"[::1]",
	"::1 ",
	" ::1",
	"::1\n",
	"::1.2.3",
	"::1.2.3.4.5",
	"::256.1.1.1",
	"1.2.3.4::",
	"::1.2.3.4:5",
	"1.2.3",
	"1.2.3.4.5",
	"1.2.3.256",
	"01.2.3.4",
	"1.2.3.04",
	"1.2.3.-4",
	"1.2.3.4 ",
	"1.2.3.4\n",
	"1.2..3",
	"1.2.3.0x4",
	"1e1.2.3.4",
	"１.2.3.4",
	"localhost",
	"x".repeat(100_000),
	":".repeat(100_000),
	"0:".repeat(50_000),
	"null",
] as const;

test("no text but a literal IP address is one, just as Node has it", () => {
	const taken = HOSTILE.filter((text) => ipBytes(text) !== undefined);
	expect(taken).toEqual(HOSTILE.filter((text) => isIP(text) !== 0 && !text.includes("%")));
	expect(taken).toEqual(["::"]);
});

test("whatever is text is read as Node reads it, and never fails", () => {
	const digit = fc.constantFrom(...Array.from("0123456789abcdefFG:::...% "));
	fc.assert(
		fc.property(fc.string({ unit: digit, maxLength: 48 }), (text) => {
			expect(ipBytes(text) !== undefined).toBe(isIP(text) !== 0 && !text.includes("%"));
		}),
		cases(5_000),
	);
});

test("any 4 or 16 bytes have one text, which stands for these bytes and no others", () => {
	const sizes = fc
		.constantFrom(4, 16)
		.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
	const sparse = fc
		.array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
		.map((bytes) => Uint8Array.from(bytes));
	fc.assert(
		fc.property(fc.oneof(sizes, sparse), (bytes) => {
			const text = ipText(bytes);
			expect(isIP(text)).toBe(bytes.length === 4 ? 4 : 6);
			expect(toHex(ipBytes(text) ?? new Uint8Array())).toBe(toHex(bytes));
			expect(text.includes("::")).toBe(
				/(^|:)0(:0)+(:|$)/.test(longForm(bytes)) || text.startsWith("::ffff:"),
			);
		}),
		cases(2_000),
	);
});

function longForm(bytes: Uint8Array): string {
	if (bytes.length === 4) return "";
	return Array.from({ length: 8 }, (_, i) =>
		(bytes[i * 2]! * 256 + bytes[i * 2 + 1]!).toString(16),
	).join(":");
}

test.each([1, 80, 65_535])("%j is a port", (port) => {
	expect(isPort(port)).toBe(true);
});

test.each([0, -1, 65_536, 1.5, NaN, Infinity, "80", null, undefined, 80n])(
	"%s is no port",
	(port) => {
		expect(isPort(port)).toBe(false);
		expect(() => canonicalAddress({ host: "192.0.2.1", port: port as number })).toThrow(
			expect.objectContaining({ code: "INVALID_ARGUMENT" }),
		);
	},
);

test.each([undefined, null, 5, "", "localhost", "::1%lo"])(
	"%s is no host of an address",
	(host) => {
		expect(() => canonicalAddress({ host: host as string, port: 1 })).toThrow(
			expect.objectContaining({ code: "INVALID_ARGUMENT" }),
		);
	},
);

test("an IPv6 address is written in brackets before its port", () => {
	expect(formatAddress({ host: "2001:db8::1", port: 7000 })).toBe("[2001:db8::1]:7000");
	expect(formatAddress({ host: "192.0.2.1", port: 7000 })).toBe("192.0.2.1:7000");
	expect(formatAddress({ host: "localhost", port: 7000 })).toBe("localhost:7000");
});

test("an address is copied", () => {
	const given = { host: "192.0.2.1", port: 7000 };
	const canonical = canonicalAddress(given);
	given.port = 1;
	expect(canonical).toEqual({ host: "192.0.2.1", port: 7000 });
});

test.each([
	["127.0.0.1", "loopback"],
	["127.255.255.255", "loopback"],
	["::1", "loopback"],
	["::ffff:127.0.0.1", "loopback"],
	["10.0.0.1", "private"],
	["172.15.255.255", "public"],
	["172.16.0.0", "private"],
	["172.31.255.255", "private"],
	["172.32.0.0", "public"],
	["192.167.255.255", "public"],
	["192.168.0.1", "private"],
	["169.254.1.1", "private"],
	["100.63.255.255", "public"],
	["100.64.0.0", "private"],
	["100.127.255.255", "private"],
	["100.128.0.0", "public"],
	["fe80::1", "private"],
	["febf::1", "private"],
	["fec0::1", "public"],
	["fc00::1", "private"],
	["fdff::1", "private"],
	["fe00::1", "public"],
	["::ffff:10.0.0.1", "private"],
	["::ffff:8.8.8.8", "public"],
	["8.8.8.8", "public"],
	["2001:db8::1", "public"],
	["::2", "public"],
	["0.0.0.0", "none"],
	["0.1.2.3", "none"],
	["::", "none"],
	["::ffff:0.0.0.0", "none"],
	["224.0.0.1", "none"],
	["255.255.255.255", "none"],
	["ff02::1", "none"],
	["localhost", "none"],
	["", "none"],
])("the scope of %j is %s", (ip, scope) => {
	expect(scopeOf(ip)).toBe(scope);
});

test("an IPv4 address that is mapped into IPv6 is itself; others stay what they are", () => {
	expect(["::ffff:192.0.2.1", "192.0.2.1", "::ffff:1:2", "::1", "x"].map(plainIp)).toEqual([
		"192.0.2.1",
		"192.0.2.1",
		"::ffff:1:2",
		"::1",
		"x",
	]);
});
