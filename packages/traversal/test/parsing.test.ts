import { describe, expect, test } from "vitest";

import { evidenceOf, summarize, TraversalError } from "../src/errors.ts";
import { isHome, isPublic, parseIpv4 } from "../src/ipv4.ts";
import { portsFrom } from "../src/mapped-port.ts";
import { Epoch } from "../src/nat-pmp/epoch.ts";
import { system } from "../src/node/system.ts";
import { describe as nameOf, isLeftBehind } from "../src/owner.ts";
import { escapeXml, find, parseXml, textAt } from "../src/xml.ts";

describe("IPv4", () => {
	test.each(["1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.-4", "0x1.2.3.4", "", "::1"])(
		"%j is no address",
		(text) => {
			expect(parseIpv4(text)).toBeUndefined();
			expect(isHome(text)).toBe(false);
			expect(isPublic(text)).toBe(false);
		},
	);

	test.each([
		["10.0.0.0", "10.255.255.255"],
		["172.16.0.0", "172.31.255.255"],
		["192.168.0.0", "192.168.255.255"],
		["169.254.0.0", "169.254.255.255"],
	])("%s to %s is at home", (first, last) => {
		for (const address of [first, last]) {
			expect(isHome(address)).toBe(true);
			expect(isPublic(address)).toBe(false);
		}
	});

	test.each([
		"0.0.0.0",
		"100.64.0.0",
		"100.127.255.255",
		"127.0.0.1",
		"192.0.0.2",
		"224.0.0.1",
		"255.255.255.255",
	])("%s is neither at home nor public", (address) => {
		expect(isHome(address)).toBe(false);
		expect(isPublic(address)).toBe(false);
	});

	test.each([
		"9.255.255.255",
		"11.0.0.0",
		"100.63.255.255",
		"100.128.0.0",
		"172.15.0.1",
		"172.32.0.0",
		"223.255.255.255",
	])("%s is public", (address) => {
		expect(isPublic(address)).toBe(true);
	});
});

describe("XML", () => {
	const nested = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);

	test("names without prefixes, text with entities, CDATA, comments", () => {
		const root = parseXml(
			`\uFEFF<?xml version="1.0"?><!-- hi --><s:a x="1" s:y='2'> <b>1 &lt; 2 &#38; &#x26;</b><b/><c><![CDATA[<&]]></c></s:a>\n`,
		);
		expect(root.name).toBe("a");
		expect(textAt(root, "b")).toBe("1 < 2 & &");
		expect(root.children).toHaveLength(3);
		expect(textAt(root, "c")).toBe("<&");
		expect(textAt(root, "c", "d")).toBe("");
		expect(find(root, "x")).toBeUndefined();
	});

	test("16 elements deep, not 17", () => {
		expect(parseXml(nested(16)).name).toBe("a");
		expect(() => parseXml(nested(17))).toThrow("16");
	});

	test.each([
		"",
		"text",
		"<a>",
		"</a>",
		"<a></b>",
		"<s:a></a>",
		"<a/><b/>",
		"<a/>text",
		"<a b=c/>",
		"<a b='1/>",
		"<a",
		"<!-- ",
		"<![CDATA[ ",
		"<a><![CDATA[</a>",
		"<? ",
		"<!DOCTYPE a><a/>",
		`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`,
		"<a>&b;</a>",
		"<a>&toString;</a>",
		"<a>&amp</a>",
		"<a>& </a>",
		"<a>&#0;</a>",
		"<a>&#1114112;</a>",
		"<a>&#x110000;</a>",
		"<a>&#xg;</a>",
		"< a/>",
	])("%j is refused", (text) => {
		expect(() => parseXml(text)).toThrow(TraversalError);
	});

	test("declarations are refused as such", () => {
		expect(() => parseXml("<!DOCTYPE a><a/>")).toThrow("a declaration");
	});

	test("what is escaped comes back", () => {
		const text = `<&>"'`;
		expect(textAt(parseXml(`<a><b>${escapeXml(text)}</b></a>`), "b")).toBe(text);
	});

	test("64 KiB of anything take no time worth mentioning", () => {
		const started = performance.now();
		for (const piece of ["<", "&", "<a ", " ", "<a b='", "<!--", "a:", "</", "&#"]) {
			try {
				parseXml(`<a>${piece.repeat(65_536 / piece.length)}`);
			} catch {
				// As it should be.
			}
			try {
				parseXml(`<a ${piece.repeat(65_536 / piece.length)}>`);
			} catch {
				// As it should be.
			}
		}
		expect(performance.now() - started).toBeLessThan(2_000);
	});
});

describe("the epoch of a NAT-PMP router (RFC 6886, section 3.6)", () => {
	test("goes on as our clock does: its state is kept", () => {
		const epoch = new Epoch();
		expect(epoch.lost(1_000, 0)).toBe(false);
		expect(epoch.lost(1_060, 60_000)).toBe(false);
		expect(epoch.lost(1_060 + 53 - 2, 120_000)).toBe(false);
	});

	test("began anew: its state is lost", () => {
		const epoch = new Epoch();
		expect(epoch.lost(1_000, 0)).toBe(false);
		expect(epoch.lost(5, 60_000)).toBe(true);
		expect(epoch.lost(65, 120_000)).toBe(false);
	});

	test("lags by more than an eighth and two seconds: lost", () => {
		const epoch = new Epoch();
		epoch.lost(1_000, 0);
		expect(epoch.lost(1_000 + 700 - 3, 800_000)).toBe(true);
	});
});

describe("a mapping's name", () => {
	const owner = {
		host: "0123abcd",
		process: 7,
		run: "89abcdef",
		alive: (pid: number) => pid === 8,
	};

	test("is known again", () => {
		expect(nameOf(owner)).toBe("cicada 0123abcd 7 89abcdef");
	});

	test.each([
		["cicada 0123abcd 9 00000000", true],
		["cicada 0123abcd 7 00000000", true],
		["cicada 0123abcd 7 89abcdef", false],
		["cicada 0123abcd 8 00000000", false],
		["cicada 1123abcd 9 00000000", false],
		["cicada 0123abcd 9", false],
		["something else", false],
		["", false],
	])("%j: left behind? %j", (name, left) => {
		expect(isLeftBehind(owner, name)).toBe(left);
	});

	test("whether a process runs is asked of the system", () => {
		expect(system.owner.alive(process.pid)).toBe(true);
		expect(system.owner.alive(2 ** 30)).toBe(false);
	});
});

test("external ports go up, and on from 1024", () => {
	expect(portsFrom(7000, 3)).toEqual([7000, 7001, 7002]);
	expect(portsFrom(65_535, 3)).toEqual([65_535, 1024, 1025]);
});

test("the code that tells most wins, and everyone's answer is there", () => {
	const error = summarize([
		...evidenceOf(new TraversalError("NO_GATEWAY", "nobody"), "UPnP"),
		...evidenceOf(new TraversalError("DOUBLE_NAT", "private"), "NAT-PMP", "192.168.1.1"),
		...evidenceOf(new Error("broken"), "UPnP"),
		...evidenceOf("odd", "UPnP"),
	]);
	expect(error.code).toBe("DOUBLE_NAT");
	expect(error.message).toBe(
		"UPnP: nobody; NAT-PMP (192.168.1.1): private; UPnP: broken; UPnP: odd",
	);
	expect(summarize([]).code).toBe("NO_GATEWAY");
});
