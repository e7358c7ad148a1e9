import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { loadIdentity } from "@cicada/chordlib";
import { expect, test } from "vitest";

import { Hash, SwarmPeer } from "../src/index.ts";
import { Swarm, drain } from "./swarm.ts";

async function withBound(
	args: Parameters<SwarmPeer["bind"]>,
	run: (peer: SwarmPeer) => void | Promise<void>,
): Promise<void> {
	const peer = await new SwarmPeer().bind(...args);
	try {
		await run(peer);
	} finally {
		await peer.close();
	}
}

test("an id is the hash of the external pair, as ip:port", async () => {
	const external = { ip: "75.23.66.101", port: 7000 };
	await withBound(["127.0.0.1", 0, external], ({ address, hash, listener }) => {
		expect(hash.toBigInt()).toBe(
			24355304810235874286134060455083535315455785472150272366747243996307578662525n,
		);
		expect(address).toEqual({ host: "75.23.66.101", port: 7000 });
		expect(listener.host).toBe("127.0.0.1");
	});
});

test("without one, it is the hash of the bound address; localhost is 127.0.0.1", async () => {
	await withBound(["localhost", 0], ({ address, hash, listener }) => {
		expect(listener.host).toBe("127.0.0.1");
		expect(address).toEqual(listener);
		expect(hash.equals(new Hash({ value: `127.0.0.1:${listener.port}` }))).toBe(true);
	});
});

test("on all interfaces, it is the address at which others reach this machine", async () => {
	await withBound(["", 0], ({ hash, listener }) => {
		expect(listener.host).not.toBe("0.0.0.0");
		expect(hash.equals(new Hash({ value: `${listener.host}:${listener.port}` }))).toBe(true);
	});
	await withBound(["", 0, { ip: "75.23.66.101", port: 7000 }], ({ hash, listener }) => {
		expect(listener.host).not.toBe("75.23.66.101");
		expect(hash.equals(new Hash({ value: "75.23.66.101:7000" }))).toBe(true);
	});
});

test("IPv6 is written as RFC 5952 has it, in brackets", async () => {
	const external = { ip: "2001:DB8:0:0:0:0:0:1", port: 7000 };
	await withBound(["127.0.0.1", 0, external], ({ hash }) => {
		expect(hash.equals(new Hash({ value: "[2001:db8::1]:7000" }))).toBe(true);
	});
});

test("however a target is written, it is one peer: by name, in IPv6's long form, as address, pair, peer or hash", async () => {
	const swarm = new Swarm(1);
	const host = swarm.simulation.host("name.example", { ip: "2001:db8::7" });
	const to = await swarm.add({}, host);
	await swarm.grow(2);
	const from = await swarm.add();
	await swarm.until(from.connect(to.listener));
	expect(to.hash.equals(new Hash({ value: "[2001:db8::7]:7000" }))).toBe(true);
	const [remote] = from.peers.filter(({ hash }) => hash.equals(to.hash));
	if (remote === undefined) throw new Error("no link");
	const targets = [
		["name.example", 7000],
		["2001:db8::7", 7000],
		["2001:0DB8:0:0:0:0:0:7", 7000],
		{ host: "name.example", port: 7000 },
		to,
		remote,
		to.hash,
	] as const;
	for (const target of targets) {
		const receipt = await swarm.until(from.send(target, "you"));
		expect([receipt.exact, receipt.target.hash.equals(to.hash)]).toEqual([true, true]);
	}
	expect(await drain(to)).toHaveLength(targets.length);
});

test("a peer whose keys are kept in a file is the same the next time, at any address", async () => {
	const directory = await mkdtemp(join(tmpdir(), "cicada-peer-"));
	const identityFile = join(directory, "keys.json");
	const hashes: string[] = [];
	for (const port of [0, 0]) {
		const peer = new SwarmPeer({ identity: "key", identityFile });
		await peer.bind("127.0.0.1", port);
		hashes.push(peer.hash.toString());
		await peer.close();
	}
	const { hash } = await loadIdentity(identityFile);
	expect(hashes).toEqual([hash.toString(), hash.toString()]);
	await chmod(identityFile, 0o644);
	const refused = new SwarmPeer({ identityFile });
	await expect(refused.bind("127.0.0.1", 0)).rejects.toMatchObject({
		name: "SwarmError",
		code: "IDENTITY_FILE",
	});
	// It may be bound once that is mended.
	await chmod(identityFile, 0o600);
	await refused.bind("127.0.0.1", 0);
	await refused.close();
	await rm(directory, { recursive: true });
});

test.each([5, "", null])("%j is no file for keys", (identityFile) => {
	const options = { identityFile } as unknown as { identityFile: string };
	expect(() => new SwarmPeer(options)).toThrow(
		expect.objectContaining({ code: "INVALID_ARGUMENT" }),
	);
});
