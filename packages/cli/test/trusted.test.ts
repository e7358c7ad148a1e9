// Keys agreed on beforehand: `--keys`.
import { randomBytes } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { SwarmPeer, type TrustedHost } from "@cicada/swarmlib";
import { expect, onTestFinished, test } from "vitest";

import { run } from "./in-process.ts";
import { LOCAL, file, folder, freePorts } from "./process.ts";

const key = (): string => randomBytes(32).toString("hex");

const keysFile = (text: string): string => {
	const path = join(folder(), "trusted.json");
	writeFileSync(path, text, { mode: 0o600 });
	return path;
};

const listOf = (...hosts: TrustedHost[]): string =>
	keysFile(JSON.stringify({ trusted_hosts: hosts }));

/** A peer that trusts who is at a port, and what comes out of `cicada run` there, which has these options. */
async function sendTo(
	trusts: (port: number) => readonly TrustedHost[],
	optionsFor: (address: string) => string[],
): Promise<{ code: number; stderr: string; heard: number }> {
	const [port = 0] = await freePorts(1);
	const peer = await new SwarmPeer({ trustedHosts: trusts(port) }).bind("127.0.0.1", 0);
	onTestFinished(() => peer.close());
	const address = `127.0.0.1:${peer.listener.port}`;
	const script = file(`SEND ${address.replace(":", " ")} between us`);
	const to = ["-p", String(port), "--join", address];
	const { code, stderr } = await run(["run", script, ...LOCAL, ...to, ...optionsFor(address)]);
	return { code, stderr, heard: peer.pending };
}

test("two who have each other's keys talk; one alone, or with others, says what is wrong", async () => {
	const [there, here] = [key(), key()];
	const trusts = (port: number): TrustedHost[] => [
		{ address: `127.0.0.1:${port}`, outbound_key: there, inbound_key: here },
	];
	const agreed = await sendTo(trusts, (address) => [
		"--keys",
		listOf({ address, outbound_key: here, inbound_key: there }),
	]);
	expect(agreed).toMatchObject({ code: 0, heard: 1 });

	const cases = [
		await sendTo(trusts, () => []),
		await sendTo(trusts, (address) => [
			"--keys",
			listOf({ address, outbound_key: key(), inbound_key: there }),
		]),
		await sendTo(
			() => [],
			(address) => ["--keys", listOf({ address, outbound_key: here, inbound_key: there })],
		),
	];
	for (const { code, stderr, heard } of cases) {
		expect([code, heard]).toEqual([1, 0]);
		expect(stderr).toMatch(/trusted_hosts.*\(compare the --keys of both: .*\)/);
		for (const secret of [there, here]) expect(stderr).not.toContain(secret);
	}
});

test("a list that is not there, none, or open to others: what is wrong, and nothing is started", async () => {
	const secret = key();
	const half = listOf({ address: "127.0.0.1:7000", outbound_key: secret } as TrustedHost);
	const open = listOf({ address: "127.0.0.1:7000", outbound_key: secret, inbound_key: secret });
	chmodSync(open, 0o644);
	const cases: readonly (readonly [string, RegExp])[] = [
		["/nowhere/trusted.json", /^cicada: \/nowhere\/trusted\.json: .*ENOENT.*\(see --keys\)/],
		[keysFile("trusted"), /not a list of trusted hosts/],
		[half, /entry 1.*inbound_key/],
		[open, /chmod 600/],
	];
	for (const [path, says] of cases) {
		const script = file("ECHO x");
		const { code, stdout, stderr } = await run(["run", script, ...LOCAL, "--keys", path]);
		expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
		expect(stderr).toMatch(says);
		expect(stderr).not.toContain(secret);
	}
});
