import { LocalNode, formatAddress } from "@cicada/chordlib";
import { expect, test } from "vitest";

import type { SwarmPeer } from "../src/index.ts";
import { Swarm } from "./swarm.ts";

// Somebody with one IP address, and as many ports as he likes: he fills the ring with nodes of his, which relay nothing,
// and opens all links that he gets. Honest peers still reach each other at their addresses.

const factor = Number(process.env["CICADA_FACTOR"] ?? 1);
const HONEST = factor === 1 ? 20 : 100;
/** Of them, those who come while it is going on. */
const LATE = 5;
const NODES = factor === 1 ? 24 : 400;
const PORTS = factor === 1 ? 4_000 : 65_535;

test("one IP address with 65,535 ports keeps no honest peer from another", async () => {
	const swarm = new Swarm(1, { successors: 2 });
	await swarm.grow(HONEST - LATE);
	const { first, peers, simulation } = swarm;
	const host = simulation.host("attacker");
	const ports = { clock: host.clock, random: host.random, transport: host.transport };
	// Members that answer for themselves, and take no message further.
	for (let n = 0; n < NODES; n++) {
		const bind = { host: host.ip, port: 2_000 + n };
		const node = new LocalNode(formatAddress, bind, { ports, limits: { hops: 1 } });
		await node.listen();
		await swarm.until(node.joinRing(first.address).catch(() => {}));
	}
	let port = 0;
	let refused = 0;
	/** From each of so many ports a link to somebody, which is held for as long as it is let. */
	const flood = (count: number): void => {
		for (let end = port + count; port < end; port++) {
			const peer = peers[port % peers.length] as SwarmPeer;
			host.transport.dial(peer.address, {
				open: () => {},
				data: () => {},
				drain: () => {},
				close: () => refused++,
			});
		}
	};
	for (let n = 0; n < LATE; n++) {
		flood(PORTS / 2 / LATE);
		const peer = await swarm.add();
		await swarm.until(peer.connect(first.listener));
	}
	const outcomes = new Map<string, number>();
	const count = (outcome: string): void => {
		outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
	};
	const sent: Promise<void>[] = [];
	for (const from of peers) {
		flood(PORTS / 2 / HONEST);
		await simulation.run(100);
		for (const to of peers) {
			if (from === to) continue;
			const sending = from.send(to.address, "hello").then(
				() => "delivered",
				({ code }: { code: string }) => code,
			);
			sent.push(sending.then(count));
		}
		await simulation.run(200);
	}
	await swarm.until(Promise.all(sent));
	const pairs = HONEST * (HONEST - 1);
	console.log(
		`${outcomes.get("delivered")} of ${pairs} delivered, ${refused} of ${PORTS} links refused`,
	);
	expect(outcomes.get("delivered") ?? 0).toBeGreaterThanOrEqual(0.99 * pairs);
});
