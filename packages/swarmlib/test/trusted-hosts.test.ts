import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Hash, formatAddress } from "@cicada/chordlib";
import { describe, expect, test } from "vitest";

import type { SwarmError } from "../src/index.ts";
import { SwarmPeer, type TrustedHost, loadTrustedHosts, parseTrustedHosts } from "../src/index.ts";
import { Forger } from "./forger.ts";
import { Swarm, codeOf, drain, sparse } from "./swarm.ts";

const address = "192.0.2.7:7000";
const hash = new Hash({ value: address });
const keys = { outbound_key: "there", inbound_key: "here" };

function listOf(...entries: readonly unknown[]): string {
	return JSON.stringify({ trusted_hosts: entries });
}

describe("a list of trusted hosts", () => {
	test("names hosts by id, in hexadecimal or decimal digits, by address, or by both", () => {
		const entries = [
			{ peer: "ab".repeat(32), ...keys },
			{ peer: hash.toBigInt().toString(), address, ...keys },
			{ address: "[2001:db8::7]:7000", ...keys },
			{ address: "name.example:7000", ...keys },
		];
		expect(parseTrustedHosts(listOf(...entries))).toEqual(entries);
	});

	test("is taken with spaces around names and values, and with empty entries", () => {
		const spaced = {
			" peer ": "",
			"address\t": ` ${address} `,
			outbound_key: " there ",
			inbound_key: "here\n",
		};
		const empty = [{}, null, "", { peer: " ", address: "", outbound_key: "", inbound_key: null }];
		expect(parseTrustedHosts(listOf(...empty, spaced, ...empty))).toEqual([{ address, ...keys }]);
		expect(parseTrustedHosts(' {" trusted_hosts ": []} ')).toEqual([]);
	});

	test.each<readonly [text: string, why: RegExp]>([
		["", /not JSON/],
		["[]", /the file is not an object/],
		["{}", /no trusted_hosts/],
		['{"trusted_hosts": {}}', /trusted_hosts is not a list/],
		['{"trusted_hosts": [], "more": 1}', /"more" is no field/],
		[listOf(1), /entry 1 is not an object/],
		[listOf({}, []), /entry 2 is not an object/],
		[listOf({ ...keys }), /entry 1: it has neither peer nor address/],
		[listOf({ address, outbound_key: "x" }), /entry 1: it has no inbound_key/],
		[listOf({ address, inbound_key: "x" }), /entry 1: it has no outbound_key/],
		[listOf({ address, ...keys, inbound_key: 5 }), /entry 1: inbound_key is not a string/],
		[
			listOf({ address, ...keys, inbound_key: "x".repeat(1_025) }),
			/entry 1: inbound_key is longer/,
		],
		[listOf({ address, ...keys, key: "x" }), /entry 1: "key" is no field/],
		[listOf({ address, " address": address, ...keys }), /entry 1: it has address twice/],
		[listOf({}, { peer: "12x", ...keys }), /entry 2: peer is not an id/],
		[listOf({ peer: 12, ...keys }), /entry 1: peer is not a string/],
		[listOf({ address: "192.0.2.7", ...keys }), /entry 1: address is not a host and a port/],
		[listOf({ address: "192.0.2.7:0", ...keys }), /entry 1: address is not/],
		[listOf({ address: "192.0.2.7:65536", ...keys }), /entry 1: address is not/],
		[listOf({ address: "[::g]:7000", ...keys }), /entry 1: address is not/],
		[listOf({ address: "::1:7000", ...keys }), /entry 1: address is not/],
		[listOf({ peer: "1", address, ...keys }), /entry 1: peer is not the id of address/],
		[listOf(...Array.from({ length: 4_097 }, () => ({}))), /more than 4096 entries/],
	])("%j is none", (text, why) => {
		expect(() => parseTrustedHosts(text)).toThrow(
			expect.objectContaining({ name: "SwarmError", code: "TRUSTED_HOSTS" }),
		);
		expect(() => parseTrustedHosts(text)).toThrow(why);
	});

	test("that is none is complained of without telling a key", () => {
		const secret = "correct horse battery staple";
		const bad = [
			`{"trusted_hosts": [{"outbound_key": "${secret}"`,
			listOf({ address: "?", outbound_key: secret, inbound_key: secret }),
			listOf({ address, outbound_key: [secret], inbound_key: secret }),
		];
		for (const text of bad) {
			const complaint = (): string => {
				try {
					return JSON.stringify(parseTrustedHosts(text));
				} catch (error) {
					return `${String(error)} ${String((error as SwarmError).cause)}`;
				}
			};
			expect(complaint()).not.toContain(secret);
		}
	});

	test("is read from a file that nobody else may read", async () => {
		const directory = await mkdtemp(join(tmpdir(), "cicada-trust-"));
		const path = join(directory, "trusted.json");
		await writeFile(path, listOf({ address, ...keys }), { mode: 0o600 });
		expect(await loadTrustedHosts(path)).toEqual([{ address, ...keys }]);
		await chmod(path, 0o644);
		await expect(loadTrustedHosts(path)).rejects.toMatchObject({ code: "TRUSTED_HOSTS" });
		await chmod(path, 0o600);
		await writeFile(path, listOf({ address }));
		await expect(loadTrustedHosts(path)).rejects.toThrow(`${path}: not a list`);
		await writeFile(path, " ".repeat(1_048_577));
		await expect(loadTrustedHosts(path)).rejects.toThrow("1048577 bytes");
		await expect(loadTrustedHosts(join(directory, "none"))).rejects.toMatchObject({
			name: "SwarmError",
			code: "TRUSTED_HOSTS",
		});
		await expect(loadTrustedHosts("")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
		await rm(directory, { recursive: true });
	});
});

test.each<unknown>([
	5,
	[{ address }],
	[{ address, outbound_key: "x" }],
	[{ peer: "1", address, ...keys }],
])("a peer takes no %j for trusted hosts", (trustedHosts) => {
	const options = { trustedHosts } as { trustedHosts: TrustedHost[] };
	expect(() => new SwarmPeer(options)).toThrow(
		expect.objectContaining({ code: "INVALID_ARGUMENT" }),
	);
});

test("trusted hosts take encryption", () => {
	const trustedHosts = [{ address, ...keys }];
	expect(() => new SwarmPeer({ trustedHosts, encryption: "off" })).toThrow("encryption");
});

test("two entries of one host, and a name whose address has another id, are refused when it is bound", async () => {
	const twice = [
		{ address, ...keys },
		{ peer: hash.toString(), ...keys },
	];
	const peer = new SwarmPeer({ trustedHosts: twice });
	await expect(peer.bind("127.0.0.1", 0)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	const other = [{ address: "localhost:7000", peer: "1", ...keys }];
	const named = new SwarmPeer({ trustedHosts: other });
	await expect(named.bind("127.0.0.1", 0)).rejects.toThrow("peer is not the id of address");
});

/** Two peers that are not adjacent, with these lists of each other; `{}` for no entry. */
async function pair(
	seed: number,
	[mine, theirs]: readonly [Partial<typeof keys>, Partial<typeof keys>],
	by: "address" | "peer" = "address",
): Promise<{ swarm: Swarm; from: SwarmPeer; to: SwarmPeer }> {
	const swarm = new Swarm(seed, { ...sparse, encryption: "required" });
	await swarm.grow(10);
	const [a, b] = [swarm.simulation.host("a"), swarm.simulation.host("b")];
	const entry = (ip: string, given: Partial<typeof keys>): { trustedHosts: TrustedHost[] } => {
		const at = formatAddress({ host: ip, port: 7000 });
		const name = by === "address" ? { address: at } : { peer: new Hash({ value: at }).toString() };
		const { outbound_key, inbound_key } = given;
		return outbound_key && inbound_key
			? { trustedHosts: [{ ...name, outbound_key, inbound_key }] }
			: { trustedHosts: [] };
	};
	const from = await swarm.add(entry(b.ip, mine), a);
	const to = await swarm.add(entry(a.ip, theirs), b);
	for (const peer of [from, to]) await swarm.until(peer.connect(swarm.first.listener));
	await swarm.simulation.run(20_000);
	return { swarm, from, to };
}

const other = { outbound_key: "here", inbound_key: "there" };

test.each(["address", "peer"] as const)(
	"hosts that list each other by %s talk, both ways",
	async (by) => {
		const { swarm, from, to } = await pair(1, [keys, other], by);
		to.onRequest(() => "yes");
		const { data } = await swarm.until(from.request(to, "?"));
		expect(new TextDecoder().decode(data)).toBe("yes");
		await swarm.until(from.send(to, "there"));
		await swarm.until(to.send(from, "here"));
		expect([await drain(to), await drain(from)]).toEqual([["there"], ["here"]]);
		// Others talk to them as ever.
		await swarm.until(swarm.first.send(to, "hello"));
		expect(await drain(to)).toEqual(["hello"]);
	},
);

test.each<readonly [what: string, mine: Partial<typeof keys>, theirs: Partial<typeof keys>]>([
	["only the sender lists the target", keys, {}],
	["only the target lists the sender", {}, other],
	["the key is another", keys, { ...other, inbound_key: "elsewhere" }],
	["the keys are not crossed", keys, keys],
])("%s: TRUST_MISMATCH, at once, and nothing is delivered", async (_what, mine, theirs) => {
	const { swarm, from, to } = await pair(2, [mine, theirs]);
	let tampered = 0;
	for (const peer of swarm.peers) peer.on("tamper", () => tampered++);
	const started = swarm.simulation.now;
	expect(await swarm.until(codeOf(from.send(to, "hello")))).toBe("TRUST_MISMATCH");
	expect(await swarm.until(codeOf(from.request(to, "hello")))).toBe("TRUST_MISMATCH");
	expect(swarm.simulation.now - started).toBeLessThan(3_000);
	expect(await swarm.until(codeOf(from.send(to.hash, "hello")))).toBe("TRUST_MISMATCH");
	expect([to.pending, tampered]).toEqual([0, 0]);
});

test("a wrong key in one direction leaves the other", async () => {
	const { swarm, from, to } = await pair(3, [keys, { ...other, inbound_key: "elsewhere" }]);
	expect(await swarm.until(codeOf(from.send(to, "hello")))).toBe("TRUST_MISMATCH");
	await swarm.until(to.send(from, "hello"));
	expect(await drain(from)).toEqual(["hello"]);
});

test("nobody without the keys gets in by the name of a listed host", async () => {
	const { swarm, from, to } = await pair(4, [keys, other]);
	const forger = await Forger.join(swarm);
	const target = await forger.recordOf(to);
	const theirs = (await forger.recordOf(from)).bytes;
	expect(await forger.say(target, theirs, "it is me")).toBe(false);
	expect(to.pending).toBe(0);
});
