import { Hash, Identity, type RemoteNode } from "@cicada/chordlib";
import { type SimHost, Simulation } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Broadcast } from "../src/broadcast.ts";
import type { BroadcastLimits } from "../src/broadcast/jobs.ts";
import {
	type Acknowledgement,
	type Header,
	type Offer,
	type Progress,
	digestType,
	offerType,
	reportType,
	withdrawType,
} from "../src/broadcast/messages.ts";
import type { BroadcastNetwork } from "../src/broadcast/network.ts";
import { digestOf, sign } from "../src/broadcast/signature.ts";
import { SwarmError, type SwarmLimit } from "../src/index.ts";
import { checkLimits } from "../src/options.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Somebody at a place of the ring. */
function member(place: bigint): RemoteNode {
	return { hash: new Hash({ hashed: place }), address: { host: "192.0.2.1", port: 7_000 } };
}

const ME = member(10n);
const PARENT = member(5n);
const NEXT = member(20n);
const origin = Identity.create();

type Handler = (value: unknown, from: RemoteNode, answer: (response: never) => void) => void;

/** One peer with its part of every broadcast; what it asks of others is answered as the test says. */
class Scene {
	readonly simulation = new Simulation({ seed: 1 });
	readonly host: SimHost = this.simulation.host("me");
	/** Checks of signatures that are under way. */
	readonly checks: (() => void)[] = [];
	/** Whether checks come to nothing. */
	failing = false;
	/** What was taken into the inbox, and what is done about it. */
	readonly got: string[] = [];
	taken: () => void = () => {};
	/** What was said to whom. */
	readonly told: string[] = [];
	/** Peers that this one serves, and that have no place in the ring. */
	leaves: readonly RemoteNode[] = [];
	/** What others answer to digests: the places of those that they lack. */
	lacking: readonly number[] | undefined;
	/** Tells that the link to a peer is gone. */
	lose: (peer: Hash) => void = () => {};
	/** Limits that were met. */
	readonly reached: SwarmLimit[] = [];
	readonly broadcast: Broadcast;
	readonly #handlers = new Map<number, Handler>();

	constructor(broadcasts: Partial<BroadcastLimits> = {}) {
		const { clock, random } = this.host;
		const network: BroadcastNetwork = {
			clock,
			random,
			self: ME,
			identity: Identity.create(),
			verify: (signed, done) => {
				this.checks.push(() => {
					const isForged = Buffer.compare(signed.signature, new Uint8Array(64)) === 0;
					done(this.failing ? undefined : !isForged);
				});
			},
			successors: () => [NEXT],
			fingers: () => [],
			predecessor: () => PARENT,
			leaves: () => this.leaves,
			lookup: (_id, _budget, done) => {
				const timer = clock.schedule(1, () => {
					done(undefined, NEXT);
				});
				return () => {
					timer.cancel();
				};
			},
			ask: (to, { name, tag }, _value, _budget, done) => {
				this.told.push(`${name.split("/").at(-1)} to ${to.hash.toBigInt()}`);
				if (tag === digestType.tag) done(undefined, this.lacking as never);
				return () => {};
			},
			tell: (to, { name }) => {
				this.told.push(`${name.split("/").at(-1)} to ${to.hash.toBigInt()}`);
			},
			serve: ({ tag }, handle) => this.#handlers.set(tag, handle as Handler),
			hear: ({ tag }, handle) => this.#handlers.set(tag, handle as Handler),
			watch: ({ lost }) => {
				this.lose = lost;
			},
		};
		this.broadcast = new Broadcast({
			network,
			accept: (_source, data) => {
				this.got.push(new TextDecoder().decode(data));
				this.taken();
				return true;
			},
			limits: { ...checkLimits({ broadcasts }), frame: 65_536 },
			reached: (limit) => this.reached.push(limit),
		});
	}

	/** Offers a broadcast to this peer; what it answers, and after how many milliseconds. */
	offer(given: Partial<Offer> & { readonly header: Header }, from = PARENT): Answers {
		const answers: Answers = { states: [] };
		const rest = { age: 0, budget: 60_000, patience: 6_000, ask: 1, piece: 1_024 };
		const offer: Offer = { ...rest, limit: NEXT.hash, data: text("to all"), ...given };
		const began = this.simulation.now;
		this.#handlers.get(offerType.tag)?.(offer, from, (answer: Acknowledgement) => {
			const after = this.simulation.now - began;
			answers.states.push([answer.state, answer.progress.done, after]);
		});
		return answers;
	}

	withdraw(header: Header, from = PARENT): void {
		this.#handlers.get(withdrawType.tag)?.(header, from, () => {});
	}

	/** The next peer reports on what it was asked for first. */
	report(progress: Progress): void {
		this.#handlers.get(reportType.tag)?.({ ask: 1, progress }, NEXT, () => {});
	}

	/** Ends the checks that are under way. */
	check(): void {
		for (const end of this.checks.splice(0)) end();
		this.simulation.advance(0);
	}
}

interface Answers {
	readonly states: [state: Acknowledgement["state"], done: boolean, after: number][];
}

/** What the origin said. */
function header(number: number): Header {
	const data = text("to all");
	return sign(origin, {
		number,
		origin: new Hash({ value: "origin" }),
		originAddress: undefined,
		excluded: [],
		size: data.length,
		digest: digestOf(data),
	});
}

test("an offer is acknowledged when all of its interval is done, with one message", () => {
	const scene = new Scene();
	const { states } = scene.offer({ header: header(1) });
	scene.check();
	// Nobody is between here and the limit, which is known once that has been looked up.
	scene.simulation.advance(1_000);
	expect(states).toEqual([["accepted", true, 26]]);
	expect([scene.got, scene.told]).toEqual([["to all"], []]);
});

test("an offer of which more than a moment is left to do is acknowledged meanwhile, and reported on at the end", () => {
	const scene = new Scene();
	const { states } = scene.offer({ header: header(1), limit: PARENT.hash });
	scene.check();
	scene.simulation.advance(1_000);
	expect(states).toEqual([["accepted", false, 40]]);
	expect(scene.told).toEqual(["offer to 20"]);
	const progress = { held: 1, reached: 0, spread: false, done: false, complete: true };
	for (const held of [1, 2, 3, 4, 5]) {
		scene.report({ ...progress, held });
		scene.simulation.advance(250);
	}
	// What is not the end is told twice a second.
	expect(scene.told.slice(1)).toEqual(["report to 5", "report to 5", "report to 5"]);
	scene.report({ ...progress, spread: true, done: true });
	scene.simulation.advance(10);
	expect(scene.told.slice(4)).toEqual(["report to 5"]);
});

test("an offer that is made again is answered at once, and so is one that another takes the place of", () => {
	const scene = new Scene();
	const first = scene.offer({ header: header(1), limit: PARENT.hash });
	scene.check();
	const other = scene.offer({ header: header(2), limit: PARENT.hash });
	scene.check();
	const again = scene.offer({ header: header(1), limit: PARENT.hash });
	const instead = scene.offer({ header: header(2), limit: member(30n).hash });
	for (const { states } of [first, again, other]) {
		expect(states).toEqual([["accepted", false, 0]]);
	}
	scene.simulation.advance(1_000);
	expect(instead.states).toEqual([["accepted", false, 40]]);
	expect([first, again, other].map(({ states }) => states.length)).toEqual([1, 1, 1]);
});

test("where much is under way, it is acknowledged at once: whoever asks may have only so much open", () => {
	const scene = new Scene();
	const answers = Array.from({ length: 40 }, (_, number) =>
		scene.offer({ header: header(number), limit: PARENT.hash }),
	);
	scene.check();
	expect(answers.map(({ states }) => states.length)).toEqual([
		...Array.from({ length: 32 }, () => 0),
		...Array.from({ length: 8 }, () => 1),
	]);
	scene.simulation.advance(1_000);
	expect(answers.every(({ states }) => states.length === 1)).toBe(true);
	const { states } = scene.offer({ header: header(99), limit: PARENT.hash });
	scene.check();
	scene.simulation.advance(1_000);
	expect(states).toEqual([["accepted", false, 40]]);
});

test("what is withdrawn, or let go, is acknowledged to whoever asked", () => {
	const scene = new Scene();
	const withdrawn = scene.offer({ header: header(1), limit: PARENT.hash });
	const reset = scene.offer({ header: header(2), limit: PARENT.hash });
	scene.check();
	scene.withdraw(header(1));
	expect(withdrawn.states).toHaveLength(1);
	scene.broadcast.reset(new SwarmError("CLOSED", "closed"));
	expect(reset.states).toHaveLength(1);
	expect(scene.broadcast.count).toBe(0);
	scene.simulation.advance(100_000);
	expect([withdrawn.states.length, reset.states.length]).toEqual([1, 1]);
	expect(scene.simulation.step()).toBe(false);
});

test("one that is let go while it is being checked does not begin", () => {
	const scene = new Scene();
	const { states } = scene.offer({ header: header(1) });
	scene.broadcast.reset(new SwarmError("CLOSED", "closed"));
	scene.check();
	expect([states, scene.got, scene.broadcast.count]).toEqual([[["over", false, 0]], [], 0]);
});

test("one that is taken back while it is being checked does not begin; others' offers of it do", () => {
	const scene = new Scene();
	const [withdrawn, lost] = [1, 2].map((number) => scene.offer({ header: header(number) }));
	const [kept] = [1].map((number) => scene.offer({ header: header(number) }, member(1n)));
	const other = scene.offer({ header: header(3) }, member(2n));
	scene.withdraw(header(1));
	scene.withdraw(header(2), member(1n));
	scene.withdraw(header(3), member(1n));
	scene.lose(member(2n).hash);
	scene.check();
	scene.simulation.advance(1_000);
	expect([withdrawn, other].map((one) => one?.states)).toEqual([
		[["over", false, 0]],
		[["over", false, 0]],
	]);
	expect([lost, kept].map((one) => one?.states)).toEqual([
		[["accepted", true, 26]],
		[["accepted", true, 26]],
	]);
	// It was not over: it may be offered again.
	const again = scene.offer({ header: header(3) });
	scene.check();
	scene.simulation.advance(1_000);
	expect(again.states).toEqual([["accepted", true, 26]]);
});

test("a check that comes to nothing makes nobody pass this peer over for good: it is busy", () => {
	const scene = new Scene();
	scene.failing = true;
	const { states } = scene.offer({ header: header(1) });
	scene.check();
	expect(states).toEqual([["busy", false, 0]]);
	scene.failing = false;
	const again = scene.offer({ header: header(1) });
	scene.check();
	scene.simulation.advance(1_000);
	expect(again.states).toEqual([["accepted", true, 26]]);
});

test.for([
	["broadcasts.checksPerPeer", { checksPerPeer: 3 }, 1],
	["broadcasts.checks", { checks: 3 }, 2],
	["broadcasts.checksPerPeer", {}, 1],
	["broadcasts.checks", {}, 5],
] as const)("%s, set to %o: so many are checked, one more is refused", ([limit, set, peers]) => {
	const scene = new Scene(set);
	const most = (set as Record<string, number>)[limit.split(".")[1]!] ?? (peers === 1 ? 256 : 1_024);
	const forged = { ...header(1), signature: new Uint8Array(64) };
	const offer = (index: number): Answers =>
		scene.offer({ header: { ...forged, number: index } }, member(BigInt(index % peers) + 1n));
	const answers = Array.from({ length: most }, (_, index) => offer(index));
	expect([scene.checks.length, scene.reached]).toEqual([most, []]);
	// What is taken back while it is checked takes its room until then.
	scene.withdraw(forged, member(1n));
	expect(offer(most).states).toEqual([["busy", false, 0]]);
	expect([scene.checks.length, scene.reached]).toEqual([most, [limit]]);
	scene.check();
	expect(answers.every(({ states }) => states[0]?.[0] === "over")).toBe(true);
	expect(offer(most + 1).states).toEqual([]);
});

test("whoever gets a message may let go of everything: nothing goes on", () => {
	const scene = new Scene();
	scene.leaves = [member(8n)];
	scene.taken = () => {
		scene.broadcast.reset(new SwarmError("CLOSED", "closed"));
	};
	const { states } = scene.offer({ header: header(1), limit: PARENT.hash });
	scene.check();
	expect([states.length, scene.broadcast.count, scene.got]).toEqual([1, 0, ["to all"]]);
	scene.simulation.advance(100_000);
	expect(scene.told).toEqual([]);
	expect(scene.simulation.step()).toBe(false);
});

test("offers of one broadcast that are checked together are one broadcast; a forged one among them is none", () => {
	const scene = new Scene();
	const forged = { ...header(1), size: 5, signature: new Uint8Array(64) };
	const answers = [forged, header(1), header(1)].map((given, index) =>
		scene.offer({ header: given, ask: index }, member(BigInt(index + 1))),
	);
	expect(scene.checks).toHaveLength(3);
	scene.check();
	scene.simulation.advance(1_000);
	expect(answers.map(({ states }) => states)).toEqual([
		[["over", false, 0]],
		[["accepted", true, 26]],
		[["accepted", true, 26]],
	]);
	expect([scene.got, scene.broadcast.count]).toEqual([["to all"], 1]);
});

test("one that has ended while another offer of it was being checked does not begin again", () => {
	const scene = new Scene();
	scene.offer({ header: header(1), budget: 1_000 });
	const late = scene.offer({ header: header(1) }, member(1n));
	const [first, second] = scene.checks.splice(0);
	first?.();
	scene.simulation.advance(2_000);
	expect(scene.broadcast.count).toBe(0);
	second?.();
	expect([late.states, scene.got]).toEqual([[["over", false, 2_000]], ["to all"]]);
});

test("neighbours are told of a broadcast until they have it, and again when the link to them was lost", () => {
	const scene = new Scene();
	scene.offer({ header: header(1), budget: 600_000 });
	scene.check();
	const toldIn = (milliseconds: number): string[] => {
		scene.told.length = 0;
		scene.simulation.advance(milliseconds);
		return [...new Set(scene.told)].toSorted();
	};
	// Nobody answers: perhaps nobody has heard of it.
	expect(toldIn(20_000)).toEqual(["digest to 20", "digest to 5"]);
	scene.lacking = [0];
	expect(toldIn(20_000)).toEqual(["digest to 20", "digest to 5", "offer to 20", "offer to 5"]);
	scene.lacking = [];
	expect(toldIn(10_000)).toEqual(["digest to 20", "digest to 5"]);
	expect(toldIn(60_000)).toEqual([]);
	scene.lose(NEXT.hash);
	expect(toldIn(10_000)).toEqual(["digest to 20"]);
	scene.offer({ header: header(2), budget: 600_000 });
	scene.check();
	expect(toldIn(10_000)).toEqual(["digest to 20", "digest to 5"]);
});
