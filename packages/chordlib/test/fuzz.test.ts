import type { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Contact } from "../src/contact.ts";
import { idOf } from "../src/hash.ts";
import { Hash, defineRequest, encode, nothing } from "../src/index.ts";
import * as ring from "../src/ring/messages.ts";
import { type Outgoing, encodeFrame } from "../src/wire/messages.ts";
import { concat, fromHex, toHex } from "./bytes.ts";
import { Desk, type TestLink } from "./desk.ts";
import { factor } from "./seeds.ts";
import { HELLO, identify } from "./stranger.ts";

// Whatever a peer says, sense or nonsense: nothing is thrown, nothing is kept, and its neighbour is served.

const LIMIT = 65_536;
const slow = defineRequest("test/slow", { request: nothing, response: nothing });
const someone = new Contact(idOf(new Hash({ value: "x" })), { host: "20.9.9.9", port: 7000 }, 9);

/** One of every kind of frame, and of every message of the ring, as a member would send it. */
function sensible(desk: Desk): Uint8Array[] {
	const { id } = new Contact(idOf(desk.node.hash), someone.address, 1);
	const ask = { id, last: false, hops: 1 };
	const none = new Uint8Array();
	const bodies: readonly (readonly [{ tag: number }, Uint8Array])[] = [
		[slow, none],
		[ring.askView, none],
		[ring.askWitness, encode(ring.askWitness.request, someone, LIMIT)],
		[ring.suggest, encode(ring.suggest.body, someone, LIMIT)],
		[ring.notify, none],
		[ring.listChanged, none],
		[ring.standing, encode(ring.standing.body, "member", LIMIT)],
		[ring.askAdmission, none],
		[ring.tellEntered, encode(ring.tellEntered.request, [someone], LIMIT)],
		[ring.askOwner, encode(ring.askOwner.request, ask, LIMIT)],
		[ring.askDirection, encode(ring.askDirection.request, ask, LIMIT)],
		[
			ring.routed,
			encode(
				ring.routed.body,
				{ target: id, origin: someone, tag: 5, hops: 1, last: false, body: none },
				LIMIT,
			),
		],
	];
	const frames: Outgoing[] = [
		{ kind: "ping" },
		{ kind: "pong" },
		{ kind: "goodbye", reason: "leaving" },
		{ kind: "cancel", call: 1 },
		{ kind: "response", call: 1, body: none },
		{ kind: "failure", call: 1, reason: "busy", explanation: "no" },
		{ kind: "identify", contact: someone, standing: "member" },
	];
	for (const [{ tag }, body] of bodies) {
		frames.push({ kind: "notice", tag, body });
		frames.push({ kind: "request", call: frames.length, tag, budget: 1_000, body });
	}
	return frames.map((frame) => encodeFrame(frame, LIMIT));
}

type Chance = Simulation["random"];

const below = (chance: Chance, limit: number): number => Math.floor(chance.next() * limit);

/** Bytes that were altered as transmission, a broken program or an attacker would. */
function mutated(chance: Chance, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
	const altered = new Uint8Array(bytes);
	const at = below(chance, bytes.length);
	switch (below(chance, 6)) {
		case 0:
			altered[at] = below(chance, 256);
			return altered;
		case 1:
			altered[at]! ^= 1 << below(chance, 8);
			return altered;
		case 2:
			return bytes.subarray(0, at);
		case 3:
			return concat(bytes, chance.bytes(1 + below(chance, 20)));
		case 4:
			return concat(bytes.subarray(0, at), chance.bytes(8), bytes.subarray(at));
		default: {
			const other = others[below(chance, others.length)] ?? bytes;
			return concat(bytes.subarray(0, at), other.subarray(at));
		}
	}
}

/** A frame whose content was altered; its length is right, but now and then. */
function mutatedFrame(chance: Chance, frames: readonly Uint8Array[]): Uint8Array {
	const frame = frames[below(chance, frames.length)]!;
	if (chance.next() < 0.02) return mutated(chance, frame, frames);
	const contents = frames.map((other) => other.subarray(4));
	const content = mutated(chance, frame.subarray(4), contents);
	const length = new Uint8Array(4);
	new DataView(length.buffer).setUint32(0, content.length);
	return concat(length, content);
}

/** Says it in pieces, cut anywhere. */
function say(chance: Chance, link: TestLink, bytes: Uint8Array): void {
	for (let start = 0; start < bytes.length;) {
		const size = 1 + below(chance, bytes.length - start);
		link.say(toHex(bytes.subarray(start, start + size)));
		start += size;
	}
}

test("10,000 malformed frames end links, and nothing else", async () => {
	const desk = await Desk.open({
		limits: { offences: 2 ** 30, inboundPerIp: 2 ** 28, inboundPerSubnet: 2 ** 28 },
	});
	const errors: unknown[] = [];
	desk.node.on("error", (error) => errors.push(error));
	desk.node.handle(slow, () => new Promise(() => {}));
	const { random: chance } = desk.simulation;
	const honest = desk.come("20.0.1.1", HELLO + identify("22", "20.0.1.1"));
	const known = sensible(desk);
	const opening = concat(fromHex(HELLO), fromHex(identify("33", "20.0.2.1")));
	let link: TestLink | undefined;
	let links = 0;
	for (let n = 1; n <= 10_000 * factor; n++) {
		if (link === undefined || link.ended !== "") {
			link = desk.come("20.0.2.1");
			say(chance, link, chance.next() < 0.1 ? mutated(chance, opening, known) : opening);
			links++;
		}
		say(chance, link, mutatedFrame(chance, known));
		if (n % 100 > 0) continue;
		honest.heard = "";
		honest.say("0000000106");
		expect(honest.heard).toContain("0000000107");
		await desk.pass(100);
	}
	expect(links).toBeGreaterThan(1_000);
	// Nothing is left of it, once it has ended.
	link?.handler?.close();
	await desk.pass(60_000);
	const { requests, pendingLinks, dials } = desk.node.stats;
	expect([errors, requests.serving, pendingLinks, dials]).toEqual([[], 0, 0, 0]);
});

test("10,000 altered hellos are refused or understood, and nothing else", async () => {
	const desk = await Desk.open({
		limits: { inboundPerIp: 2 ** 28, inboundPerSubnet: 2 ** 28, offences: 2 ** 30 },
	});
	const { random: chance } = desk.simulation;
	const hello = fromHex(HELLO);
	for (let n = 1; n <= 10_000 * factor; n++) {
		const link = desk.come("20.0.2.1");
		say(chance, link, mutated(chance, hello, [fromHex(identify("33", "20.0.2.1"))]));
		link.handler?.close();
		if (n % 1_000 === 0) await desk.pass(100);
	}
	expect(desk.node.stats.links + desk.node.stats.pendingLinks).toBe(0);
});
