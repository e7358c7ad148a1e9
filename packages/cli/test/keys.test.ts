// `cicada keygen`, and peers that keep their keys in a file.
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { run } from "./in-process.ts";
import { LOCAL, file, folder } from "./process.ts";

test("keygen makes a file for its owner only, says what the keys are known by, and overwrites none", async () => {
	const path = join(folder(), "peer.key");
	const made = await run(["keygen", path]);
	expect(made).toMatchObject({ code: 0, stderr: "" });
	expect(made.stdout).toMatch(/^public key: [0-9a-f]{64}\nid: {9}[0-9a-f]{64}\n$/);
	expect(statSync(path).mode & 0o777).toBe(0o600);
	const before = readFileSync(path, "utf8");
	expect(await run(["keygen", path])).toEqual({
		code: 2,
		stdout: "",
		stderr: `cicada: ${path} is there already: name another file\n`,
	});
	expect(readFileSync(path, "utf8")).toBe(before);
	const nowhere = await run(["keygen", "/nowhere/peer.key"]);
	expect(nowhere.code).toBe(2);
	expect(nowhere.stderr).toMatch(/^cicada: \/nowhere\/peer\.key.*ENOENT/);
});

test("a peer takes its keys from the file, which it makes where there is none, and refuses what is no such file", async () => {
	const path = join(folder(), "peer.key");
	const script = file("ECHO here");
	const peer = ["run", script, ...LOCAL, "-p", "0", "--identity", path];
	expect((await run(peer)).code).toBe(0);
	const first = readFileSync(path, "utf8");
	expect((await run(peer)).code).toBe(0);
	// That it was used again is counted in it.
	expect(readFileSync(path, "utf8")).not.toBe(first);
	chmodSync(path, 0o644);
	const open = await run(peer);
	expect(open.code).toBe(3);
	expect(open.stderr).toMatch(/see --identity; cicada keygen makes such a file/);
	chmodSync(path, 0o600);
	writeFileSync(path, "not a key");
	expect((await run(peer)).code).toBe(3);
});
