import { expect, test } from "vitest";

import { TURN } from "../src/fair-queue.ts";
import { CipherState, type Clock, type Link, systemCrypto } from "../src/index.ts";
import { Outlet } from "../src/outlet.ts";
import { Channel } from "../src/secure/channel.ts";
import { concat, utf8 } from "./bytes.ts";
import { Ring } from "./ring.ts";

/** An outlet of which the test says when a turn ends, and what the network has taken of what it was sent. */
function outlet(): {
	readonly outlet: Outlet;
	readonly link: Link & { buffered: number };
	readonly sent: Uint8Array[];
	readonly endTurn: () => void;
} {
	const deferred: (() => void)[] = [];
	const clock: Clock = {
		...new Ring(1).host("host").clock,
		defer: (run) => {
			deferred.push(run);
		},
	};
	const sent: Uint8Array[] = [];
	const nowhere = { host: "192.0.2.1", port: 1 };
	const link = {
		local: nowhere,
		remote: nowhere,
		buffered: 0,
		send: (bytes: Uint8Array) => {
			sent.push(bytes);
		},
		close: () => {},
		destroy: () => {},
	};
	const made = new Outlet(clock);
	made.link = link;
	const endTurn = (): void => {
		for (const run of deferred.splice(0)) run();
	};
	return { outlet: made, link, sent, endTurn };
}

const sizes = (pieces: readonly Uint8Array[]): number[] => pieces.map(({ length }) => length);

test("all that is sent in one turn goes out in one piece", () => {
	const { outlet: out, sent, endTurn } = outlet();
	for (const word of ["one", "two", "three"]) out.send(utf8(word));
	expect([sent.length, out.buffered, out.waiting]).toEqual([0, 11, 0]);
	endTurn();
	expect(sent).toEqual([utf8("onetwothree")]);
	expect(out.buffered).toBe(0);
	endTurn();
	expect(sent).toHaveLength(1);
});

test("pieces that follow each other in memory are joined, others copied; either way their order stays", () => {
	const { outlet: out, sent, endTurn } = outlet();
	const memory = utf8("onetwothree");
	const [one, two, three] = [memory.subarray(0, 3), memory.subarray(3, 6), memory.subarray(6)];
	for (const piece of [one, two]) out.send(piece);
	endTurn();
	expect(sent[0]?.buffer).toBe(memory.buffer);
	for (const piece of [three, one, two, one]) out.send(piece);
	endTurn();
	expect(sent).toEqual([utf8("onetwo"), utf8("threeonetwoone")]);
});

test("sealed, all that is sent in one turn is one record", () => {
	const { outlet: out, sent, endTurn } = outlet();
	const cipher = (): CipherState => new CipherState(systemCrypto, new Uint8Array(32).fill(1));
	out.channel = new Channel({ send: cipher(), receive: cipher() });
	for (const word of ["one", "two", "three"]) out.send(utf8(word));
	endTurn();
	expect(sizes(sent)).toEqual([2 + 11 + 16]);
	const read: Uint8Array[] = [];
	out.channel.push(concat(...sent), (content) => read.push(content) > 0);
	expect(read).toEqual([utf8("onetwothree")]);
});

test("a turn sends what a link is given in one, or one frame that is longer; the rest follows", () => {
	const { outlet: out, sent, endTurn } = outlet();
	for (const size of [TURN - 10, 10, 1, TURN + 5, 7]) out.send(new Uint8Array(size));
	expect(out.waiting).toBe(1 + TURN + 5 + 7);
	for (let turn = 0; turn < 4; turn++) endTurn();
	expect(sizes(sent)).toEqual([TURN, 1, TURN + 5, 7]);
	expect(out.buffered).toBe(0);
});

test("while the network does not take what it was given, the rest waits; a ping does not", () => {
	const { outlet: out, link, sent, endTurn } = outlet();
	link.buffered = TURN;
	out.send(new Uint8Array(9));
	out.sendFirst(new Uint8Array(5));
	endTurn();
	endTurn();
	expect([sizes(sent), out.waiting, out.buffered]).toEqual([[5], 9, TURN + 9]);
	link.buffered = 0;
	out.pump();
	endTurn();
	expect([sizes(sent), out.waiting]).toEqual([[5, 9], 0]);
});

test("at the end all goes out that waits", () => {
	const { outlet: out, link, sent } = outlet();
	link.buffered = TURN;
	for (const size of [3, 4]) out.send(new Uint8Array(size));
	out.finish();
	expect(sizes(sent)).toEqual([7]);
});
