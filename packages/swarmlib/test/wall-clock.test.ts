import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Clock } from "@cicada/chordlib";
import { expect, test } from "vitest";

import type { SwarmPeer } from "../src/index.ts";
import { Swarm, drain } from "./swarm.ts";

// The wall clock of a machine is set, forth or back: no peer is taken for dead, and no message is lost or comes twice.

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** A clock that is as given, but for the wall clock, which is wrong by so many seconds. */
function settable(clock: Clock, wrong: () => number): Clock {
	return {
		now: () => clock.now(),
		wall: () => clock.wall() + wrong(),
		schedule: (delay, run) => clock.schedule(delay, run),
		defer: (run) => {
			clock.defer(run);
		},
	};
}

test("wall clocks that are set by an hour or a day lose no peer, no broadcast and no message", async () => {
	const swarm = new Swarm(1, { encryption: "required", successors: 2 });
	const wrong: number[] = [];
	const lost: string[] = [];
	for (let n = 0; n < 10; n++) {
		const host = swarm.simulation.host(`peer ${n}`);
		const { random, transport } = host;
		const ports = { clock: settable(host.clock, () => wrong[n] ?? 0), random, transport };
		const peer = await swarm.add({ ports }, host);
		if (n > 0) await swarm.until(peer.connect(swarm.first.listener));
		peer.on("state", (state) => lost.push(`peer ${n} is ${state}`));
	}
	await swarm.simulation.run(20_000);
	lost.length = 0;
	const { peers } = swarm;
	for (const seconds of [HOUR, -HOUR, DAY, -DAY, 0]) {
		for (const some of [peers.slice(0, 5), peers]) {
			for (const peer of some) wrong[peers.indexOf(peer)] = seconds;
			const news = `${seconds} ${some.length}`;
			for (const from of [peers[0]!, peers[7]!]) {
				expect(await swarm.until(from.broadcast(news))).toEqual({ reached: 9 });
			}
			const { exact } = await swarm.until(peers[3]!.send(peers[8]!, `to one: ${news}`));
			expect(exact).toBe(true);
			await swarm.simulation.run(15_000);
			const heard = await Promise.all(peers.map((peer) => drain(peer)));
			const expected = peers.map((_peer, n) => {
				const broadcasts = n === 0 || n === 7 ? [news] : [news, news];
				return n === 8 ? [...broadcasts, `to one: ${news}`] : broadcasts;
			});
			expect(heard.map((texts) => texts.toSorted())).toEqual(
				expected.map((texts) => texts.toSorted()),
			);
		}
	}
	expect(lost).toEqual([]);
	expect(peers.map(({ stats }) => stats.reached.dead)).toEqual(Array(10).fill(0));
});

test("after a restart with the clock set back, a peer's broadcasts are new ones", async () => {
	const swarm = new Swarm(2, { encryption: "required" });
	await swarm.grow(4);
	const directory = await mkdtemp(join(tmpdir(), "wall-clock-"));
	const identityFile = join(directory, "keys.json");
	const reached: number[] = [];
	let restarted: SwarmPeer | undefined;
	const host = swarm.simulation.host("restarted");
	for (const seconds of [0, -HOUR, -DAY, DAY]) {
		const { random, transport } = host;
		const ports = { clock: settable(host.clock, () => seconds), random, transport };
		const peer = await swarm.add({ ports, identityFile, identity: "key" }, host);
		await swarm.until(peer.connect(swarm.first.listener));
		await swarm.simulation.run(5_000);
		// The numbers begin anew in each life, the epoch does not.
		for (let n = 0; n < 3; n++) {
			reached.push((await swarm.until(peer.broadcast(`${seconds} ${n}`))).reached);
		}
		expect(restarted === undefined || peer.hash.equals(restarted.hash)).toBe(true);
		restarted = peer;
		await peer.close();
		swarm.peers.splice(swarm.peers.indexOf(peer), 1);
		await swarm.simulation.run(5_000);
	}
	expect(reached).toEqual(Array(12).fill(4));
	for (const peer of swarm.peers) expect(await drain(peer)).toHaveLength(12);
	await rm(directory, { recursive: true });
});
