import type { SimHost, SimNat } from "@cicada/simnet";
import { expect, test } from "vitest";

import { type MapPort, type SwarmOptions, SwarmPeer } from "../src/index.ts";
import { Swarm, drain, text } from "./swarm.ts";

const options = { successors: 4, encryption: "off" } as const;

/** A home: a router, and a peer behind it that finds out by itself how others reach it. */
async function home(
	swarm: Swarm,
	name: string,
	map: (nat: SimNat, host: SimHost) => MapPort,
	more: SwarmOptions = {},
): Promise<{ peer: SwarmPeer; host: SimHost; nat: SimNat }> {
	const nat = swarm.simulation.nat();
	const host = swarm.simulation.host(name, { nat });
	const peer = new SwarmPeer({ ...options, ...more, ports: host, mapPort: map(nat, host) });
	await swarm.until(peer.bind(host.ip, 7000, { nat: "auto" }));
	return { peer, host, nat };
}

/** A router that maps ports. */
const maps =
	(closed: string[] = []) =>
	(nat: SimNat, host: SimHost): MapPort =>
	async (port) => {
		nat.map(port + 1, host, port);
		return Promise.resolve({
			port,
			externalIp: nat.ip,
			externalPort: port + 1,
			close: async () => {
				nat.unmap(port + 1);
				closed.push(host.name);
				return Promise.resolve();
			},
		});
	};

/** A router that maps none. */
const refuses = () => (): MapPort => async () =>
	Promise.reject(new Error("no router answered the search"));

/** One message from each to each other, over links of the ring only. */
async function expectAllReached(swarm: Swarm, peers: readonly SwarmPeer[]): Promise<void> {
	for (const from of peers) {
		for (const to of peers) {
			if (from === to) continue;
			const receipt = await swarm.until(from.send(to.hash, "hi", { route: "ring" }));
			expect(receipt.exact).toBe(true);
			const { source, data } = await swarm.until(to.recv());
			expect(source.hash.equals(from.hash)).toBe(true);
			expect(text({ source, data, more: false })).toBe("hi");
		}
	}
}

test("behind a router that maps ports: a member, dialled at the router's address", async () => {
	const swarm = new Swarm(1, options);
	await swarm.grow(6);
	const closed: string[] = [];
	const { peer, nat, host } = await home(swarm, "home", maps(closed));
	expect(peer.address).toEqual({ host: nat.ip, port: 7001 });
	expect(peer.reachability).toMatchObject({ state: "unknown" });
	const { hash } = peer;
	await swarm.until(peer.connect(swarm.first.listener));
	expect(peer.reachability).toMatchObject({
		state: "mapped",
		reason: `a peer has dialled ${nat.ip}:7001 and met this one`,
	});
	expect(peer.reachability.evidence[0]).toContain(`a router maps ${nat.ip}:7001`);
	expect(peer.hash.equals(hash)).toBe(true);
	await swarm.simulation.run(20_000);
	expect(peer.ring.successors).toHaveLength(4);
	await expectAllReached(swarm, [peer, swarm.first, swarm.peers[3]!]);
	await peer.close();
	expect(closed).toEqual([host.name]);
});

test("behind a router that maps none: a leaf, with the same id, reached by all and reaching all", async () => {
	const swarm = new Swarm(2, options);
	await swarm.grow(12);
	const { peer, host } = await home(swarm, "home", refuses());
	const { hash } = peer;
	await swarm.until(peer.connect(swarm.first.listener));
	expect(peer.reachability).toMatchObject({
		state: "leaf",
		reason: `a peer could not dial ${host.ip}:7000`,
	});
	expect(peer.reachability.evidence[0]).toContain("no router answered the search");
	expect(peer.hash.equals(hash)).toBe(true);
	for (const other of swarm.peers) {
		expect(other.ring.members.some((member) => member.hash.equals(hash))).toBe(false);
	}
	await swarm.simulation.run(10_000);
	await expectAllReached(swarm, [peer, ...swarm.peers.slice(2, 8)]);
	await swarm.until(swarm.first.send(peer.hash, "auto"));
	const { source } = await swarm.until(peer.recv());
	expect(source.address).toEqual(swarm.first.listener);
	await swarm.until(peer.send(swarm.first.hash, "from a leaf"));
	expect((await swarm.until(swarm.first.recv())).source.address).toBeUndefined();
	await peer.close();
});

test("a peer that has met nobody, and two leaves: a swarm; others join it, also once the leaves are gone", async () => {
	const swarm = new Swarm(7, options);
	const lone = await swarm.add();
	const leaves: SwarmPeer[] = [];
	for (const name of ["one", "two"]) {
		const { peer } = await home(swarm, name, refuses());
		await swarm.until(peer.connect(lone.listener));
		leaves.push(peer);
	}
	expect([lone, ...leaves].map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
	await expectAllReached(swarm, [lone, ...leaves]);
	for (const from of [lone, ...leaves]) {
		expect(await swarm.until(from.broadcast("news"))).toEqual({ reached: 2 });
		const others = [lone, ...leaves].filter((to) => to !== from);
		expect(await Promise.all(others.map(drain))).toEqual([["news"], ["news"]]);
	}
	await swarm.grow(2);
	await swarm.simulation.run(10_000);
	await expectAllReached(swarm, [...swarm.peers, ...leaves]);
	for (const leaf of leaves) await leaf.close();
	await swarm.grow(2);
	await swarm.simulation.run(10_000);
	await expectAllReached(swarm, swarm.peers);
});

test("leaves alone with a peer that has met nobody: when they go, it is by itself, and lets others join", async () => {
	const swarm = new Swarm(8, options);
	const lone = await swarm.add();
	const { peer } = await home(swarm, "home", refuses());
	await swarm.until(peer.connect(lone.listener));
	await peer.close();
	await swarm.simulation.run(30_000);
	expect(lone.state).toBe("rejoining");
	await swarm.grow(3);
	await expectAllReached(swarm, swarm.peers);
});

test("two leaves behind two routers, also after the peers that served them have crashed", async () => {
	const swarm = new Swarm(3, options);
	await swarm.grow(16);
	const leaves: SwarmPeer[] = [];
	for (const name of ["one", "two"]) {
		const { peer } = await home(swarm, name, refuses());
		await swarm.until(peer.connect(swarm.first.listener));
		leaves.push(peer);
	}
	await swarm.simulation.run(10_000);
	await expectAllReached(swarm, leaves);
	for (const leaf of leaves) {
		const { peer: owner } = await swarm.until(swarm.first.ring.lookup(leaf.hash));
		const serving = swarm.peers.find(({ hash }) => owner?.hash.equals(hash)) ?? swarm.first;
		swarm.crash(serving);
	}
	await expectAllReached(swarm, leaves);
	for (const leaf of leaves) await leaf.close();
});

test("broadcasts and requests reach leaves, and come from leaves, also after who served them has crashed", async () => {
	const swarm = new Swarm(8, options);
	await swarm.grow(16);
	const leaves: SwarmPeer[] = [];
	for (const name of ["one", "two", "three"]) {
		const { peer } = await home(swarm, name, refuses());
		await swarm.until(peer.connect(swarm.first.listener));
		peer.onRequest(({ data }) => data);
		leaves.push(peer);
	}
	await swarm.simulation.run(10_000);
	const [leaf] = leaves as [SwarmPeer];
	const { peer: owner } = await swarm.until(swarm.first.ring.lookup(leaf.hash));
	const served = swarm.peers.find(({ hash }) => owner?.hash.equals(hash)) ?? swarm.first;
	for (const crash of [false, true]) {
		if (crash) {
			swarm.crash(served);
			await swarm.simulation.run(20_000);
		}
		const everybody = [...swarm.peers, ...leaves];
		for (const from of [swarm.peers[5]!, leaf]) {
			const { reached } = await swarm.until(from.broadcast("news"));
			expect(reached).toBe(everybody.length - 1);
			for (const peer of everybody) {
				expect(peer.pending).toBe(peer === from ? 0 : 1);
				if (peer === from) continue;
				const { source } = await swarm.until(peer.recv());
				expect(source.hash.equals(from.hash)).toBe(true);
			}
		}
		const answer = await swarm.until(swarm.peers[5]!.request(leaf.hash, "echo"));
		expect(new TextDecoder().decode(answer.data)).toBe("echo");
	}
	for (const peer of leaves) await peer.close();
});

test.each(["crashed", "gone silent", "left"] as const)(
	"a leaf whose swarm has %s says so, looks for it, and is ready again when it is back",
	async (end) => {
		const swarm = new Swarm(13, options);
		await swarm.grow(3);
		const { peer } = await home(swarm, "home", refuses());
		await swarm.until(peer.connect(swarm.first.listener));
		const states: string[] = [];
		peer.on("state", (state) => states.push(state));
		await swarm.simulation.run(20_000);
		expect([peer.state, states]).toEqual(["ready", []]);
		const gone = [...swarm.peers];
		for (const other of gone) {
			if (end === "left") await swarm.until(other.disconnect());
			else swarm.crash(other, { silent: end === "gone silent" });
		}
		await swarm.simulation.run(40_000);
		expect([peer.state, states]).toEqual(["rejoining", ["rejoining"]]);
		const [one, two] = gone as [SwarmPeer, SwarmPeer];
		if (end === "left") {
			await swarm.until(one.connect(two.listener));
		} else {
			for (const dead of [one, two]) swarm.hostOf(dead).restart();
			await swarm.add({}, swarm.hostOf(one));
			await swarm.restart(two, swarm.first);
		}
		await swarm.until(() => peer.state === "ready");
		await swarm.simulation.run(10_000);
		expect(states).toEqual(["rejoining", "ready"]);
		await peer.close();
	},
);

test("a peer that can be dialled without a router's help needs none", async () => {
	const swarm = new Swarm(4, options);
	await swarm.grow(3);
	const host = swarm.simulation.host("server");
	const peer = new SwarmPeer({ ...options, ports: host, mapPort: refuses()() });
	await swarm.until(peer.bind(host.ip, 7000, { nat: "auto" }));
	await swarm.until(peer.connect(swarm.first.listener));
	expect(peer.reachability).toMatchObject({
		state: "direct",
		evidence: [expect.stringContaining("public address: no router is asked"), expect.any(String)],
	});
	await peer.close();
});

test("a leaf that is given a dead address first is a leaf all the same, and connecting again in vain leaves it one", async () => {
	const swarm = new Swarm(9, options);
	await swarm.grow(6);
	const { peer } = await home(swarm, "home", refuses());
	const dead = { host: "9.9.9.9", port: 7000 };
	await swarm.until(peer.connect([dead, swarm.first.listener]));
	expect(peer.reachability.state).toBe("leaf");
	await expect(swarm.until(peer.connect(dead))).rejects.toMatchObject({ code: "UNREACHABLE" });
	await swarm.until(peer.connect(swarm.peers[3]!.listener));
	await expectAllReached(swarm, [peer, swarm.first]);
	await peer.close();
});

test("a peer whose own address cannot be dialled says so to who connects to it", async () => {
	const swarm = new Swarm(10, { ...options, encryption: "required" });
	const host = swarm.simulation.host("wrong");
	const wrong = new SwarmPeer({ successors: 4, ports: host });
	await wrong.bind(host.ip, 7000, { ip: "9.9.9.9", port: 7000 });
	const peer = await swarm.add();
	await expect(swarm.until(peer.connect(host.ip, 7000))).rejects.toMatchObject({
		code: "UNREACHABLE",
		message: expect.stringContaining("9.9.9.9:7000 could not be dialled") as string,
	});
	await Promise.all([wrong.close(), peer.close()]);
});

test("a mapping that leads nowhere is found out: a leaf", async () => {
	const swarm = new Swarm(5, options);
	await swarm.grow(4);
	const { peer } = await home(
		swarm,
		"home",
		(nat) => async (port) =>
			Promise.resolve({
				port,
				externalIp: nat.ip,
				externalPort: port + 1,
				close: async () => Promise.resolve(),
			}),
	);
	await swarm.until(peer.connect(swarm.first.listener));
	expect(peer.reachability.state).toBe("leaf");
	await peer.close();
});

test.each([
	["of a network behind another router", { externalIp: "10.1.2.3" }],
	["that is none", { externalIp: "0.0.0.0" }],
	["of the machine itself", { externalIp: "127.0.0.1" }],
	["that is a name", { externalIp: "router.home" }],
	["that is empty", { externalIp: "" }],
	["with a port that nobody dials back", { externalPort: 80 }],
	["with no port", { externalPort: 0 }],
])("a router that names an address %s makes no member: a leaf", async (_name, named) => {
	const swarm = new Swarm(11, { ...options, encryption: "required" });
	await swarm.grow(4);
	let open = 0;
	const { peer } = await home(
		swarm,
		"home",
		(nat) => async (port) => {
			open++;
			const close = async (): Promise<void> => {
				open--;
				return Promise.resolve();
			};
			return Promise.resolve({ port, externalIp: nat.ip, externalPort: port + 1, close, ...named });
		},
		{ encryption: "required" },
	);
	await swarm.until(peer.connect(swarm.first.listener));
	expect(peer.reachability.state).toBe("leaf");
	await expectAllReached(swarm, [peer, swarm.first]);
	await peer.close();
	expect(open).toBe(0);
});

test("with an id of its address, a peer that cannot be dialled is told what to do", async () => {
	const swarm = new Swarm(6, options);
	await swarm.grow(2);
	const nat = swarm.simulation.nat();
	const host = swarm.simulation.host("home", { nat });
	const keyed = new SwarmPeer({ ...options, ports: host, identity: "key" });
	await keyed.bind(host.ip, 7001);
	await swarm.until(keyed.connect(swarm.first.listener));
	expect(keyed.reachability.state).toBe("leaf");
	await keyed.close();
	expect(() => new SwarmPeer({ identity: "ip" as "key" })).toThrow(
		expect.objectContaining({ code: "INVALID_ARGUMENT" }),
	);
});

test("closed while the router is being asked: the asking ends, and bind rejects", async () => {
	const swarm = new Swarm(7, options);
	const nat = swarm.simulation.nat();
	const host = swarm.simulation.host("home", { nat });
	let asked = false;
	const never: MapPort = async (_port, signal) => {
		asked = true;
		return new Promise((_resolve, reject) => {
			signal.addEventListener("abort", () => {
				reject(signal.reason as Error);
			});
		});
	};
	const peer = new SwarmPeer({ ports: host, mapPort: never });
	const bound = peer.bind(host.ip, 7000, { nat: "auto" });
	await swarm.until(() => asked);
	await peer.close();
	await expect(bound).rejects.toMatchObject({ code: "CLOSED" });
	// Its own port is free again, too.
	const next = await new SwarmPeer({ ports: host }).bind(host.ip, 7000);
	await next.close();
});

test("closed while a router maps a port all the same: close resolves when the router has it back", async () => {
	const swarm = new Swarm(12, options);
	const nat = swarm.simulation.nat();
	const host = swarm.simulation.host("home", { nat });
	let asked = false;
	let open = false;
	// It does not hear that it is not wanted any more, and the router takes two seconds for everything.
	const slow: MapPort = async (port) => {
		asked = true;
		const later = async (): Promise<void> =>
			new Promise((resolve) => void host.clock.schedule(2_000, resolve));
		await later();
		open = true;
		const close = async (): Promise<void> => {
			await later();
			open = false;
		};
		return { port, externalIp: nat.ip, externalPort: port + 1, close };
	};
	const peer = new SwarmPeer({ ports: host, mapPort: slow });
	const bound = peer
		.bind(host.ip, 7000, { nat: "auto" })
		.catch(({ code }: Error & { code: string }) => code);
	await swarm.until(() => asked);
	await swarm.until(Promise.all([peer.close(), peer.close()]));
	expect(await bound).toBe("CLOSED");
	expect(open).toBe(false);
	const next = await new SwarmPeer({ ports: host }).bind(host.ip, 7000);
	await next.close();
});
