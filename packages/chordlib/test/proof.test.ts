import { uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import { type Address, LocalNode } from "../src/index.ts";
import { Ring, nameOf } from "./ring.ts";

const latency = uniform(5, 50);
const options = { latency, successors: 4, proof: "required" } as const;

/** A node behind a router that maps no ports. */
async function home(ring: Ring, name: string, advertise?: { host: string; port: number }) {
	const nat = ring.simulation.nat();
	const host = ring.simulation.host(name, { nat });
	return new LocalNode(
		name,
		{ host: host.ip, port: 7000 },
		{ ports: host, successors: 4, proof: "required", ...(advertise && { advertise }) },
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
			{ ports: host, ...(advertise && { advertise }) },
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
		const node = await new LocalNode(`stranger ${index}`, bind, { ports: own, advertise }).listen();
		await expect(ring.until(node.joinRing(first!.address))).rejects.toMatchObject({
			code: "NOT_DIALABLE",
		});
		await node.close();
	}
	expect(touched).toEqual([]);
});

test("where proof is off, everybody is believed", async () => {
	const ring = new Ring(5, { latency, successors: 4 });
	await ring.grow(2);
	const node = await home(ring, "home");
	await ring.until(node.joinRing(ring.pick()!.address));
	expect(node.standing).toBe("member");
	expect(nameOf(node.successor)).not.toBe("nobody");
	await node.close();
});
