import { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	Hash,
	Identity,
	type Signed,
	systemCrypto,
	verifySignature,
	verifySignatureLater,
} from "../src/index.ts";
import { fromHex, toHex, utf8 } from "./bytes.ts";

const chordError = (code: string): Error => expect.objectContaining({ name: "ChordError", code });

// RFC 8032, section 7.1, test 2.
const SECRET = fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
const PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const SIGNATURE = `
	92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
	085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00`;

test("signatures are those of RFC 8032", () => {
	const key = systemCrypto.signing(SECRET);
	const message = fromHex("72");
	expect(toHex(key.publicKey)).toBe(PUBLIC);
	expect(toHex(key.sign(message))).toBe(toHex(fromHex(SIGNATURE)));
	expect(systemCrypto.verify(key.publicKey, message, fromHex(SIGNATURE))).toBe(true);
	expect(systemCrypto.verify(key.publicKey, fromHex("73"), fromHex(SIGNATURE))).toBe(false);
});

const identity = new Identity({ signing: SECRET, exchange: SECRET, epoch: 1 });
const message = utf8("message");

test("the id of a key is its SHA-256", () => {
	expect(identity.hash.equals(new Hash({ value: fromHex(PUBLIC) }))).toBe(true);
});

/** What a check says, at once and later. */
async function verdict(signed: Signed): Promise<boolean> {
	const now = verifySignature(systemCrypto, signed);
	expect(await verifySignatureLater(systemCrypto, signed)).toBe(now);
	return now;
}

test("a signature is for its message, its purpose and its key only", async () => {
	const signature = identity.sign("test", message);
	const signed = { publicKey: identity.publicKey, purpose: "test", message, signature };
	const other = Identity.create();
	const holds = (change: object): Promise<boolean> => verdict({ ...signed, ...change });
	expect(await holds({})).toBe(true);
	expect(await holds({ purpose: "tes" })).toBe(false);
	expect(await holds({ message: utf8("massage") })).toBe(false);
	expect(await holds({ publicKey: other.publicKey })).toBe(false);
	expect(await holds({ signature: other.sign("test", message) })).toBe(false);
});

test("signatures of more keys than are kept ready are each checked with their own", () => {
	const signers = Array.from({ length: 300 }, () => Identity.create());
	const holds = (publicKey: Uint8Array, signer: Identity): boolean => {
		const signature = signer.sign("test", message);
		return verifySignature(systemCrypto, { publicKey, purpose: "test", message, signature });
	};
	for (const [index, signer] of [...signers, ...signers].entries()) {
		expect(holds(signer.publicKey, signer)).toBe(true);
		expect(holds(signer.publicKey, signers[(index + 1) % 300] as Identity)).toBe(false);
	}
});

test("keys are agreed on with more others in turn than are kept ready, with each as it does with us", () => {
	const [ours, ...others] = Array.from({ length: 8 }, () => Identity.create().exchange);
	for (const other of [...others, ...others.toReversed(), ...others]) {
		expect(ours?.agree(other.publicKey)).toEqual(other.agree(ours!.publicKey));
	}
});

test.each(["", "a\0b", "\n", "é", "x".repeat(65), 5])("%j is no purpose to sign for", (purpose) => {
	const sign = (): unknown => identity.sign(purpose as string, message);
	expect(sign).toThrow(chordError("INVALID_ARGUMENT"));
});

test.each([
	["a key of 31 bytes", { publicKey: new Uint8Array(31) }],
	["a key of 33 bytes", { publicKey: new Uint8Array(33) }],
	["a key that is no point", { publicKey: new Uint8Array(32).fill(0xff) }],
	["a signature of 63 bytes", { signature: new Uint8Array(63) }],
	["a signature of nothing", { signature: new Uint8Array(0) }],
	["a signature of zeros", { signature: new Uint8Array(64) }],
])("%s verifies nothing, and does not throw", async (_name, change) => {
	const signature = identity.sign("test", message);
	const signed = { publicKey: identity.publicKey, purpose: "test", message, signature };
	expect(await verdict({ ...signed, ...change })).toBe(false);
});

test("every identity is another, with two keys; those of a simulation follow from its seed", () => {
	const [a, b] = [Identity.create(), Identity.create()];
	const keys = [a, b].flatMap(({ publicKey, exchange }) => [publicKey, exchange.publicKey]);
	expect(new Set(keys.map(toHex)).size).toBe(4);
	const simulated = (): string =>
		toHex(Identity.create(new Simulation({ seed: 1 }).host("a").random).publicKey);
	expect(simulated()).toBe(simulated());
});

test("the secrets do not show", () => {
	const shown = JSON.stringify([identity, Object.entries(identity)]);
	expect(shown).not.toContain(toHex(SECRET));
	expect(shown).not.toContain(Array.from(SECRET).join(","));
});

test.each([
	["a secret of 31 bytes", { signing: new Uint8Array(31) }],
	["a secret of 33 bytes", { exchange: new Uint8Array(33) }],
	["a secret in words", { signing: "hunter2" }],
	["epoch 0", { epoch: 0 }],
	["epoch 2^32", { epoch: 2 ** 32 }],
	["epoch 1.5", { epoch: 1.5 }],
])("there is no identity of %s", (_name, change) => {
	const secrets = { signing: SECRET, exchange: SECRET, epoch: 1, ...(change as object) };
	expect(() => new Identity(secrets)).toThrow(chordError("INVALID_ARGUMENT"));
});
