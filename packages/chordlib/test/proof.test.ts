import { type SimHost, uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	type Address,
	formatAddress,
	Identity,
	type LinkHandler,
	LocalNode,
	type Transport,
	defineRequest,
	text,
} from "../src/index.ts";
import { alive } from "./collect.ts";
import { Ring, nameOf } from "./ring.ts";
import { GOODBYE, HELLO, Stranger, identify } from "./stranger.ts";

const echo = defineRequest("test/echo", { request: text(10), response: text(10) });
const latency = uniform(5, 50);
const options = { latency, successors: 4, proof: "required" } as const;

/** A node behind a router that maps no ports. */
async function home(ring: Ring, name: string, advertise?: { host: string; port: number }) {
	const nat = ring.simulation.nat();
	const host = ring.simulation.host(name, { nat });
	return new LocalNode(
		name,
		{ host: host.ip, port: 7000 },
		{
			ports: host,
			encryption: "off",
			successors: 4,
			proof: "required",
			...(advertise && { advertise }),
		},
	).listen();
}

test("a ring whose members must have been dialled back forms, and heals", async () => {
	const ring = new Ring(1, options);
	await ring.grow(16);
	expect(await ring.wrongLookups()).toEqual([]);
	for (let i = 0; i < 3; i++) ring.crash(ring.pick()!);
	await ring.settle();
	await ring.grow(4);
	expect(await ring.wrongLookups()).toEqual([]);
});

test("who cannot be dialled where he says gets no place, and is told; as a leaf he may come", async () => {
	const ring = new Ring(2, options);
	await ring.grow(8);
	const node = await home(ring, "home");
	await expect(ring.until(node.joinRing(ring.pick()!.address))).rejects.toMatchObject({
		code: "NOT_DIALABLE",
		message: expect.stringContaining("join as a leaf") as string,
	});
	expect(node.standing).toBe("outside");
	expect(ring.flaw()).toBeUndefined();
	await ring.until(node.joinRing(ring.pick()!.address, { leaf: true }));
	expect(node.standing).toBe("leaf");
	await node.close();
});

test("an address where another node answers is not his, even on one machine", async () => {
	const ring = new Ring(3, options);
	const [first] = await ring.grow(8);
	const host = ring.host("machine");
	const start = (name: string, port: number, advertise?: Address): Promise<LocalNode> =>
		new LocalNode(
			name,
			{ host: host.ip, port },
			{ ports: host, encryption: "off", ...(advertise && { advertise }) },
		).listen();
	const other = await start("other", 7000);
	const thief = await start("thief", 7001, other.address);
	await expect(ring.until(thief.joinRing(first!.address))).rejects.toMatchObject({
		code: "NOT_DIALABLE",
		message: expect.stringContaining("leaf") as string,
	});
	await ring.simulation.run(10_000);
	expect(ring.flaw()).toBeUndefined();
	await Promise.all([thief.close(), other.close()]);
});

test("nobody dials a third party, a service's port, or loopback for a stranger", async () => {
	const ring = new Ring(4, options);
	const [first] = await ring.grow(1);
	const bystander = ring.host("bystander");
	const own = ring.host("own");
	const touched: string[] = [];
	for (const [host, port] of [
		[bystander, 7000],
		[own, 1024],
	] as const) {
		await host.transport.listen({ host: host.ip, port }, (link) => {
			touched.push(`${host.ip}:${port}`);
			link.destroy();
			return { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
		});
	}
	const claims = [
		{ host: bystander.ip, port: 7000 },
		{ host: own.ip, port: 1024 },
		{ host: "127.0.0.1", port: 7000 },
		{ host: "10.0.0.1", port: 7000 },
	];
	for (const [index, advertise] of claims.entries()) {
		const bind = { host: own.ip, port: 7000 };
		const node = await new LocalNode(`stranger ${index}`, bind, {
			ports: own,
			encryption: "off",
			advertise,
		}).listen();
		await expect(ring.until(node.joinRing(first!.address))).rejects.toMatchObject({
			code: "NOT_DIALABLE",
		});
		await node.close();
	}
	expect(touched).toEqual([]);
});

test("a node that wants to know has it tried by those who do not care", async () => {
	const ring = new Ring(6, { latency, successors: 4 });
	await ring.grow(4);
	const node = await home(ring, "home");
	await expect(ring.until(node.joinRing(ring.pick()!.address))).rejects.toMatchObject({
		code: "NOT_DIALABLE",
	});
	await node.close();
	const dialable = await ring.add("dialable", { proof: "required" });
	await ring.until(dialable.joinRing(ring.pick()!.address));
	await ring.settle();
	expect(dialable.standing).toBe("member");
});

test("where proof is off, everybody is believed", async () => {
	const ring = new Ring(5, { latency, successors: 4 });
	await ring.grow(2);
	const host = ring.simulation.host("home", { nat: ring.simulation.nat() });
	const node = await new LocalNode(
		"home",
		{ host: host.ip, port: 7000 },
		{ ports: host, encryption: "off" },
	).listen();
	await ring.until(node.joinRing(ring.pick()!.address));
	expect(node.standing).toBe("member");
	expect(nameOf(node.successor)).not.toBe("nobody");
	await node.close();
});

/** What a node says of itself: that it is a member. */
function claimOf({ hash, address, incarnation }: LocalNode): string {
	const life = incarnation.toString(16).padStart(12, "0");
	const said = identify("77", address.host).replace("77".repeat(32), hash.toString());
	return said.replace(/000000000007..$/, `${life}00`);
}

test("who claims the id of another takes none of its links, and none of what is meant for it", async () => {
	const ring = new Ring(6, options);
	const [node, victim] = await ring.grow(2);
	if (node === undefined || victim === undefined) throw new Error("no ring");
	victim.handle(echo, (value) => value);
	await ring.until(node.request(victim, echo, "before"));
	const events: string[] = [];
	node.on("unlink", () => events.push("unlink"));
	node.on("link", () => events.push("link"));
	const thief = Stranger.dial(ring.host("thief"), node.address, HELLO + claimOf(victim));
	await ring.simulation.run(3_000);
	expect(thief.heard).toBe(HELLO + GOODBYE.unproven);
	expect(events).toEqual([]);
	expect(await ring.until(node.request(victim, echo, "after"))).toBe("after");
});

test("what was proven for one address of the net is not believed of another", async () => {
	const ring = new Ring(7, options);
	const [node, other] = await ring.grow(2);
	if (node === undefined || other === undefined) throw new Error("no ring");
	// Its link has ended; what it proved is remembered.
	await ring.until(other.leaveRing());
	const thief = Stranger.dial(ring.host("thief"), node.address, HELLO + claimOf(other));
	await ring.simulation.run(3_000);
	expect(thief.heard.endsWith(GOODBYE.unproven)).toBe(true);
});

test("early: what comes while it is being proven is kept up to the limit, and more ends the link", async () => {
	const ring = new Ring(8, { ...options, limits: { early: 10_000 } });
	const [node] = await ring.grow(1);
	if (node === undefined) throw new Error("no node");
	const host = ring.host("stranger");
	const silent = await Stranger.listen(host);
	const claim = identify("77", silent.address.host);
	const notice = (size: number): string =>
		`${size.toString(16).padStart(8, "0")}05aabbccdd${"00".repeat(size - 5)}`;
	const stranger = Stranger.dial(host, node.address, HELLO + claim + notice(4_000) + notice(6_000));
	await ring.simulation.run(200);
	expect([stranger.end, node.stats.reached.early]).toEqual(["", 0]);
	stranger.say("0000000106");
	await ring.simulation.run(200);
	expect(stranger.heard.endsWith(GOODBYE.malformed)).toBe(true);
	expect([node.peers, node.stats.reached.early]).toEqual([[], 1]);
});

test("who answers at one address, and says that it is at another, is dialled there before it is believed", async () => {
	const ring = new Ring(9, options);
	const host = ring.host("two");
	const advertise = { host: host.ip, port: 7_001 };
	const two = await ring.add("two", { advertise }, host);
	const asker = await ring.add("asker");
	const bound = { host: host.ip, port: 7_000 };
	await expect(ring.until(asker.joinRing(bound))).rejects.toMatchObject({ code: "UNREACHABLE" });
	expect([asker.peers, two.standing]).toEqual([[], "outside"]);
});

test("of proofs as many as the limit are remembered, and beyond that the oldest is forgotten", async () => {
	const ring = new Ring(10, { latency, proof: "required", limits: { proofs: 2 } });
	const node = await ring.add("node");
	node.handle(echo, (value) => value);
	const reached: number[] = [];
	for (const name of ["a", "b", "c"]) {
		const other = await ring.add(name);
		expect(await ring.until(other.request(node, echo, "hello"))).toBe("hello");
		reached.push(node.stats.reached.proofs);
	}
	expect(reached).toEqual([0, 0, 1]);
});

test("a leaf is known by its key: it cannot have the id of another", async () => {
	const ring = new Ring(11, { ...options, encryption: "required" });
	const [node] = await ring.grow(2);
	if (node === undefined) throw new Error("no ring");
	const identity = Identity.create(ring.host("seed").random);
	const own = await ring.add("own", {}, ring.host("own"));
	await expect(ring.until(own.joinRing(node.address, { leaf: true }))).rejects.toMatchObject({
		code: "NOT_DIALABLE",
	});
	const host = ring.host("keyed");
	const bind = { host: host.ip, port: 7000 };
	const keyed = await new LocalNode(identity.publicKey, bind, { ports: host, identity }).listen();
	await ring.until(keyed.joinRing(node.address, { leaf: true }));
	expect(keyed.standing).toBe("leaf");
	await keyed.close();
});

test("where ids have to be proven, one of free choice is refused, and those of addresses and keys are not", async () => {
	const ring = new Ring(12, { ...options, proof: "id", encryption: "required" });
	const start = async (
		name: string,
		data: (address: Address, key: Uint8Array) => string | Uint8Array,
	): Promise<LocalNode> => {
		const host = ring.host(name);
		const identity = Identity.create(host.random);
		return new LocalNode(
			(address) => data(address, identity.publicKey),
			{ host: host.ip, port: 7000 },
			{ ports: host, identity, proof: "id" },
		).listen();
	};
	const first = await start("first", formatAddress);
	const byAddress = await start("address", formatAddress);
	await ring.until(byAddress.joinRing(first.address));
	const byKey = await start("key", (_address, key) => key);
	await ring.until(byKey.joinRing(first.address));
	const free = await start("free", () => "whoever I like to be");
	await expect(ring.until(free.joinRing(first.address))).rejects.toMatchObject({
		code: "NOT_DIALABLE",
	});
	expect(first.peers.map(nameOf).toSorted()).toEqual([byAddress, byKey].map(nameOf).toSorted());
	expect([byAddress, byKey].map((peer) => first.isVerified(peer))).toEqual([true, true]);
	for (const node of [first, byAddress, byKey, free]) await node.close();
});

test("a key is proven for the id of an address once that was dialled, until another is met there", async () => {
	const ring = new Ring(13, options);
	const hosts = new Map<string, SimHost>();
	const start = async (name: string, by: "address" | "key" | "data"): Promise<LocalNode> => {
		const host = hosts.get(name) ?? ring.host(name);
		hosts.set(name, host);
		const identity = Identity.create(host.random);
		const data = { address: formatAddress, key: identity.publicKey, data: name }[by];
		const bind = { host: host.ip, port: 7000 };
		return new LocalNode(data, bind, {
			ports: host,
			identity,
			limits: { idle: 2_000, proofs: 2 },
		}).listen();
	};
	const node = await start("node", "address");
	const other = await start("other", "address");
	const keyed = await start("keyed", "key");
	const free = await start("free", "data");
	const { record } = other;
	expect([record, keyed.record, free.record].map((one) => node.isProven(one))).toEqual([
		false,
		true,
		false,
	]);
	expect(node.recordOf(other.hash)).toBeUndefined();
	await ring.until(node.link(other));
	expect(node.recordOf(other.hash)?.publicKey).toEqual(record.publicKey);
	expect(node.isProven(record)).toBe(true);
	// It dialled: where it is remains its word.
	expect(other.isProven(node.record)).toBe(false);
	await other.close();
	await ring.simulation.run(5_000);
	expect(node.recordOf(other.hash)).toBeUndefined();
	expect(node.isProven(record)).toBe(true);
	const next = await start("other", "address");
	expect(next.hash.equals(other.hash)).toBe(true);
	await ring.until(node.link(next));
	expect([record, next.record].map((one) => node.isProven(one))).toEqual([false, true]);
	await next.close();
	// As many as the limit are remembered.
	const others = [await start("one", "address"), await start("two", "address")];
	for (const one of others) await ring.until(node.link(one));
	for (const one of others) await one.close();
	await ring.simulation.run(5_000);
	const known = [next, ...others].map((one) => node.isProven(one.record));
	expect(known).toEqual([false, true, true]);
	for (const one of [node, keyed, free]) await one.close();
});

test("what is remembered of a proof holds no link that has ended", async () => {
	const ring = new Ring(12, options);
	const host = ring.host("asked");
	const accepted: WeakRef<LinkHandler>[] = [];
	const network = host.transport;
	const transport: Transport = {
		dial: (address, handler) => network.dial(address, handler),
		resolve: (name) => network.resolve(name),
		localHost: () => network.localHost(),
		listen: (address, accept) =>
			network.listen(address, (link) => {
				const handler = accept(link);
				accepted.push(new WeakRef(handler));
				return handler;
			}),
	};
	const { clock, random } = host;
	const asked = await ring.add("asked", { ports: { clock, random, transport } }, host);
	for (const name of ["one", "two", "three"]) {
		const other = await ring.add(name);
		await ring.until(other.joinRing(asked.address));
		await other.close();
		ring.nodes.delete(other);
	}
	await ring.simulation.run(60_000);
	expect(accepted.length).toBeGreaterThanOrEqual(3);
	expect(await alive(accepted)).toBe(asked.stats.links);
	await asked.close();
});

test("who says what makes no sense while he is being dialled back is left, and others are told what came of it", async () => {
	const ring = new Ring(13, { ...options, limits: { offences: 1 } });
	const [node] = await ring.grow(1);
	const host = ring.host("claimed");
	const claim = HELLO + identify("77", host.ip);
	const { met } = await Stranger.listen(host, claim);
	const second = identify("77", host.ip, 8);
	const bad = [1, 2].map(() => Stranger.dial(host, node!.address, claim + second));
	await ring.simulation.run(50);
	const good = Stranger.dial(host, node!.address, claim);
	await ring.simulation.run(1_000);
	expect(met).toHaveLength(1);
	for (const { heard } of bad) expect(heard.endsWith(GOODBYE.malformed)).toBe(true);
	// The second offence of one address is one too many.
	expect(node!.stats.hosts.barred).toBe(1);
	expect([good.end, node!.stats.links]).toEqual(["", 1]);
});
