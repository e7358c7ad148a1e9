// What a peer shows of its place on the ring.
import { Hash } from "@cicada/chordlib";
import { expect, test } from "vitest";

import { type RemotePeer, SwarmError, SwarmPeer } from "../src/index.ts";
import { Swarm } from "./swarm.ts";

const idsOf = (peers: readonly RemotePeer[]): string[] => peers.map(({ hash }) => hash.toString());

test("neighbours, fingers and members are those of the ring", async () => {
	const swarm = new Swarm(11, { successors: 3 });
	await swarm.grow(12);
	const clockwise = swarm.peers.toSorted((a, b) => a.hash.compare(b.hash));
	for (const [index, peer] of clockwise.entries()) {
		const after = (steps: number): string =>
			clockwise[(index + steps + 12) % 12]?.hash.toString() ?? "";
		const { predecessor, successors, fingers, members } = peer.ring;
		expect(predecessor?.hash.toString()).toBe(after(-1));
		expect(idsOf(successors)).toEqual([after(1), after(2), after(3)]);
		const known = new Set([...idsOf(successors), after(-1), ...idsOf(fingers)]);
		expect(idsOf(members).toSorted()).toEqual([...known].toSorted());
	}
});

test("a lookup answers the first peer at or after an id, over more than one link", async () => {
	const swarm = new Swarm(12, { successors: 2 });
	await swarm.grow(12);
	const clockwise = swarm.peers.toSorted((a, b) => a.hash.compare(b.hash));
	let furthest = 0;
	for (let key = 0; key < 30; key++) {
		const id = new Hash({ value: `key ${key}` });
		const owner = clockwise.find(({ hash }) => hash.compare(id) >= 0) ?? clockwise[0];
		const { peer, hops } = await swarm.until(swarm.first.ring.lookup(id));
		expect((peer ?? swarm.first).hash.equals(owner?.hash as Hash)).toBe(true);
		expect(hops === 0).toBe(peer === undefined);
		furthest = Math.max(furthest, hops);
	}
	expect(furthest).toBeGreaterThan(1);
});

test("the ring event tells when a peer has come into it, and a link alone does not make a member", async () => {
	const swarm = new Swarm(13);
	const first = await swarm.add();
	const seen: number[] = [];
	first.on("peer", () => seen.push(first.ring.members.length));
	first.on("ring", ({ members }) => seen.push(members.length));
	const second = await swarm.add();
	await swarm.until(second.connect(first.listener));
	await swarm.simulation.run(1_000);
	expect(seen[0]).toBe(0);
	expect(seen.at(-1)).toBe(1);
});

test("a lookup rejects with the package's own errors", async () => {
	const code = (error: unknown): unknown => (error as SwarmError).code;
	expect(() => new SwarmPeer().ring).toThrow(SwarmError);
	const peer = await new Swarm(14).add();
	const notAHash = "0" as unknown as Hash;
	expect(await peer.ring.lookup(notAHash).catch(code)).toBe("INVALID_ARGUMENT");
	await peer.close();
	expect(await peer.ring.lookup(peer.hash).catch(code)).toBe("CLOSED");
});
