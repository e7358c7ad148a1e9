// A swarm with a secret: `cicada keygen --secret`, `--secret` and CICADA_SECRET.
import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Secret, SwarmPeer } from "@cicada/swarmlib";
import { expect, onTestFinished, test } from "vitest";

import { run } from "./in-process.ts";
import { LOCAL, file, folder } from "./process.ts";

/** The port of a peer of a swarm with a secret, or with several. */
async function swarm(secret: Secret | readonly Secret[] | undefined): Promise<number> {
	const peer = await new SwarmPeer({ network: { id: "club", secret } }).bind("127.0.0.1", 0);
	onTestFinished(() => peer.close());
	return peer.listener.port;
}

/** The exit code of a peer that joins and leaves. */
async function joins(port: number, options: string[], env = {}): Promise<number> {
	const script = file("ECHO in");
	const to = ["-p", "0", "--network", "club", "--join", `127.0.0.1:${port}`];
	return (await run(["run", script, ...LOCAL, ...to, ...options], undefined, env)).code;
}

const secretFile = (text: string): string => {
	const path = join(folder(), "secret");
	writeFileSync(path, text, { mode: 0o600 });
	return path;
};

test("keygen --secret makes 32 random bytes for their owner only, shows them to nobody, and overwrites none", async () => {
	const path = join(folder(), "secret");
	const made = await run(["keygen", "--secret", path]);
	expect(made).toMatchObject({ code: 0, stderr: "" });
	const text = readFileSync(path, "utf8");
	expect(text).toMatch(/^[0-9a-f]{64}\n$/);
	expect(made.stdout).not.toContain(text.trim());
	expect(statSync(path).mode & 0o777).toBe(0o600);
	expect((await run(["keygen", "--secret", path])).code).toBe(2);
	expect(readFileSync(path, "utf8")).toBe(text);
	expect(await run(["keygen", "--secret", "/nowhere/secret"])).toMatchObject({
		code: 2,
		stderr: expect.stringMatching(/^cicada: cannot write \/nowhere\/secret: ENOENT/) as string,
	});
	const port = await swarm(new Uint8Array(Buffer.from(text.trim(), "hex")));
	expect(await joins(port, ["--secret", path])).toBe(0);
});

test("a secret is hexadecimal digits, base64 or a passphrase, from a file or from the environment", async () => {
	const bytes = randomBytes(32);
	const port = await swarm(new Uint8Array(bytes));
	for (const text of [bytes.toString("hex"), bytes.toString("base64")]) {
		expect(await joins(port, ["--secret", secretFile(`${text}\r\n`)])).toBe(0);
		expect(await joins(port, [], { CICADA_SECRET: text })).toBe(0);
		expect(await joins(port, [], { CICADA_SECRET: text.slice(1) })).toBe(3);
	}
	const spoken = await swarm("grüße from the garden");
	expect(await joins(spoken, ["--secret", secretFile("grüße from the garden\n")])).toBe(0);
});

test("who does not know the secret does not come in, and is told why", async () => {
	const port = await swarm("the right one");
	expect(await joins(port, ["--secret", secretFile("the wrong one")])).toBe(3);
	expect(await joins(port, [])).toBe(3);
	expect(await joins(await swarm(undefined), ["--secret", secretFile("the right one")])).toBe(3);
	const ping = ["ping", `127.0.0.1:${port}`, "--interface", "127.0.0.1", "--network", "club"];
	expect(await run(ping)).toMatchObject({
		code: 3,
		stderr: expect.stringMatching(/with the same --network and --secret\?/) as string,
	});
	const once = [...ping, "-c", "1"];
	expect((await run([...once, "--secret", secretFile("the right one")])).code).toBe(0);
});

test("of several secrets in a file the first is used to dial; a file has precedence over the environment", async () => {
	const port = await swarm(["new one", "old one"]);
	expect(await joins(port, ["--secret", secretFile("old one\nnew one\n")])).toBe(0);
	expect(await joins(await swarm("new one"), ["--secret", secretFile("old one\nnew one\n")])).toBe(
		3,
	);
	const env = { CICADA_SECRET: "nonsense" };
	expect(await joins(port, ["--secret", secretFile("new one")], env)).toBe(0);
});

test("a file that is not there, empty, no text, or with too many; and one that everybody can read", async () => {
	const peer = ["run", file("ECHO x"), ...LOCAL, "-p", "0", "--secret"];
	const cases: readonly (readonly [string, RegExp])[] = [
		["/nowhere/secret", /^cicada: cannot read the secret in \/nowhere\/secret: ENOENT.*--secret/],
		[file(Uint8Array.of(0xff, 0xfe)), /^cicada: cannot read the secret in .*utf-8/],
		[secretFile("\n\n"), /holds 0 secrets, one a line: .* \(cicada keygen --secret makes one\)/],
		[secretFile("1\n2\n3\n4\n5\n"), /holds 5 secrets/],
	];
	for (const [path, says] of cases) {
		const { code, stdout, stderr } = await run([...peer, path]);
		expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
		expect(stderr).toMatch(says);
	}
	const open = secretFile("a passphrase");
	chmodSync(open, 0o644);
	const { code, stderr } = await run([...peer, open]);
	expect(code).toBe(0);
	expect(stderr).toContain(
		`everybody on this machine can read the secret in ${open}: chmod 600 it`,
	);
	expect(stderr).not.toContain("passphrase");
});
