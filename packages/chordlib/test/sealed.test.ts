import { describe, expect, test } from "vitest";

import {
	type LocalNode,
	type LocalNodeOptions,
	type Secret,
	defineRequest,
	text,
} from "../src/index.ts";
import { concat, toHex, utf8 } from "./bytes.ts";
import { Ring } from "./ring.ts";
import { factor } from "./seeds.ts";
import { HELLO, IDENTIFY, Stranger, refusal } from "./stranger.ts";

const SECOND = 1_000;
const secretOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const sealed = (secret?: Secret | readonly Secret[]): LocalNodeOptions => ({
	encryption: "required",
	network: secret === undefined ? "sealed" : { id: "sealed", secret },
});
const echo = defineRequest("test/echo", { request: text(100), response: text(100) });

/** What went over the first link that a node dials from now on, each way. */
function tap(ring: Ring, node: LocalNode): { out: Uint8Array; in: Uint8Array } {
	const heard: { out: Uint8Array; in: Uint8Array } = {
		out: new Uint8Array(0),
		in: new Uint8Array(0),
	};
	let first: number | undefined;
	ring.hostOf(node).intercept((chunk, { direction, link }) => {
		first ??= link;
		if (link === first) heard[direction] = concat(heard[direction], chunk);
		return chunk;
	});
	return heard;
}

describe.each([
	["with a secret", sealed(secretOf(1))],
	["of an open network", sealed()],
])("nodes %s", (_name, options) => {
	test("form a ring, find each other and say who they are", async () => {
		const ring = new Ring(1, options);
		await ring.grow(10);
		expect(await ring.wrongLookups()).toEqual([]);
		const [node] = ring.sorted;
		const { record } = node!;
		expect(record.contact.hash.equals(node!.hash)).toBe(true);
	});

	test("say nothing in clear after their hellos", async () => {
		const ring = new Ring(1, options);
		const [node, other] = [await ring.add("node"), await ring.add("other")];
		node.handle(echo, (value) => value);
		const heard = tap(ring, other);
		await ring.until(other.joinRing(node.address));
		const [peer] = other.peers;
		expect(await ring.until(other.request(peer!, echo, "not for you"))).toBe("not for you");
		const wire = toHex(heard.out) + toHex(heard.in);
		expect(wire.length).toBeGreaterThan(1_000);
		const told = [node, other].flatMap(({ hash, record }) => [
			hash.toString(),
			toHex(record.publicKey),
			toHex(record.exchangeKey),
		]);
		for (const words of [...told, toHex(utf8("not for you"))]) expect(wire).not.toContain(words);
	});

	test("never accept a link of which any byte was altered", async () => {
		// Nothing but what is altered is to end a link.
		const limits = { inboundPerIp: 1_000_000, inboundPerSubnet: 1_000_000 };
		const ring = new Ring(1, { ...options, limits });
		const [node, other] = [await ring.add("node"), await ring.add("other")];
		const heard = tap(ring, other);
		// From the first hello to the acceptor's identify: all that goes over a link until the dialler can use it.
		const said = { out: 0, in: 0 };
		const taken = other.on("link", () => {
			said.out = heard.out.length;
			said.in = heard.in.length;
		});
		await ring.until(other.joinRing(node.address));
		taken();
		await ring.until(other.leaveRing());
		await ring.until(() => ring.hostOf(node).links === 0);

		const troubles: unknown[] = [];
		for (const end of [node, other]) {
			end.on("error", (error) => troubles.push(error));
		}
		// The other node may dial back, over a link whose bytes are others.
		const links: unknown[] = [];
		other.on("link", (event) => event.accepted || links.push(event));
		for (const direction of ["out", "in"] as const) {
			expect(said[direction]).toBeGreaterThan(300);
			for (let place = 0; place < said[direction]; place++) {
				for (const bit of factor === 1 ? [place % 8] : [0, 1, 2, 3, 4, 5, 6, 7]) {
					const seen = new Map<number, number>();
					ring.hostOf(other).intercept((chunk, passage) => {
						if (passage.direction !== direction) return chunk;
						const before = seen.get(passage.link) ?? 0;
						seen.set(passage.link, before + chunk.length);
						const byte = chunk[place - before];
						return byte === undefined ? chunk : chunk.with(place - before, byte ^ (1 << bit));
					});
					const joining = ring.until(other.joinRing(node.address));
					await expect(joining, `${direction} ${place}`).rejects.toMatchObject({
						name: "ChordError",
					});
					await ring.until(() => ring.hostOf(node).links === 0);
				}
			}
		}
		expect([links, troubles, node.stats.hosts.barred]).toEqual([[], [], 0]);
		ring.hostOf(other).intercept((chunk) => chunk);
		await ring.until(other.joinRing(node.address));
		expect(links).toHaveLength(1);
	});

	test("are not taken in by an honest dialler's words, said again", async () => {
		const ring = new Ring(1, options);
		const [node, other] = [await ring.add("node"), await ring.add("other")];
		const heard = tap(ring, other);
		await ring.until(other.joinRing(node.address));
		await ring.until(other.leaveRing());
		await ring.until(() => ring.hostOf(node).links === 0);
		const links: unknown[] = [];
		node.on("link", (link) => links.push(link));
		const stranger = Stranger.dial(ring.host("stranger"), node.address, toHex(heard.out));
		await ring.until(() => stranger.end !== "");
		expect(links).toEqual([]);
		expect(node.peers).toEqual([]);
	});

	test("are not taken in by their own words, sent back", async () => {
		const ring = new Ring(1, options);
		const node = await ring.add("node");
		const host = ring.host("mirror");
		const address = { host: host.ip, port: 7000 };
		await host.transport.listen(address, (link) => ({
			open: () => {},
			data: (chunk) => {
				link.send(chunk);
			},
			drain: () => {},
			close: () => {},
		}));
		await expect(ring.until(node.joinRing(address))).rejects.toMatchObject({
			code: "INCOMPATIBLE",
		});
	});
});

test("links end when a record is altered, lost or repeated, and the ring makes others", async () => {
	const ring = new Ring(1, sealed(secretOf(1)));
	const [node, other] = await ring.grow(2);
	node!.handle(echo, (value) => value);
	for (const fate of [
		(chunk: Uint8Array) => chunk.with(2, chunk[2]! ^ 1),
		() => undefined,
		(chunk: Uint8Array) => concat(chunk, chunk),
	]) {
		let links = 0;
		other!.on("link", () => links++);
		let struck = false;
		ring.hostOf(other!).intercept((chunk, { direction }) => {
			if (struck || direction === "in") return chunk;
			struck = true;
			return fate(chunk);
		});
		await ring.until(() => struck && links > 0);
		await ring.settle();
		const [peer] = other!.peers;
		expect(await ring.until(other!.request(peer!, echo, "still there"))).toBe("still there");
	}
});

const strangers: readonly (readonly [string, LocalNodeOptions, LocalNodeOptions, RegExp])[] = [
	["another secret", sealed(secretOf(2)), sealed(secretOf(1)), /refuses: .* yours is another/],
	["no secret", sealed(), sealed(secretOf(1)), /refuses: .* yours is another/],
	["a secret where there is none", sealed(secretOf(1)), sealed(), /refuses: .* has no secret/],
	["a passphrase where there is none", sealed("words"), sealed(), /refuses: .* has no secret/],
	["a passphrase where it is bytes", sealed("words"), sealed(secretOf(1)), /yours is another/],
	["another network", { ...sealed(), network: "b" }, sealed(), /refuses: .* another network/],
	[
		"links that are not encrypted",
		{ encryption: "off", network: "sealed" },
		sealed(),
		/links are encrypted/,
	],
	[
		"encrypted links",
		sealed(),
		{ encryption: "off", network: "sealed" },
		/links are not encrypted/,
	],
];

test.each(strangers)("a node with %s is refused, and told why", async (_name, its, ours, why) => {
	const ring = new Ring(1);
	const node = await ring.add("node", ours);
	const stranger = await ring.add("stranger", its);
	const joined = ring.until(stranger.joinRing(node.address));
	await expect(joined).rejects.toMatchObject({ code: "INCOMPATIBLE" });
	await expect(joined).rejects.toThrow(why);
	await ring.simulation.run(5 * SECOND);
	expect([node.peers, stranger.peers]).toEqual([[], []]);
	expect(ring.hostOf(node).links).toBe(0);
});

test("one who has encryption turned off is refused in words, whatever else he says", async () => {
	const ring = new Ring(1, { encryption: "required" });
	const node = await ring.add("node");
	const stranger = Stranger.dial(ring.host("stranger"), node.address, HELLO + IDENTIFY);
	await ring.simulation.run(100);
	expect(stranger.heard).toBe(refusal(4, "this node's links are encrypted"));
	expect(node.peers).toEqual([]);
});

describe("a network's secret", () => {
	const [old, next] = [secretOf(1), secretOf(2)];

	test("is any of several for who is dialled, the first for who dials", async () => {
		const ring = new Ring(1);
		const node = await ring.add("node", sealed([old, next]));
		const other = await ring.add("other", sealed([next, secretOf(3)]));
		await ring.until(other.joinRing(node.address));
		const late = await ring.add("late", sealed(secretOf(3)));
		await expect(ring.until(late.joinRing(node.address))).rejects.toMatchObject({
			code: "INCOMPATIBLE",
		});
		// Who would be let in by the other still cannot dial it with a secret that it does not know.
		await expect(ring.until(node.joinRing(late.address))).rejects.toMatchObject({
			code: "INCOMPATIBLE",
		});
	});

	test("is changed node by node while the ring goes on", async () => {
		const ring = new Ring(1, sealed(old));
		const nodes = await ring.grow(6);
		for (const secret of [[old, next], [next, old], next]) {
			for (const node of nodes) {
				await ring.until(node.changeSecret(secret));
				await ring.simulation.run(SECOND);
				expect(await ring.wrongLookups()).toEqual([]);
			}
		}
		const member = nodes[0]!.address;
		const late = await ring.add("late", sealed(next));
		await ring.until(late.joinRing(member));
		const tooLate = await ring.add("too late", sealed(old));
		await expect(ring.until(tooLate.joinRing(member))).rejects.toMatchObject({
			code: "INCOMPATIBLE",
		});
	});

	test("is the one of the last call, however long each takes", async () => {
		const ring = new Ring(1, sealed(old));
		const node = await ring.add("node");
		// A passphrase goes through scrypt, bytes do not.
		const changes = [node.changeSecret("words"), node.changeSecret(next)];
		await Promise.all(changes);
		const other = await ring.add("other", sealed(next));
		await ring.until(other.joinRing(node.address));
		expect(node.peers).toHaveLength(1);
	});

	test("that a node has not been given puts it out", async () => {
		const ring = new Ring(1, sealed(old));
		const nodes = await ring.grow(5);
		const [left] = nodes;
		for (const node of nodes.slice(1)) await ring.until(node.changeSecret([next, old]));
		for (const node of nodes.slice(1)) await ring.until(node.changeSecret(next));
		ring.nodes.delete(left!);
		await ring.settle();
		expect(left!.peers).toEqual([]);
		expect(await ring.wrongLookups()).toEqual([]);
	});
});
