import { Hash, Identity } from "@cicada/chordlib";
import { Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Fetch } from "../src/broadcast/fetch.ts";
import { type Header, type Pull, pullType } from "../src/broadcast/messages.ts";
import { digestOf, sign } from "../src/broadcast/signature.ts";
import { type ModelPeer, ModelRing } from "./model-ring.ts";

const PIECE = 1_024;
const payload = Uint8Array.from({ length: 10_000 }, (_, i) => i * 31 + (i >>> 8));

/** A piece of the payload. */
function pieceAt(offset: number): Uint8Array {
	return payload.slice(offset, offset + PIECE);
}

interface Scene {
	readonly ring: ModelRing;
	readonly sources: readonly ModelPeer[];
	/** What each source was asked for. */
	readonly asked: readonly number[][];
	readonly fetch: Fetch;
	readonly got: Uint8Array[];
}

/** A fetch from peers that answer so. */
function scene(...answers: readonly ((offset: number) => Uint8Array | undefined)[]): Scene {
	const ring = new ModelRing(new Simulation({ seed: 1 }), 8);
	const [self, ...others] = ring.peers as [ModelPeer, ...ModelPeer[]];
	const sources = others.slice(0, answers.length);
	const asked = answers.map((): number[] => []);
	for (const [index, answer] of answers.entries()) {
		sources[index]?.handlers.set(pullType.tag, (pull, _from, give) => {
			const { offset } = pull as Pull;
			asked[index]?.push(offset);
			give(answer(offset));
		});
	}
	const header: Header = sign(Identity.create(), {
		number: 1,
		origin: new Hash({ value: "origin" }),
		originAddress: undefined,
		excluded: [],
		size: payload.length,
		digest: digestOf(payload),
	});
	const got: Uint8Array[] = [];
	const fetch = new Fetch(self.network, header, (whole) => got.push(whole));
	for (const peer of sources) fetch.add({ peer, piece: PIECE });
	return { ring, sources, asked, fetch, got };
}

test("pieces come in order, each once, two at a time", () => {
	const { ring, asked, got } = scene(pieceAt);
	ring.simulation.advance(1);
	ring.simulation.advance(10_000);
	expect(got.map((whole) => Buffer.compare(whole, payload))).toEqual([0]);
	expect(asked).toEqual([Array.from({ length: 10 }, (_, i) => i * PIECE)]);
});

test.each([
	["has nothing", (): undefined => undefined],
	["gives less than a piece", (offset: number): Uint8Array => pieceAt(offset).subarray(1)],
	["gives more", (): Uint8Array => new Uint8Array(PIECE + 1)],
])("where a source %s, another one is asked", (_what, answer) => {
	const { ring, asked, got } = scene(answer, pieceAt);
	ring.simulation.advance(10_000);
	expect(got.map((whole) => Buffer.compare(whole, payload))).toEqual([0]);
	expect(asked[0]?.length).toBeLessThanOrEqual(2);
});

test("what one source began another one goes on with", () => {
	const half = (offset: number): Uint8Array | undefined =>
		offset < 5 * PIECE ? pieceAt(offset) : undefined;
	const { ring, asked, got } = scene(half, pieceAt);
	ring.simulation.advance(10_000);
	expect(got.map((whole) => Buffer.compare(whole, payload))).toEqual([0]);
	expect(asked[1]).toEqual([5, 6, 7, 8, 9].map((piece) => piece * PIECE));
});

test("other bytes than those that were signed are thrown away, and all is asked for again elsewhere", () => {
	const forged = (offset: number): Uint8Array =>
		pieceAt(offset).map((byte) => (offset === 0 ? byte ^ 1 : byte));
	const { ring, asked, got } = scene(forged, pieceAt);
	ring.simulation.advance(10_000);
	expect(got.map((whole) => Buffer.compare(whole, payload))).toEqual([0]);
	expect(asked.map(({ length }) => length)).toEqual([10, 10]);
});

test("without a source it waits for one", () => {
	const { ring, sources, fetch, got } = scene(() => undefined);
	ring.simulation.advance(10_000);
	expect(got).toEqual([]);
	const [peer] = sources as [ModelPeer];
	peer.handlers.set(pullType.tag, (pull, _from, give) => {
		give(pieceAt((pull as Pull).offset));
	});
	fetch.add({ peer, piece: PIECE });
	ring.simulation.advance(10_000);
	expect(got).toHaveLength(1);
});
