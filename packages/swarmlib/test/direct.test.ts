import { type Address, type LinkHandler, type Transport, formatAddress } from "@cicada/chordlib";
import type { SimHost } from "@cicada/simnet";
import { expect, test } from "vitest";

import { Hash, SwarmError, type SwarmPeer } from "../src/index.ts";
import { assertForSeeds, factor } from "./seeds.ts";
import { Swarm, areStrangers, drain, sparse } from "./swarm.ts";

const FILE = "direct.test.ts";
const MIB = 1_048_576;

/** A host's transport that notes which addresses are dialled. */
function noting({ transport }: SimHost, dialled: string[]): Transport {
	return {
		listen: (address, accept) => transport.listen(address, accept),
		dial: (address: Address, handler: LinkHandler) => {
			dialled.push(formatAddress(address));
			return transport.dial(address, handler);
		},
		resolve: (host) => transport.resolve(host),
		localHost: () => transport.localHost(),
	};
}

/** A sparse swarm, a peer of it whose dials are noted, and all to whom it has no link. */
async function sender(seed: number): Promise<{
	swarm: Swarm;
	from: SwarmPeer;
	strangers: [SwarmPeer, SwarmPeer, SwarmPeer];
	dialled: string[];
}> {
	const swarm = new Swarm(seed, sparse);
	await swarm.grow(24);
	const dialled: string[] = [];
	const host = swarm.simulation.host("sender");
	const { clock, random } = host;
	const ports = { clock, random, transport: noting(host, dialled) };
	const from = await swarm.add({ ports, route: "auto" }, host);
	await swarm.until(from.connect(swarm.first.listener));
	await swarm.simulation.run(30_000);
	const strangers = swarm.peers.filter((peer) => areStrangers(from, peer));
	if (strangers.length < 3) throw new Error("it knows everyone");
	dialled.length = 0;
	return { swarm, from, strangers: strangers as [SwarmPeer, SwarmPeer, SwarmPeer], dialled };
}

const addressOf = ({ listener }: SwarmPeer): string => formatAddress(listener);

test("`auto` dials a target that it has no link to, however that is named, and the message crosses one link", async () => {
	let others = 0;
	await assertForSeeds(FILE, 3, async (seed) => {
		const { swarm, from, strangers, dialled } = await sender(seed);
		const [a, b, c] = strangers;
		const { host, port } = b.listener;
		const sends = [from.send(a, "1"), from.send([host, port], "2"), from.send(c.hash, "3")];
		const receipts = await swarm.until(Promise.all(sends));
		expect(receipts.map(({ hops, exact }) => [hops, exact])).toEqual([
			[1, true],
			[1, true],
			[1, true],
		]);
		const targets = [a, b, c].map(addressOf).toSorted();
		expect(dialled.filter((address) => targets.includes(address)).toSorted()).toEqual(targets);
		others += dialled.length - targets.length;
		for (const peer of [a, b, c]) expect(areStrangers(from, peer)).toBe(false);
	});
	// Once in a while the ring dials just then.
	expect(others).toBeLessThanOrEqual(factor / 2);
});

test("`ring` dials nobody", async () => {
	const { swarm, from, strangers, dialled } = await sender(1);
	const [to] = strangers;
	const { hops } = await swarm.until(from.send(to, "by way of others", { route: "ring" }));
	expect(hops).toBeGreaterThan(1);
	expect(dialled).toEqual([]);
});

test("a target that cannot be dialled gets its message along the ring, and is left alone for a minute", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const { swarm, from, strangers } = await sender(seed);
		const [to] = strangers;
		swarm.simulation.partition([swarm.hostOf(from)], [swarm.hostOf(to)]);
		const started = swarm.simulation.now;
		const { hops } = await swarm.until(from.send(to, "0"));
		expect(hops).toBeGreaterThan(1);
		expect(swarm.simulation.now - started).toBeLessThan(1_500);
		const dialledAgo = async (): Promise<number> => {
			const { dialled } = await swarm.until(from.explain(to, { route: "ring" }));
			return dialled[0]?.age ?? Infinity;
		};
		for (let i = 1; i <= 9; i++) {
			await swarm.simulation.run(5_000);
			await swarm.until(from.send(to, `${i}`));
		}
		// It failed after 5 s, and was not tried again.
		expect(await dialledAgo()).toBeGreaterThan(38_000);
		await swarm.simulation.run(60_000);
		await swarm.until(from.send(to, "10"));
		expect(await dialledAgo()).toBeLessThan(5_000);
		expect(await drain(to)).toEqual(Array.from({ length: 11 }, (_, i) => `${i}`));
	});
});

test("what is sent while the link to the target breaks arrives once, in order, by way of others", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const { swarm, from, strangers } = await sender(seed);
		const [to] = strangers;
		await swarm.until(from.send(to, "0"));
		const data = Array.from({ length: 40 }, (_, i) => `${i + 1} ${"x".repeat((i % 4) * 40_000)}`);
		const sends = data.map((message) => from.send(to, message));
		await swarm.simulation.run(seed * 7);
		swarm.simulation.breakLinks(swarm.hostOf(from), swarm.hostOf(to));
		swarm.simulation.partition([swarm.hostOf(from)], [swarm.hostOf(to)]);
		await swarm.until(Promise.all(sends));
		expect(await drain(to)).toEqual(["0", ...data]);
	});
});

test("messages by `auto` and by `ring` to one target keep their order among each other", async () => {
	const { swarm, from, strangers } = await sender(2);
	const [to] = strangers;
	const texts = Array.from({ length: 30 }, (_, i) => `${i}`);
	const routes = ["ring", "auto"] as const;
	const sends = texts.map((text, i) => from.send(to, text, { route: routes[i % 2] ?? "auto" }));
	await swarm.until(Promise.all(sends));
	expect(await drain(to)).toEqual(texts);
});

test("a time-out says how far the message had come", async () => {
	const { swarm, from, strangers } = await sender(3);
	const [silent, full] = strangers;
	const messageOf = async (sending: Promise<unknown>): Promise<string> => {
		const error: unknown = await swarm.until(sending.catch((reason: unknown) => reason));
		if (!(error instanceof SwarmError)) throw new Error("it arrived");
		expect(error.code).toBe("TIMEOUT");
		return error.message;
	};
	swarm.hostOf(silent).pause();
	const nobody = await messageOf(from.send(silent, "hello", { timeout: 2_000, route: "ring" }));
	expect(nobody).toContain(`${silent.hash.toString()}: nobody answered`);
	const reject = Array.from({ length: 1_024 }, () => from.send(full, ""));
	await swarm.until(Promise.all(reject));
	expect(await messageOf(from.send(full, "one more", { timeout: 2_000 }))).toContain(
		"inbox is full",
	);
});

test("explain tells the route to a target, the links it crosses, and what came of dialling it", async () => {
	const { swarm, from, strangers, dialled } = await sender(4);
	const [a, b] = strangers;
	const ring = await swarm.until(from.explain(a, { route: "ring" }));
	expect(ring).toMatchObject({ exact: true, route: "ring", dialled: [], asked: 1 });
	expect(ring.hops).toBeGreaterThan(1);
	expect(ring.via?.hash.equals(a.hash)).toBe(false);
	expect(dialled).toEqual([]);
	const direct = await swarm.until(from.explain(a));
	expect(direct).toMatchObject({ exact: true, route: "direct", hops: 1 });
	expect(direct.via?.hash.equals(a.hash)).toBe(true);
	expect(direct.dialled).toMatchObject([{ address: a.listener, outcome: "linked" }]);
	swarm.simulation.partition([swarm.hostOf(from)], [swarm.hostOf(b)]);
	const detour = await swarm.until(from.explain(b));
	expect(detour).toMatchObject({ exact: true, route: "ring" });
	expect(detour.dialled).toMatchObject([{ address: b.listener, outcome: "failed" }]);
	expect(detour.dialled[0]?.why).toContain("5000 ms");
	expect(await swarm.until(from.explain(from))).toMatchObject({ route: "self", hops: 0 });
	const nobody = await swarm.until(from.explain(new Hash({ value: "nobody" })));
	expect(nobody).toMatchObject({ exact: false, dialled: [] });
	for (const peer of swarm.peers) expect(peer.pending).toBe(0);
});

test("explain of a target that does not answer tells what is known when its time is over", async () => {
	const { swarm, from, strangers } = await sender(5);
	const [to] = strangers;
	swarm.hostOf(to).pause();
	const explanation = await swarm.until(from.explain(to, { route: "ring", timeout: 3_000 }));
	expect(explanation).toMatchObject({ peer: undefined, route: "none", hops: undefined });
	expect(explanation.asked).toBeGreaterThan(1);
});

test("large messages go straight too", async () => {
	const { swarm, from, strangers } = await sender(6);
	const [to] = strangers;
	const { hops } = await swarm.until(from.send(to, new Uint8Array(MIB)));
	expect(hops).toBe(1);
});
