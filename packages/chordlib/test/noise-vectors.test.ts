import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { Handshake, type HandshakePattern, systemCrypto } from "../src/index.ts";
import { fromHex, toHex } from "./bytes.ts";
import { fixed } from "./noise.ts";

interface Vector {
	readonly protocol_name: string;
	readonly source: string;
	readonly handshake_hash?: string;
	readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
	readonly [field: `${"init" | "resp"}_${string}`]: string | readonly string[] | undefined;
}

const file = new URL("noise-vectors.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: readonly Vector[] };

function end(vector: Vector, who: "init" | "resp"): Handshake {
	const bytes = (field: string): Uint8Array | undefined => {
		const value = vector[`${who}_${field}`];
		return value === undefined ? undefined : fromHex(String(value));
	};
	const secret = bytes("static");
	const [, pattern] = vector.protocol_name.split("_");
	return new Handshake({
		pattern: pattern as HandshakePattern,
		initiator: who === "init",
		crypto: systemCrypto,
		random: fixed(bytes("ephemeral") ?? new Uint8Array(32)),
		prologue: bytes("prologue"),
		staticKey: secret && systemCrypto.agreement(secret),
		remoteStatic: bytes("remote_static"),
		psk: vector[`${who}_psks`]?.length === 0 ? undefined : bytes("psks"),
	});
}

/** Patterns of one letter have one message, and only their initiator sends after it. */
const oneWay = ({ protocol_name: name }: Vector): boolean => /^Noise_.(psk|_)/.test(name);

test.each(vectors)("the published vector $protocol_name of $source", (vector) => {
	const initiator = end(vector, "init");
	const responder = end(vector, "resp");
	const turns = vector.messages.map((message, index) => {
		const forward = index % 2 === 0 || oneWay(vector);
		return {
			...message,
			from: forward ? initiator : responder,
			to: forward ? responder : initiator,
		};
	});
	const spoken = turns.findIndex(({ payload, ciphertext, from, to }) => {
		if (from.done) return true;
		const message = from.write(fromHex(payload));
		expect(toHex(message)).toBe(ciphertext);
		expect(toHex(to.read(message))).toBe(payload);
		return false;
	});
	expect(initiator.done && responder.done).toBe(true);
	const hashes = [initiator, responder].map(({ hash }) => toHex(hash));
	expect(hashes[0]).toBe(hashes[1]);
	// One of the two sets says what it is.
	expect(hashes[0]).toBe(vector.handshake_hash ?? hashes[0]);
	const keys = new Map([initiator, responder].map((party) => [party, party.split()]));
	for (const { payload, ciphertext, from, to } of turns.slice(spoken)) {
		const sealed = keys.get(from)?.send.encrypt(fromHex(payload)) ?? new Uint8Array(0);
		expect(toHex(sealed)).toBe(ciphertext);
		expect(toHex(keys.get(to)?.receive.decrypt(sealed) ?? sealed)).toBe(payload);
	}
});
