import { expect, test } from "vitest";

import { ANY_INCARNATION, Contact } from "../src/contact.ts";
import { idFromBigInt } from "../src/id.ts";
import { defineRequest, nothing } from "../src/index.ts";
import { Ring } from "./ring.ts";

const hello = defineRequest("test/hello", { request: nothing, response: nothing });

const contact = (id: number, port: number, incarnation: number): Contact =>
	new Contact(idFromBigInt(BigInt(id)), { host: "192.0.2.1", port }, incarnation);

test("a pointer is to one node in one life of it, wherever that now is", () => {
	const pointer = contact(1, 7000, 5);
	expect(pointer.same(contact(1, 7000, 5))).toBe(true);
	expect(pointer.same(contact(1, 7000, 6))).toBe(false);
	expect(pointer.same(contact(2, 7000, 5))).toBe(false);
	expect(pointer.same(undefined)).toBe(false);
});

test("a pointer means who answers at its address with its id, in that life or, where none is known, in any", () => {
	const pointer = contact(1, 7000, 5);
	expect(pointer.means(contact(1, 7000, 5))).toBe(true);
	expect(pointer.means(contact(1, 7000, 6))).toBe(false);
	expect(pointer.means(contact(1, 7001, 5))).toBe(false);
	expect(pointer.means(contact(2, 7000, 5))).toBe(false);
	expect(contact(1, 7000, ANY_INCARNATION).means(contact(1, 7000, 6))).toBe(true);
	expect(contact(1, 7000, ANY_INCARNATION).means(contact(2, 7000, 6))).toBe(false);
});

test("what was meant for a node before it restarted does not reach what runs there after", async () => {
	const ring = new Ring(1);
	const [a, b] = await ring.grow(2);
	if (a === undefined || b === undefined) throw new Error("no ring");
	const [peer] = a.peers;
	if (peer === undefined) throw new Error("no peer");
	const host = ring.hostOf(b);
	host.crash();
	await ring.until(() => a.peers.length === 0);
	host.restart();
	const young = await ring.add("node 1", {}, host);
	expect(young.hash.equals(b.hash)).toBe(true);
	young.handle(hello, () => {});
	const old = a.request(peer, hello, undefined);
	await expect(ring.until(old)).rejects.toMatchObject({ code: "UNREACHABLE" });
	// An address and an id alone mean whoever has them.
	await ring.until(a.request({ hash: young.hash, address: young.address }, hello, undefined));
});
