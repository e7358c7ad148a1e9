import { expect, test } from "vitest";

import { Contact } from "../src/contact.ts";
import { idOf } from "../src/hash.ts";
import { ChordError, Hash, Identity, type Random, systemCrypto } from "../src/index.ts";
import { LinkHandshake, type LinkSecurity } from "../src/secure/link-handshake.ts";
import { openRecord, signRecord } from "../src/secure/record.ts";
import { sized } from "../src/wire/framer.ts";
import { concat, fromHex, toHex } from "./bytes.ts";
import { Desk, type TestLink } from "./desk.ts";
import { factor } from "./seeds.ts";
import { HELLO } from "./stranger.ts";

// Handshakes with one end that knows the secret, and says what it likes: its messages are altered on their way, or hold
// something else than a record of its own, well sealed. Nobody is taken for who he is not, and nothing is thrown.

const CASES = 2_000 * factor;
const SECRET = new Uint8Array(32).fill(5);
const SEALED_HELLO = `${HELLO.slice(0, -2)}01`;

type Chance = Desk["simulation"]["random"];
const below = (chance: Chance, limit: number): number => Math.floor(chance.next() * limit);

/** Other bytes than these, made of them. */
function mutated(chance: Chance, bytes: Uint8Array, other: Uint8Array): Uint8Array {
	for (;;) {
		const altered = mutation(chance, bytes, other);
		// Two signatures may well end with the same byte.
		if (toHex(altered) !== toHex(bytes)) return altered;
	}
}

function mutation(chance: Chance, bytes: Uint8Array, other: Uint8Array): Uint8Array {
	const altered = new Uint8Array(bytes);
	const at = below(chance, bytes.length);
	switch (below(chance, 6)) {
		case 0:
			altered[at]! ^= 1 << below(chance, 8);
			return altered;
		case 1:
			return bytes.subarray(0, at);
		case 2:
			return concat(bytes, chance.bytes(1 + below(chance, 200)));
		case 3:
			return concat(bytes.subarray(0, at), chance.bytes(1 + below(chance, 8)), bytes.subarray(at));
		case 4:
			return concat(bytes.subarray(0, at), other.subarray(Math.min(at, other.length)));
		default:
			return chance.bytes(below(chance, 300));
	}
}

/** Somebody with keys of his own, whose record is what `record` gives. */
function security(random: Random, identity: Identity, record: () => Uint8Array): LinkSecurity {
	return {
		crypto: systemCrypto,
		random,
		key: () => identity.exchange,
		record,
		open: (bytes) => openRecord(systemCrypto, bytes),
		secrets: () => [SECRET],
	};
}

interface Scene {
	readonly desk: Desk;
	readonly chance: Chance;
	readonly identity: Identity;
	/** The record of who talks to the node, and that of somebody else. */
	readonly own: Uint8Array;
	readonly foreign: Uint8Array;
	readonly errors: unknown[];
}

async function scene(): Promise<Scene> {
	const desk = await Desk.open({
		encryption: "required",
		network: { id: "", secret: SECRET },
		limits: { offences: 2 ** 30, inboundPerIp: 2 ** 28, inboundPerSubnet: 2 ** 28 },
	});
	const errors: unknown[] = [];
	desk.node.on("error", (error) => errors.push(error));
	const { random } = desk.simulation;
	const record = (identity: Identity, name: string): Uint8Array => {
		const address = { host: "20.0.2.1", port: 7_000 };
		const contact = new Contact(idOf(new Hash({ value: name })), address, 7);
		return signRecord(identity, contact, { sequence: 1, now: 1_767_225_600 }).bytes;
	};
	const identity = Identity.create(random);
	return {
		desk,
		chance: random,
		identity,
		own: record(identity, "own"),
		foreign: record(Identity.create(random), "foreign"),
		errors,
	};
}

/** What came over a link since it was asked last. */
function heard(link: TestLink): Uint8Array {
	const bytes = fromHex(link.heard);
	link.heard = "";
	return bytes;
}

/** Takes the hello and the message behind it off what a node said. */
function afterHello(bytes: Uint8Array): Uint8Array {
	return bytes.subarray(HELLO.length / 2 + 2);
}

/** In each case one thing is wrong, or in every twentieth none: then the other end is let in. */
const WRONG = ["first", "record", "foreign", "third"] as const;

test(`${CASES.toLocaleString("en")} altered handshakes of who dials`, async () => {
	const { desk, chance, identity, own, foreign, errors } = await scene();
	for (let n = 0; n < CASES; n++) {
		const wrong = n % 20 === 0 ? "nothing" : WRONG[below(chance, WRONG.length)];
		const link = desk.come("20.0.2.1");
		const hello = fromHex(SEALED_HELLO);
		let record = own;
		if (wrong === "foreign") record = foreign;
		if (wrong === "record") record = mutated(chance, own, foreign);
		const handshake = new LinkHandshake(
			security(chance, identity, () => record),
			true,
			hello,
		);
		const first = handshake.begin();
		const firstSaid = wrong === "first" ? mutated(chance, first, own) : first;
		link.say(toHex(concat(hello, sized(firstSaid))));
		const answer = heard(link);
		if (wrong !== "first") {
			const third = handshake.take(afterHello(answer), hello)!;
			const thirdSaid = wrong === "third" ? mutated(chance, third, first) : third;
			link.say(toHex(sized(thirdSaid)));
		}
		// Whose handshake is done is waited for to say who he is; any other is left at once.
		expect([wrong, link.ended]).toEqual([wrong, wrong === "nothing" ? "" : "closed"]);
		expect(desk.node.stats.links).toBe(0);
		link.handler?.close();
		if (n % 500 === 0) await desk.pass(10);
	}
	await desk.pass(60_000);
	const { pendingLinks, links } = desk.node.stats;
	expect([errors, links, pendingLinks]).toEqual([[], 0, 0]);
});

test(`${CASES.toLocaleString("en")} altered handshakes of who is dialled`, async () => {
	const { desk, chance, identity, own, foreign, errors } = await scene();
	const hello = fromHex(SEALED_HELLO);
	const outcomes = new Set<string>();
	for (let n = 0; n < CASES; n++) {
		const wrong = WRONG[below(chance, 3)];
		let record = own;
		if (wrong === "foreign") record = foreign;
		if (wrong === "record") record = mutated(chance, own, foreign);
		const joining = desk.node
			.link({ host: "20.0.2.1", port: 7_000 }, { timeout: 1_000 })
			.then(() => "linked")
			.catch((error: unknown) => (error instanceof ChordError ? error.code : String(error)));
		await desk.pass(0);
		const link = desk.dialled.pop()!;
		link.handler?.open();
		const said = heard(link);
		const handshake = new LinkHandshake(
			security(chance, identity, () => record),
			false,
			said.subarray(0, HELLO.length / 2),
		);
		const second = handshake.take(afterHello(said), hello)!;
		const secondSaid = wrong === "first" ? mutated(chance, second, own) : second;
		link.say(toHex(concat(hello, sized(secondSaid))));
		expect([wrong, link.ended]).toEqual([wrong, "closed"]);
		link.handler?.close();
		await desk.pass(1_000);
		outcomes.add(await joining);
		expect(desk.node.stats.links).toBe(0);
	}
	expect([...outcomes].filter((code) => code !== "INCOMPATIBLE" && code !== "FORGED")).toEqual([]);
	expect(errors).toEqual([]);
});
