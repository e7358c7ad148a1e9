import { createCipheriv } from "node:crypto";

import NoiseState from "noise-handshake";
import Cipher from "noise-handshake/cipher.js";
import { describe, expect, test } from "vitest";

import {
	CipherState,
	Handshake,
	type HandshakeOptions,
	type HandshakePattern,
	systemCrypto,
	systemRandom,
} from "../src/index.ts";
import { toHex, utf8 } from "./bytes.ts";
import { counting, keyOf } from "./noise.ts";

const prologue = utf8("what both know");
const psk = new Uint8Array(32).fill(9);
const forged: unknown = expect.objectContaining({ code: "FORGED" });
const misused: unknown = expect.objectContaining({ code: "INVALID_ARGUMENT" });

/** One end, which knows all that a pattern might want of it. */
function end(
	pattern: HandshakePattern,
	initiator: boolean,
	changes: Partial<HandshakeOptions> = {},
): Handshake {
	const [own, other] = initiator ? [keyOf(1), keyOf(2)] : [keyOf(2), keyOf(1)];
	return new Handshake({
		pattern,
		initiator,
		crypto: systemCrypto,
		random: systemRandom,
		prologue,
		staticKey: own,
		remoteStatic: other.publicKey,
		psk,
		...changes,
	});
}

/** Lets two ends speak until they are done. */
function meet(initiator: Handshake, responder: Handshake): void {
	for (let [from, to] = [initiator, responder]; !from.done; [from, to] = [to, from]) {
		to.read(from.write());
	}
}

describe.each([
	["XX", undefined],
	["XXpsk0", psk],
	["IK", undefined],
] as const)("%s with an independent implementation", (pattern, key) => {
	test.each([true, false])("this end the initiator: %s", (initiator) => {
		const ours = keyOf(5);
		const options = key === undefined ? {} : { psk: key };
		const theirs = new NoiseState(pattern, !initiator, undefined, options);
		theirs.initialise(prologue, ours.publicKey);
		const { publicKey } = theirs.s;
		const end = new Handshake({
			pattern,
			initiator,
			crypto: systemCrypto,
			random: systemRandom,
			prologue,
			staticKey: ours,
			remoteStatic: new Uint8Array(publicKey),
			psk: key,
		});
		for (let turn = initiator; !end.done; turn = !turn) {
			const words = utf8(`spoken by ${turn ? "us" : "them"}`);
			const heard = turn
				? theirs.recv(end.write(words))
				: end.read(new Uint8Array(theirs.send(words)));
			expect(toHex(heard)).toBe(toHex(words));
		}
		expect(theirs.complete).toBe(true);
		expect(toHex(end.hash)).toBe(toHex(theirs.hash));
		expect(toHex(end.remoteStatic ?? psk)).toBe(toHex(publicKey));
		expect(toHex(theirs.rs)).toBe(toHex(ours.publicKey));

		const { send, receive } = end.split();
		const [to, from] = [new Cipher(theirs.rx), new Cipher(theirs.tx)];
		for (const words of ["one", "two", "three"].map(utf8)) {
			expect(toHex(to.decrypt(send.encrypt(words)))).toBe(toHex(words));
			expect(toHex(receive.decrypt(new Uint8Array(from.encrypt(words))))).toBe(toHex(words));
		}
	});
});

const PATTERNS: readonly HandshakePattern[] = ["NNpsk0", "XX", "XXpsk0", "IK", "IKpsk2", "KKpsk0"];

test.each(PATTERNS)("%s: no byte of any message can be another", (pattern) => {
	const recorded: Uint8Array[] = [];
	const ephemeral = { ...systemRandom, bytes: (length: number) => new Uint8Array(length).fill(7) };
	const pair = (): readonly [Handshake, Handshake] => [
		end(pattern, true, { random: ephemeral }),
		end(pattern, false, { random: ephemeral }),
	];
	/** The handshake up to a message that is altered; then both ends are asked to go on. */
	const play = (alter: (message: Uint8Array, index: number) => Uint8Array): boolean => {
		let [from, to] = pair();
		for (let index = 0; !(from.done && to.done); index++) {
			to.read(alter(from.write(utf8("payload")), index));
			[from, to] = [to, from];
		}
		// Who has nothing left to read finds out with the first message under the keys agreed on.
		const sealed = to.split().send.encrypt(utf8("done"));
		return from.split().receive.decrypt(sealed).length > 0;
	};
	expect(play((message) => (recorded.push(message), message))).toBe(true);
	for (const [index, message] of recorded.entries()) {
		for (let place = 0; place < message.length; place++) {
			const altered = message.with(place, message[place]! ^ 1);
			expect(() => play((sent, at) => (at === index ? altered : sent))).toThrow(forged);
		}
		expect(() => play((sent, at) => (at === index ? sent.subarray(1) : sent))).toThrow(forged);
	}
});

test.each([
	["another prologue", { prologue: utf8("something else") }],
	["another pre-shared key", { psk: new Uint8Array(32).fill(8) }],
	["another static key than the one known", { staticKey: keyOf(3) }],
])("%s at one end, and there is no handshake", (_what, changes) => {
	expect(() => {
		meet(end("IKpsk2", true), end("IKpsk2", false, changes));
	}).toThrow(forged);
});

test("with psk0 a stranger is refused before any Diffie-Hellman", () => {
	const { crypto, agreements } = counting();
	const responder = end("XXpsk0", false, { crypto });
	const stranger = end("XXpsk0", true, { psk: new Uint8Array(32) });
	expect(() => responder.read(stranger.write())).toThrow(forged);
	expect(agreements()).toBe(0);
});

test("a key of low order is refused", () => {
	const responder = end("NN", false);
	responder.read(new Uint8Array(32));
	expect(() => responder.write()).toThrow(forged);
});

test("a message that comes back to who sent it is refused", () => {
	const initiator = end("KK", true);
	const message = initiator.write();
	expect(() => initiator.read(message)).toThrow(forged);
});

test("a handshake that failed is over", () => {
	const responder = end("XXpsk0", false);
	const good = end("XXpsk0", true).write();
	expect(() => responder.read(new Uint8Array(48))).toThrow(forged);
	expect(() => responder.read(good)).toThrow(misused);
	expect(responder.done).toBe(false);
});

test("a fork reads forged messages in its place, and the true one can still be read", () => {
	const [initiator, responder] = [end("IKpsk2", true), end("IKpsk2", false)];
	responder.read(initiator.write());
	const answer = responder.write(utf8("answer"));
	for (let place = 0; place < answer.length; place++) {
		const fork = initiator.fork();
		expect(() => fork.read(answer.with(place, answer[place]! ^ 1))).toThrow(forged);
		expect(() => fork.read(answer)).toThrow(misused);
	}
	const fork = initiator.fork();
	expect(fork.read(answer)).toEqual(utf8("answer"));
	expect(initiator.done).toBe(false);
	expect(initiator.read(answer)).toEqual(utf8("answer"));
	expect(toHex(fork.hash)).toBe(toHex(responder.hash));
	const sealed = responder.split().send.encrypt(utf8("done"));
	for (const one of [fork, initiator]) {
		expect(one.split().receive.decrypt(sealed)).toEqual(utf8("done"));
	}
});

test("a pre-shared key may be looked up when its turn comes, for whom the first message is from", () => {
	const asked: string[] = [];
	const initiator = end("IKpsk2", true);
	const responder: Handshake = end("IKpsk2", false, {
		psk: () => {
			asked.push(toHex(responder.remoteStatic ?? psk));
			return psk;
		},
	});
	responder.read(initiator.write());
	expect(asked).toEqual([]);
	initiator.read(responder.write());
	expect(asked).toEqual([toHex(keyOf(1).publicKey)]);
	expect(initiator.done).toBe(true);
	const none = end("IKpsk2", false, { psk: () => new Uint8Array(0) });
	none.read(end("IKpsk2", true).write());
	expect(() => none.write()).toThrow(misused);
});

test("messages of a handshake have at most 65,535 bytes", () => {
	const initiator = end("NN", true);
	expect(() => end("NN", true).write(new Uint8Array(65_504))).toThrow(
		expect.objectContaining({ code: "TOO_LARGE" }),
	);
	const message = initiator.write(new Uint8Array(65_503));
	expect(end("NN", false).read(message)).toHaveLength(65_503);
	expect(() => end("NN", false).read(new Uint8Array(65_536))).toThrow(forged);
});

test.each([
	["an unknown pattern", () => end("ZZ" as HandshakePattern, true)],
	["a place that the pattern has not", () => end("NNpsk3", true)],
	["a psk that is missing", () => end("XXpsk0", true, { psk: undefined })],
	["a psk of another size", () => end("XXpsk0", true, { psk: new Uint8Array(31) })],
	["no key of whom to talk to", () => end("IK", true, { remoteStatic: undefined })],
	["no key of its own", () => end("IK", false, { staticKey: undefined })],
	[
		"no key of its own, when it is to be sent",
		() => end("IK", true, { staticKey: undefined }).write(),
	],
	["reading when it is to write", () => end("NN", true).read(new Uint8Array(32))],
	["writing when it is to read", () => end("NN", false).write()],
	["keys before the handshake is done", () => end("NN", true).split()],
])("refuses %s", (_what, misuse) => {
	expect(misuse).toThrow(misused);
});

describe("sealed messages", () => {
	const key = Uint8Array.from({ length: 32 }, (_, index) => index);
	const words = utf8("words");

	test("are opened in the order in which they were sealed, each once", () => {
		const [from, to] = [new CipherState(systemCrypto, key), new CipherState(systemCrypto, key)];
		const [first, second] = [from.encrypt(words), from.encrypt(words)];
		expect(first).not.toEqual(second);
		expect(() => to.decrypt(second)).toThrow(forged);
		expect(to.decrypt(first)).toEqual(words);
		expect(() => to.decrypt(first)).toThrow(forged);
		expect(to.decrypt(second)).toEqual(words);
		expect(to.count).toBe(2);
	});

	test("are opened by their numbers, when they have some", () => {
		const [from, to] = [new CipherState(systemCrypto, key), new CipherState(systemCrypto, key)];
		const numbers = [7, 2 ** 32, 0, Number.MAX_SAFE_INTEGER];
		const sealed = numbers.map((nonce) => from.encryptAt(nonce, words));
		for (const [index, nonce] of numbers.entries()) {
			expect(to.decryptAt(nonce, sealed[index]!)).toEqual(words);
			expect(() => to.decryptAt(nonce, sealed[index - 1] ?? sealed[3]!)).toThrow(forged);
		}
		for (const none of [-1, 0.5, 2 ** 53, Number.NaN]) {
			expect(() => from.encryptAt(none, words)).toThrow(misused);
		}
		expect(from.count).toBe(0);
	});

	test("count in 64 bits, little-endian, after 32 bits of zeros", () => {
		const nonce = Uint8Array.of(0, 0, 0, 0, 0x04, 0x03, 0x02, 0x01, 0x06, 0x05, 0, 0);
		const sealed = systemCrypto.seal(key, nonce, new Uint8Array(0), words);
		expect(new CipherState(systemCrypto, key).encryptAt(0x05_06_01_02_03_04, words)).toEqual(
			sealed,
		);
	});

	test("want the associated data that they were sealed with", () => {
		const cipher = new CipherState(systemCrypto, key);
		const sealed = cipher.encryptAt(0, words, utf8("this"));
		expect(cipher.decryptAt(0, sealed, utf8("this"))).toEqual(words);
		expect(() => cipher.decryptAt(0, sealed, utf8("that"))).toThrow(forged);
		expect(() => cipher.decryptAt(0, sealed)).toThrow(forged);
	});

	test("are written where they are to go, if that has just their size", () => {
		const [from, to] = [new CipherState(systemCrypto, key), new CipherState(systemCrypto, key)];
		const memory = new Uint8Array(words.length + 18);
		const into = memory.subarray(1, -1);
		expect(from.encrypt(words, undefined, into)).toBe(into);
		expect(to.decrypt(into)).toEqual(words);
		expect([memory[0], memory.at(-1)]).toEqual([0, 0]);
		for (const wrong of [memory, into.subarray(1)]) {
			expect(() => from.encrypt(words, undefined, wrong)).toThrow(misused);
		}
		expect(memory[0]).toBe(0);
	});

	test("have at most 65,535 bytes", () => {
		const cipher = new CipherState(systemCrypto, key);
		expect(cipher.encryptAt(0, new Uint8Array(65_519))).toHaveLength(65_535);
		expect(() => cipher.encryptAt(0, new Uint8Array(65_520))).toThrow(
			expect.objectContaining({ code: "TOO_LARGE" }),
		);
		expect(() => cipher.decryptAt(0, new Uint8Array(65_536))).toThrow(forged);
		expect(() => cipher.decryptAt(0, new Uint8Array(15))).toThrow(forged);
	});

	test("are sealed under the next key by the next state, while this one keeps its own", () => {
		const [from, to] = [new CipherState(systemCrypto, key), new CipherState(systemCrypto, key)];
		from.encrypt(words);
		const next = from.next();
		expect([from.count, next.count]).toEqual([1, 0]);
		expect(to.decryptAt(5, from.encryptAt(5, words))).toEqual(words);
		const sealed = next.encryptAt(6, words);
		expect(() => to.decryptAt(6, sealed)).toThrow(forged);
		to.rekey();
		expect(to.decryptAt(6, sealed)).toEqual(words);
	});

	test("are counted by a fork from where the other has come", () => {
		const from = new CipherState(systemCrypto, key);
		from.encrypt(words);
		const fork = from.fork();
		expect(fork.encrypt(words)).toEqual(from.encrypt(words));
		expect([fork.count, from.count]).toEqual([2, 2]);
	});

	test("go on under the key that revision 34 says, when it is changed", () => {
		const [from, to] = [new CipherState(systemCrypto, key), new CipherState(systemCrypto, key)];
		from.encrypt(words);
		from.rekey();
		const last = new Uint8Array(12).fill(0xff, 4);
		const next = createCipheriv("chacha20-poly1305", key, last, { authTagLength: 16 });
		const expected = new CipherState(systemCrypto, new Uint8Array(next.update(new Uint8Array(32))));
		const sealed = from.encrypt(words);
		expect(sealed).toEqual(expected.encryptAt(1, words));
		expect(() => to.decryptAt(1, sealed)).toThrow(forged);
		to.rekey();
		expect(to.decryptAt(1, sealed)).toEqual(words);
	});
});
