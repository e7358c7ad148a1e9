import {
	type Answer,
	Hash,
	LocalNode,
	type NoticeType,
	type RemoteNode,
	type RequestType,
	decode,
	defineNotice,
	defineRequest,
	encode,
	rest,
} from "@cicada/chordlib";
import { afterEach, expect, test, vi } from "vitest";

import type { SwarmPeer } from "../src/index.ts";
import { Swarm, codeOf, drain, expectCode, sparse } from "./swarm.ts";

// A member that keeps the protocol but for what it says: each message of its own is altered on its way out, by the field or
// by the byte. Its sessions, calls and broadcasts are real ones, so that what is altered gets deep. The others go on.

const factor = Number(process.env["CICADA_FACTOR"] ?? 1);
const MESSAGES = 3_000 * factor;
/** Numbers at which something ends. */
const EDGES = [0, 1, 2, 255, 256, 1_023, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 48 - 1];

type Chance = Swarm["simulation"]["random"];

const below = (chance: Chance, limit: number): number => Math.floor(chance.next() * limit);

function bytesLike(chance: Chance, bytes: Uint8Array): Uint8Array {
	const altered = new Uint8Array(bytes);
	const at = below(chance, bytes.length);
	switch (below(chance, 4)) {
		case 0:
			return bytes.subarray(0, at);
		case 1:
			return Buffer.concat([bytes, chance.bytes(1 + below(chance, 40))]);
		case 2:
			return Buffer.concat([bytes.subarray(0, at), chance.bytes(4), bytes.subarray(at)]);
		default:
			if (bytes.length > 0) altered[at]! ^= 1 << below(chance, 8);
			return altered;
	}
}

/** The same value with one thing about it altered, deep inside. */
function fieldAltered(chance: Chance, value: unknown): unknown {
	if (typeof value === "number") return EDGES[below(chance, EDGES.length)];
	if (typeof value === "boolean") return !value;
	if (value instanceof Uint8Array) return bytesLike(chance, value);
	if (value instanceof Hash) return new Hash({ hashed: chance.bytes(32) });
	if (Array.isArray(value)) {
		const items = value as readonly unknown[];
		const at = below(chance, items.length);
		if (items.length === 0 || chance.next() < 0.2) return [...items, ...items];
		if (chance.next() < 0.2) return items.toSpliced(at, 1);
		return items.with(at, fieldAltered(chance, items[at]));
	}
	if (typeof value === "object" && value !== null) {
		const fields: readonly [string, unknown][] = Object.entries(value);
		const [name, field] = fields[below(chance, fields.length)] ?? ["", undefined];
		return { ...value, [name]: fieldAltered(chance, field) };
	}
	return value;
}

/** What is said instead of a body: its bytes. */
function altered(
	chance: Chance,
	type: Pick<NoticeType<unknown>, "body">,
	value: unknown,
): Uint8Array {
	const bytes = encode(type.body, value, 65_000);
	if (chance.next() < 0.3) return bytesLike(chance, bytes);
	try {
		return encode(type.body, fieldAltered(chance, value), 65_000);
	} catch {
		// What no codec writes, bytes can still say.
		return bytesLike(chance, bytes);
	}
}

/** From now on, most of what the node at this id says is altered; counts it, and by kind of message. */
function corrupt(swarm: Swarm, hash: Hash): Map<string, number> {
	const chance = swarm.simulation.random;
	const counts = new Map<string, number>();
	// What they are once they are watched calls them.
	const method = <Name extends "notify" | "ask" | "route">(name: Name): LocalNode[Name] =>
		Reflect.get(LocalNode.prototype, name) as LocalNode[Name];
	const [notify, ask, route] = [method("notify"), method("ask"), method("route")];
	const strikes = (node: LocalNode, { name }: { name: string }): boolean => {
		if (!node.hash.equals(hash) || chance.next() < 0.3) return false;
		counts.set(name, (counts.get(name) ?? 0) + 1);
		return true;
	};
	const noticeOf = ({ name }: { name: string }): NoticeType<Uint8Array> => defineNotice(name, rest);
	vi.spyOn(LocalNode.prototype, "route").mockImplementation(function (
		this: LocalNode,
		target: Hash,
		type: NoticeType<unknown>,
		value: unknown,
		options?: { via?: RemoteNode },
	) {
		if (!strikes(this, type)) return route.call(this, target, type, value, options);
		return route.call(this, target, noticeOf(type), altered(chance, type, value), options);
	});
	vi.spyOn(LocalNode.prototype, "notify").mockImplementation(async function (
		this: LocalNode,
		peer: RemoteNode,
		type: NoticeType<unknown>,
		value: unknown,
		options?: object,
	) {
		if (!strikes(this, type)) return notify.call(this, peer, type, value, options);
		return notify.call(this, peer, noticeOf(type), altered(chance, type, value), options);
	});
	vi.spyOn(LocalNode.prototype, "ask").mockImplementation(function (
		this: LocalNode,
		peer: RemoteNode,
		type: RequestType<unknown, unknown>,
		value: unknown,
		timeout: number,
		done: Answer<unknown>,
	) {
		if (!strikes(this, type)) return ask.call(this, peer, type, value, timeout, done);
		const raw = defineRequest(type.name, { request: rest, response: rest });
		const body = altered(chance, { body: type.request }, value);
		return ask.call(this, peer, raw, body, timeout, (error, answer) => {
			done(error, answer && decode(type.response, answer as Uint8Array));
		});
	});
	return counts;
}

afterEach(() => {
	vi.restoreAllMocks();
});

test(
	`${MESSAGES.toLocaleString("en")} altered messages of a member harm nobody`,
	async () => {
		const swarm = new Swarm(1, { ...sparse, route: "ring", outbox: { messages: 200 } });
		await swarm.grow(8);
		const errors: unknown[] = [];
		for (const peer of swarm.peers) {
			peer.on("error", (error) => errors.push(error));
			peer.onRequest(({ data }) => data);
		}
		const mallory = swarm.peers[3]!;
		const honest = swarm.peers.filter((peer) => peer !== mallory);
		const chance = swarm.simulation.random;
		const counts = corrupt(swarm, mallory.hash);
		const total = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
		const say = (to: SwarmPeer): void => {
			const data = new Uint8Array([0, 1, 100, 60_000][below(chance, 4)]!);
			const wait = { timeout: 3_000 };
			void codeOf(mallory.send(to, data, wait));
			void codeOf(mallory.request(to, data, wait));
			if (chance.next() < 0.3) void codeOf(mallory.broadcast(data, wait));
		};
		let served = 0;
		while (total() < MESSAGES) {
			for (const peer of honest) say(peer);
			await swarm.simulation.run(500);
			// Whatever it was that came of it.
			for (const peer of swarm.peers) await drain(peer);
			const [from, to] = [honest[served % 7]!, honest[(served + 3) % 7]!];
			await swarm.until(from.send(to, `served ${served}`));
			expect((await drain(to)).includes(`served ${served}`)).toBe(true);
			served++;
		}
		expect(errors).toEqual([]);
		expect(counts.size).toBeGreaterThan(5);
		// Nothing is left of it but what has a limit.
		await swarm.until(mallory.close());
		swarm.peers.splice(swarm.peers.indexOf(mallory), 1);
		await swarm.simulation.run(120_000);
		for (const peer of honest) {
			await drain(peer);
			const { calls, outbox, sessions } = peer.stats;
			expect([calls, outbox]).toEqual([
				{ asked: 0, serving: 0, bytes: 0 },
				{ messages: 0, bytes: 0 },
			]);
			expect(sessions.unfinished + sessions.early).toBeLessThan(8 * 1_048_576 + 65_536);
		}
		expect(await swarm.until(honest[0]!.broadcast("all is well"))).toEqual({ reached: 6 });
		await expectCode(swarm.until(honest[0]!.send(mallory, "?")), "NOT_FOUND");
	},
	60_000 * factor,
);
