import { Hash } from "@cicada/chordlib";
import { Simulation } from "@cicada/simnet";
import { describe, expect, test } from "vitest";

import type { Chunk } from "../src/delivery-messages.ts";
import { Inbound, type ReassemblyLimits } from "../src/inbound.ts";
import type { SwarmLimit, SwarmPeer } from "../src/index.ts";
import { remotePeer } from "../src/remote-peer.ts";
import { inClear } from "../src/session/keys.ts";
import { Session } from "../src/session/session.ts";
import { Forger } from "./forger.ts";
import { type PeerOptions, Swarm, codeOf, drain } from "./swarm.ts";

// Every limit of a peer beside those on links, which chordlib's tests try: at its value nothing is refused, dropped or ended
// for it; with one more, it is, and is counted.

const KIB = 1_024;

/** Two peers or more, and the counts of the one that is put under pressure, which is the first. */
interface Stage {
	readonly swarm: Swarm;
	readonly peer: SwarmPeer;
	readonly other: SwarmPeer;
}

interface Scene {
	/** How the peer under pressure is set. */
	readonly options: PeerOptions;
	/** How all are set. */
	readonly all?: PeerOptions;
	/** Goes to the limit, or one beyond it. */
	readonly play: (stage: Stage, more: 0 | 1) => Promise<void>;
}

const bytes = (size: number): Uint8Array => new Uint8Array(size);

/** Sends at once what has these sizes; the codes of those that are refused within a few seconds. */
async function sendAll(
	{ swarm }: Stage,
	from: SwarmPeer,
	to: SwarmPeer,
	sizes: readonly number[],
): Promise<string[]> {
	const codes: string[] = [];
	for (const size of sizes) {
		void codeOf(from.send(to, bytes(size))).then((code) => code !== "nothing" && codes.push(code));
	}
	await swarm.simulation.run(5_000);
	return codes;
}

/** Asks as often as that at once, and is never answered. */
async function askAll(
	{ swarm }: Stage,
	from: SwarmPeer,
	to: SwarmPeer,
	sizes: readonly number[],
): Promise<string[]> {
	const codes: string[] = [];
	for (const size of sizes)
		void codeOf(from.request(to, bytes(size))).then((code) => codes.push(code));
	await swarm.simulation.run(5_000);
	return codes;
}

function neverAnswers(peer: SwarmPeer): void {
	peer.onRequest(() => new Promise(() => {}));
}

/** Broadcasts that do not come to an end, since the only other peer has fallen silent. */
async function broadcastAll(
	{ swarm, peer, other }: Stage,
	sizes: readonly number[],
): Promise<string[]> {
	swarm.crash(other, { silent: true });
	const codes: string[] = [];
	for (const size of sizes)
		void codeOf(peer.broadcast(bytes(size))).then((code) => codes.push(code));
	await swarm.simulation.run(1_000);
	return codes;
}

/** Somebody says hello so many times, and nothing in the sessions that are opened for it. */
async function greetAll({ swarm, peer }: Stage, count: number): Promise<void> {
	const forger = await Forger.join(swarm);
	const record = await forger.recordOf(peer);
	for (let n = 0; n < count; n++) forger.greet(record, forger.node.record.bytes);
	await swarm.simulation.run(1_000);
}

const times = (count: number, size = 0): number[] => Array<number>(count).fill(size);

const SCENES: Partial<Record<SwarmLimit, Scene>> = {
	message: {
		options: { message: 100 * KIB },
		play: async (stage, more) => {
			const codes = await sendAll(stage, stage.other, stage.peer, [100 * KIB + more]);
			expect(codes).toEqual(more === 1 ? ["TOO_LARGE"] : []);
		},
	},
	"inbox.messages": {
		options: { inbox: { messages: 3 } },
		play: async (stage, more) => {
			await sendAll(stage, stage.other, stage.peer, times(3 + more, 1));
			expect(stage.peer.stats.inbox).toEqual({ messages: 3, bytes: 3 });
		},
	},
	"inbox.bytes": {
		options: { inbox: { bytes: 300 } },
		play: async (stage, more) => {
			await sendAll(stage, stage.other, stage.peer, [100, 100, 100 + more]);
			expect(stage.peer.pending).toBe(3 - more);
		},
	},
	"outbox.messages": {
		options: { outbox: { messages: 3 } },
		play: async (stage, more) => {
			const codes = await sendAll(stage, stage.peer, stage.other, times(3 + more, 1));
			expect(codes).toEqual(more === 1 ? ["BUSY"] : []);
		},
	},
	"outbox.bytes": {
		options: { outbox: { bytes: 300 } },
		play: async (stage, more) => {
			const codes = await sendAll(stage, stage.peer, stage.other, [100, 100, 100 + more]);
			expect(codes).toEqual(more === 1 ? ["BUSY"] : []);
		},
	},
	"calls.perPeer": {
		options: { calls: { perPeer: 3 } },
		play: async (stage, more) => {
			neverAnswers(stage.peer);
			await askAll(stage, stage.other, stage.peer, times(3 + more));
			expect(stage.peer.stats.calls.serving).toBe(3);
		},
	},
	"calls.requests": {
		options: { calls: { requests: 3 } },
		play: async (stage, more) => {
			neverAnswers(stage.other);
			const codes = await askAll(stage, stage.peer, stage.other, times(3 + more));
			expect([codes, stage.peer.stats.calls.asked]).toEqual([more === 1 ? ["BUSY"] : [], 3]);
		},
	},
	"calls.bytes": {
		options: { calls: { bytes: 300 } },
		play: async (stage, more) => {
			neverAnswers(stage.peer);
			// The one that is to be served counts with the 11 bytes before its data.
			await askAll(stage, stage.other, stage.peer, [150, 150 - 11 + more]);
			expect(stage.peer.stats.calls.serving).toBe(2 - more);
		},
	},
	sessions: {
		options: { sessions: 3 },
		play: async ({ swarm, peer }, more) => {
			for (let n = 0; n < 2 + more; n++) {
				const sender = await swarm.add();
				await swarm.until(sender.connect(peer.listener));
				await swarm.until(sender.send(peer, "hello"));
			}
			// One is with the first of the others.
			await swarm.until(swarm.peers[1]!.send(peer, "hello"));
			expect(peer.stats.sessions.open).toBe(3);
		},
	},
	"handshakes.opening": {
		options: { handshakes: { opening: 3 } },
		all: { encryption: "required" },
		play: (stage, more) => greetAll(stage, 3 + more),
	},
	"handshakes.rate": {
		options: { handshakes: { rate: 1, burst: 3 } },
		all: { encryption: "required" },
		play: (stage, more) => greetAll(stage, 3 + more),
	},
	"broadcasts.jobs": {
		options: { broadcasts: { jobs: 3 } },
		play: async (stage, more) => {
			expect(await broadcastAll(stage, times(3 + more))).toEqual(more === 1 ? ["BUSY"] : []);
			expect(stage.peer.stats.broadcasts).toBe(3);
		},
	},
	"broadcasts.bytes": {
		options: { broadcasts: { bytes: 300 } },
		play: async (stage, more) => {
			const codes = await broadcastAll(stage, [100, 100, 100 + more]);
			expect(codes).toEqual(more === 1 ? ["BUSY"] : []);
		},
	},
	"broadcasts.perKey": {
		options: { broadcasts: { perKey: 3 } },
		play: async (stage, more) => {
			expect(await broadcastAll(stage, times(3 + more))).toEqual(more === 1 ? ["BUSY"] : []);
		},
	},
	"broadcasts.bytesPerKey": {
		options: { broadcasts: { bytesPerKey: 300 } },
		play: async (stage, more) => {
			const codes = await broadcastAll(stage, [100, 100, 100 + more]);
			expect(codes).toEqual(more === 1 ? ["BUSY"] : []);
		},
	},
};

async function play(
	name: string,
	{ all, options, play: act }: Scene,
	more: 0 | 1,
): Promise<number> {
	const swarm = new Swarm(1, all);
	const peer = await swarm.add(options);
	const other = await swarm.add();
	await swarm.until(other.connect(peer.listener));
	await swarm.simulation.run(5_000);
	await act({ swarm, peer, other }, more);
	const { reached } = peer.stats;
	for (const each of swarm.peers) await each.close();
	return reached[name as SwarmLimit];
}

test.each(Object.entries(SCENES))("%s: at the limit all is well", async (name, scene) => {
	expect(await play(name, scene, 0)).toBe(0);
});

test.each(Object.entries(SCENES))(
	"%s: one beyond is too many, and counted",
	async (name, scene) => {
		expect(await play(name, scene, 1)).toBeGreaterThan(0);
	},
);

test("sessions that nobody used within a minute make room before the limit does", async () => {
	const scene: Scene = {
		options: { handshakes: { opening: 3 } },
		all: { encryption: "required" },
		play: async (stage, more) => {
			await greetAll(stage, 3);
			await stage.swarm.simulation.run(more === 0 ? 30_000 : 60_000);
			await greetAll(stage, 1);
		},
	};
	expect(await play("handshakes.opening", scene, 0)).toBe(1);
	expect(await play("handshakes.opening", scene, 1)).toBe(0);
});

test.each(["off", "required"] as const)(
	"sessions: a lane that was forgotten goes on in the session that others kept (encryption %s)",
	async (encryption) => {
		const swarm = new Swarm(1, { encryption });
		const from = await swarm.add({ sessions: 3 });
		const [to, ...others] = await swarm.grow(3);
		if (to === undefined) throw new Error("nobody came");
		to.onRequest(({ data }) => data);
		const ask = async (word: string): Promise<string> => {
			const { data } = await swarm.until(from.request(to, word, { timeout: 5_000 }));
			return new TextDecoder().decode(data);
		};
		const send = async (peer: SwarmPeer, word: string): Promise<void> => {
			await swarm.until(from.send(peer, word, { timeout: 5_000 }));
		};
		expect(await ask("one")).toBe("one");
		await send(to, "a");
		// The lane of requests is the one longest unused.
		for (const other of others) await send(other, "else");
		expect(await ask("two")).toBe("two");
		// Now it is that of messages.
		for (const other of others) await send(other, "else");
		await send(to, "b");
		await send(to, "c");
		expect(from.stats.reached.sessions).toBeGreaterThan(1);
		expect(await drain(to)).toEqual(["a", "b", "c"]);
	},
);

describe("what is kept of messages that are not whole", () => {
	/** Chunks of this size are kept with 128 bytes besides. */
	const CHUNK = 2_000;
	const COST = CHUNK + 128;

	function sessionWith(origin: string): Session {
		const node = { hash: new Hash({ value: origin }), address: { host: "192.0.2.1", port: 7_000 } };
		const ciphers = { send: inClear, receive: inClear };
		return new Session({ ours: 1, theirs: 1 }, { node, record: undefined }, ciphers, 65_536, 0);
	}

	/** The receiving end of a peer, and others that say what they like. */
	class Receiver {
		readonly simulation = new Simulation({ seed: 1 });
		readonly reached: SwarmLimit[] = [];
		readonly inbound: Inbound;
		readonly sessions = new Map<string, Session>();

		constructor(reassembly: Partial<ReassemblyLimits>) {
			const limits = {
				perPeer: 8,
				bytes: 1_000_000,
				early: 1_000_000,
				stalled: 10_000,
				...reassembly,
			};
			this.inbound = new Inbound({
				clock: this.simulation.host("peer").clock,
				limits: { message: 100_000, reassembly: limits },
				reached: (limit) => this.reached.push(limit),
				peerOf: ({ node }) => remotePeer(node),
				accept: () => true,
				reply: () => {},
				end: (session) => {
					this.inbound.forget(session);
				},
			});
		}

		/** `origin` says chunk `number` of a message that does not end with it. */
		say(origin: string, session: number, number: number): this {
			const name = `${origin} ${session}`;
			const known = this.sessions.get(name) ?? sessionWith(origin);
			this.sessions.set(name, known);
			const chunk: Chunk = { start: number === 0, end: false, data: bytes(CHUNK) };
			this.inbound.receive(known, { lane: "inbox", number, base: 0, chunks: [chunk] }, 1);
			return this;
		}
	}

	test("reassembly.perPeer: of one peer, and of another peer as many again", () => {
		const receiver = new Receiver({ perPeer: 2 }).say("a", 1, 0).say("a", 2, 0).say("b", 1, 0);
		expect([receiver.reached, receiver.inbound.counts.unfinished]).toEqual([[], 3 * COST]);
		receiver.say("a", 3, 0);
		expect([receiver.reached, receiver.inbound.counts.unfinished]).toEqual([
			["reassembly.perPeer"],
			3 * COST,
		]);
	});

	test("reassembly.bytes: in all, but for the one that was begun first", () => {
		const receiver = new Receiver({ bytes: 2 * COST }).say("a", 1, 0).say("b", 1, 0);
		expect([receiver.reached, receiver.inbound.counts.unfinished]).toEqual([[], 2 * COST]);
		receiver.say("c", 1, 0);
		expect(receiver.reached).toEqual(["reassembly.bytes"]);
		receiver.say("a", 1, 1);
		expect(receiver.inbound.counts.unfinished).toBe(3 * COST);
	});

	test("reassembly.early: chunks before their turn", () => {
		const receiver = new Receiver({ early: 2 * COST }).say("a", 1, 0).say("a", 1, 2).say("a", 1, 3);
		expect([receiver.reached, receiver.inbound.counts.early]).toEqual([[], 2 * COST]);
		receiver.say("a", 1, 4);
		expect([receiver.reached, receiver.inbound.counts.early]).toEqual([
			["reassembly.early"],
			2 * COST,
		]);
	});

	test("reassembly.stalled: after that time, what does not go on makes room", async () => {
		for (const more of [0, 1] as const) {
			const receiver = new Receiver({ bytes: COST, stalled: 3_000 }).say("a", 1, 0);
			await receiver.simulation.run(3_000 + more);
			receiver.say("b", 1, 0);
			expect(receiver.reached).toEqual([more === 1 ? "reassembly.stalled" : "reassembly.bytes"]);
			expect(receiver.inbound.counts.unfinished).toBe(COST);
		}
	});
});

test("every limit of a peer is tried, and shown by its statistics", async () => {
	const swarm = new Swarm(1);
	const { reached, inbox, outbox, calls, sessions, broadcasts } = (await swarm.add()).stats;
	const own = Object.keys(reached).filter(
		(name) => name === "message" || /\./.test(name) || name === "sessions",
	);
	const reassembly = ["perPeer", "bytes", "early", "stalled"].map((name) => `reassembly.${name}`);
	// Tried where checks take as long as the test wants: in broadcast-offers.test.ts.
	const checks = ["checks", "checksPerPeer"].map((name) => `broadcasts.${name}`);
	expect([...Object.keys(SCENES), ...reassembly, ...checks].toSorted()).toEqual(own.toSorted());
	expect({ inbox, outbox, calls, sessions, broadcasts }).toEqual({
		inbox: { messages: 0, bytes: 0 },
		outbox: { messages: 0, bytes: 0 },
		calls: { asked: 0, serving: 0, bytes: 0 },
		sessions: { open: 0, unfinished: 0, early: 0 },
		broadcasts: 0,
	});
});
