// Who is there and what they say, on a simulated network.
import { Hash } from "@cicada/chordlib";
import { type SimHost, Simulation, uniform } from "@cicada/simnet";
import { type RemotePeer, SwarmPeer } from "@cicada/swarmlib";
import { expect, test } from "vitest";

import { Chat } from "../src/chat/chat.ts";
import { Conversation } from "../src/chat/conversation.ts";
import { type Line, written } from "../src/chat/line.ts";
import {
	type Note,
	type Presence,
	decodeNote,
	encodeNote,
	isChannel,
	isName,
} from "../src/chat/note.ts";
import { People } from "../src/chat/people.ts";

const PORT = 7_000;

/** Somebody who chats, and what they see. */
interface Talker {
	readonly host: SimHost;
	readonly peer: SwarmPeer;
	readonly chat: Chat;
	readonly seen: string[];
	enter(line: string): Promise<void>;
}

/** People who chat on a simulated network, with lists of successors so short that not all have links to all. */
class Room {
	readonly simulation = new Simulation({ seed: 5, latency: uniform(5, 50) });
	readonly #talkers: Talker[] = [];

	async add(name: string): Promise<Talker> {
		const host = this.simulation.host(`${name} ${this.#talkers.length}`);
		const peer = new SwarmPeer({ ports: host, successors: 2 });
		await peer.bind(host.ip, PORT);
		const [first] = this.#talkers;
		if (first) await this.simulation.runUntil(peer.connect(first.peer.listener));
		const seen: string[] = [];
		const show = (line: Line): void => void seen.push(written(line, false));
		const chat = new Chat({ peer, clock: host.clock, show }, { name, duplicates: 1 });
		const conversation = new Conversation(peer, chat, show);
		void chat.listen();
		conversation.enter("#lobby");
		const enter = async (line: string): Promise<void> =>
			this.simulation.runUntil(conversation.take(line));
		const talker = { host, peer, chat, seen, enter };
		this.#talkers.push(talker);
		return talker;
	}

	async of(...names: string[]): Promise<Talker[]> {
		for (const name of names) await this.add(name);
		await this.simulation.run(40_000);
		for (const { seen } of this.#talkers) seen.length = 0;
		return [...this.#talkers];
	}
}

const twelve = Array.from({ length: 12 }, (_, index) => `p${index}`);

test("everybody knows everybody, also those who are no neighbours on the ring, and hears what is said", async () => {
	const room = new Room();
	const all = await room.of(...twelve);
	const [first] = all as [Talker];
	expect(all.some(({ peer }) => peer.ring.members.length < 11)).toBe(true);
	for (const [index, { chat }] of all.entries()) {
		const others = twelve.filter((_, other) => other !== index).toSorted();
		expect(
			chat.people
				.in("#lobby")
				.map(({ shown }) => shown)
				.toSorted(),
		).toEqual(others);
	}
	await first.enter("hello");
	await first.enter("//not a command");
	for (const { seen } of all.slice(1)) {
		expect(seen).toEqual(["#lobby <p0> hello", "#lobby <p0> /not a command"]);
	}
	expect(first.chat.counts).toEqual({ sent: 22, received: 0, lost: 0 });
});

test("a message to one is told to that one alone, and one to nobody to nobody", async () => {
	const room = new Room();
	const all = await room.of(...twelve);
	const [first, , third] = all as [Talker, Talker, Talker];
	await first.enter("/msg p2 a secret");
	expect(third.seen).toEqual(["*p0* a secret"]);
	expect(first.seen).toEqual(["-> *p2* a secret"]);
	third.host.crash({ silent: true });
	await first.enter("/msg p2 another");
	await room.simulation.run(120_000);
	expect(first.seen[1]).toMatch(/^! p2 did not get it: /);
	expect(first.seen).toContain("* p2 is gone");
	for (const { seen } of all) expect(seen.join("\n")).not.toContain("another");
});

test("who falls silent is gone for everybody", async () => {
	const room = new Room();
	const all = await room.of(...twelve);
	const [, second] = all as [Talker, Talker];
	second.host.crash({ silent: true });
	await room.simulation.run(150_000);
	for (const { seen } of all.filter((talker) => talker !== second)) {
		expect(seen.filter((line) => line.includes("p1 "))).toEqual(["* p1 is gone"]);
	}
});

test("commands that cannot be done say why, and nothing is sent", async () => {
	const room = new Room();
	const [ana, bob] = (await room.of("ana", "bob")) as [Talker, Talker];
	const cases: readonly (readonly [string, RegExp])[] = [
		["/nonsense x", /^! there is no \/nonsense: \/help says what there is$/],
		["/join lobby", /^! a channel is # and up to 24 letters/],
		["/join #a b", /^! a channel is # /],
		["/part #elsewhere", /^! you are not in #elsewhere$/],
		["/msg", /^! say whom and what/],
		["/msg bob", /^! say whom and what/],
		["/msg cem hi", /^! cem is not here/],
		["/connect nowhere", /^! say where: \/connect host:port$/],
		["/connect 192.0.2.1:9", /^! .*\(check the address/],
		[`/msg bob ${"x".repeat(4_097)}`, /^! 4097 bytes; 4096 go at once$/],
		["y".repeat(4_097), /^! 4097 bytes; 4096 go at once$/],
	];
	for (const [line, says] of cases) {
		ana.seen.length = 0;
		await ana.enter(line);
		expect(ana.seen.join("\n"), line).toMatch(says);
	}
	await ana.enter("  ");
	await ana.enter("/part");
	ana.seen.length = 0;
	await ana.enter("to nobody");
	await ana.enter("/part");
	expect(ana.seen).toEqual(["! you are in no channel: /join #lobby", "! you are in no channel"]);
	for (let channel = 0; channel < 33; channel++) await ana.enter(`/join #c${channel}`);
	expect(ana.seen.at(-1)).toBe("! 32 channels are the most: /part one");
	expect(bob.seen.filter((line) => !line.startsWith("* ana is no more in"))).toEqual([]);
});

test("/who, /stats, /help, /quit and completion", async () => {
	const room = new Room();
	const [ana, bob] = (await room.of("ana", "bob")) as [Talker, Talker];
	await ana.enter("/who #lobby");
	await ana.enter("/WHO #empty");
	expect(ana.seen).toEqual([`* bob ${bob.host.ip}:${PORT} #lobby`, "* nobody else is in #empty"]);
	await ana.enter("/stats");
	expect(ana.seen.at(-3)).toBe("* 0 sent, 0 received, 0 not delivered");
	expect(ana.seen.at(-1)).toContain(ana.peer.hash.toString());
	ana.seen.length = 0;
	await ana.enter("/help");
	expect(ana.seen).toHaveLength(8);
	const conversation = new Conversation(ana.peer, ana.chat, () => {});
	expect(conversation.complete("/w")).toEqual([["/who "], "/w"]);
	expect(conversation.complete("/msg b")).toEqual([["bob "], "b"]);
	expect(conversation.complete("/part #l")).toEqual([["#lobby"], "#l"]);
	expect([conversation.prompt, conversation.over]).toEqual(["(no channel)> ", false]);
	await conversation.take("/quit");
	expect(conversation.over).toBe(true);
	await room.simulation.runUntil(bob.chat.leave());
	expect(ana.seen.at(-1)).toBe("* bob has left");
});

const presence = (name: string): Presence => ({ name, channels: [], run: 0, changes: 0 });

const stranger = (value: string): RemotePeer => ({
	hash: new Hash({ value }),
	address: undefined,
	verified: false,
});

test("a name belongs to the peer from which it was first heard, also once that is gone", () => {
	const people = new People("me");
	const shown = (id: string, name: string): string =>
		people.meet(stranger(id), presence(name), 0)?.now.shown ?? "";
	expect(shown("1", "ana")).toBe("ana");
	const second = shown("2", "ana");
	expect(second).toBe(`ana~${new Hash({ value: "2" }).toString().slice(0, 4)}`);
	expect(shown("1", "ana")).toBe("ana");
	const [first] = people.present;
	if (first) people.gone(first);
	expect(shown("3", "ana")).toMatch(/^ana~/);
	expect(shown("2", "ana")).toBe(second);
	expect(shown("1", "ana")).toBe("ana");
	expect(shown("4", "me")).toMatch(/^me~/);
});

test("what somebody says of themselves counts unless they have said something newer, in the same run", () => {
	const people = new People("me");
	const says = (channels: string[], run: number, changes: number): unknown =>
		people.meet(stranger("1"), { name: "ana", channels, run, changes }, 0)?.now.channels;
	expect(says(["#a", "#b"], 7, 2)).toEqual(new Set(["#a", "#b"]));
	expect(says(["#a"], 7, 1)).toBeUndefined();
	expect(people.in("#b")).toHaveLength(1);
	expect(says(["#b"], 7, 3)).toEqual(new Set(["#b"]));
	expect(says([], 8, 0)).toEqual(new Set());
	const [ana] = people.present;
	if (ana !== undefined) people.gone(ana);
	expect(says(["#c"], 8, 0)).toEqual(new Set(["#c"]));
});

test("of 1,000 people, those who are gone make room, and those who are there do not", () => {
	const people = new People("me");
	for (let id = 0; id < 1_000; id++) people.meet(stranger(`${id}`), presence(`n${id}`), 0);
	expect(people.meet(stranger("one more"), presence("x"), 0)).toBeUndefined();
	const one = people.named("n7");
	if (one) people.gone(one);
	expect(people.meet(stranger("one more"), presence("x"), 0)?.now.shown).toBe("x");
	expect(people.get(stranger("7"))).toBeUndefined();
});

test("notes are what was written, and anything else is nothing", () => {
	const notes: Note[] = [
		{ kind: "here", name: "ana", channels: ["#a", "#b"], run: 7, changes: 2, ask: true },
		{ kind: "gone" },
		{ kind: "say", channel: "#a", text: "grüße 🦗" },
		{ kind: "tell", text: "x".repeat(4_096) },
	];
	for (const note of notes) expect(decodeNote(encodeNote(note))).toEqual(note);
	expect(() => encodeNote({ kind: "tell", text: "x".repeat(4_097) })).toThrow(/4097/);
	const valid = encodeNote({ kind: "say", channel: "#a", text: "hi" });
	expect(Buffer.from(valid).toString("hex")).toBe("0d6369636164612f636861742f320202236100026869");
	for (let length = 0; length < valid.length; length++) {
		expect(decodeNote(valid.slice(0, length)), `${length} bytes`).toBeUndefined();
	}
	expect(decodeNote(Uint8Array.of(...valid, 0))).toBeUndefined();
	expect(decodeNote(encodeNote({ kind: "here", ...presence("a b"), ask: false }))).toBeUndefined();
	expect(decodeNote(encodeNote({ kind: "say", channel: "a", text: "" }))).toBeUndefined();
	expect(["ana", "Ünal-2", "a".repeat(24), "李"].every(isName)).toBe(true);
	expect(["", "a".repeat(25), "a b", "-a", "~a", "a\u0300", "a\u001b"].some(isName)).toBe(false);
	expect(isChannel("#garden") && !isChannel("garden") && !isChannel("##a")).toBe(true);
});

test("what others write cannot command the terminal", () => {
	const line: Line = {
		kind: "said",
		channel: "#a",
		who: "ana",
		text: "\u001b[2J\r\n\u202eevil\u0007",
	};
	expect(written(line, false)).toBe("#a <ana> \\u{1b}[2J\\u{d}\\u{a}\\u{202e}evil\\u{7}");
	expect(written({ kind: "trouble", text: "x" }, true)).toBe("\u001b[31m! x\u001b[0m");
});
