import {
	chmod,
	mkdir,
	mkdtemp,
	readFile,
	readdir,
	rm,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";

import { ChordError, loadIdentity } from "../src/index.ts";
import { formatKeyFile, parseKeyFile } from "../src/secure/key-file.ts";
import { toHex } from "./bytes.ts";
import { cases } from "./seeds.ts";

let directory: string;
let path: string;

beforeEach(async () => {
	directory = await mkdtemp(join(tmpdir(), "cicada-identity-"));
	path = join(directory, "identity.json");
});

afterEach(async () => {
	await rm(directory, { recursive: true });
});

const SECRETS = {
	signing: new Uint8Array(32).fill(0xa1),
	exchange: new Uint8Array(32).fill(0xb2),
	epoch: 3,
};
const TEXT = formatKeyFile(SECRETS);

const failure = (why: string): unknown =>
	expect.objectContaining({
		name: "ChordError",
		code: "IDENTITY_FILE",
		message: expect.stringContaining(why) as string,
	});

test("an identity file", () => {
	expect(TEXT).toBe(
		`{
	"version": 1,
	"signing": "${"a1".repeat(32)}",
	"exchange": "${"b2".repeat(32)}",
	"epoch": 3
}
`,
	);
	expect(parseKeyFile(TEXT)).toEqual(SECRETS);
});

test("a file that is not there is made, for its owner only, and is all that is made", async () => {
	const identity = await loadIdentity(path);
	const { mode } = await stat(path);
	expect((mode & 0o777).toString(8)).toBe("600");
	expect(await readdir(directory)).toEqual(["identity.json"]);
	const written = parseKeyFile(await readFile(path, "utf8"));
	expect(written.epoch).toBe(1);
	expect(toHex(identity.publicKey)).not.toBe(toHex(written.signing));
});

test("a program that starts again is the same node in the next epoch", async () => {
	const before = await loadIdentity(path);
	const after = await loadIdentity(path);
	expect(toHex(after.publicKey)).toBe(toHex(before.publicKey));
	expect(toHex(after.exchange.publicKey)).toBe(toHex(before.exchange.publicKey));
	expect([before.epoch, after.epoch]).toEqual([1, 2]);
	expect(await readdir(directory)).toEqual(["identity.json"]);
	expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("programs that make the same file at once get the same identity", async () => {
	const loaded = await Promise.all(Array.from({ length: 8 }, () => loadIdentity(path)));
	expect(new Set(loaded.map(({ publicKey }) => toHex(publicKey))).size).toBe(1);
	expect(await readdir(directory)).toEqual(["identity.json"]);
});

test("a link to the file stays one", async () => {
	const target = join(directory, "elsewhere.json");
	await writeFile(target, TEXT, { mode: 0o600 });
	await symlink(target, path);
	expect((await loadIdentity(path)).epoch).toBe(4);
	expect(parseKeyFile(await readFile(target, "utf8")).epoch).toBe(4);
});

test.each([0o640, 0o604, 0o620, 0o602, 0o610])(
	"a file of mode %o is refused and left as it is",
	async (mode) => {
		await writeFile(path, TEXT);
		await chmod(path, mode);
		await expect(loadIdentity(path)).rejects.toEqual(failure("chmod 600"));
		expect(await readFile(path, "utf8")).toBe(TEXT);
	},
);

test.each([0o600, 0o400])("a file of mode %o is read", async (mode) => {
	await writeFile(path, TEXT, { mode });
	expect((await loadIdentity(path)).epoch).toBe(4);
});

test("a directory is no identity file", async () => {
	await mkdir(path);
	await expect(loadIdentity(path)).rejects.toEqual(failure("not a file"));
});

test("a file in a directory that is not there cannot be made", async () => {
	await expect(loadIdentity(join(directory, "no", "file"))).rejects.toEqual(failure("ENOENT"));
});

test.each([undefined, null, 5, ""])("%s is no path", async (given) => {
	await expect(loadIdentity(given as string)).rejects.toEqual(
		expect.objectContaining({ code: "INVALID_ARGUMENT" }),
	);
});

const without = (field: string): string =>
	JSON.stringify({ ...(JSON.parse(TEXT) as object), [field]: undefined });
const using = (change: object): string =>
	JSON.stringify({ ...(JSON.parse(TEXT) as object), ...change });

const REFUSED: readonly (readonly [string, string, string])[] = [
	["nothing", "", "not an object"],
	["half a file", TEXT.slice(0, 60), "not an object"],
	["null", "null", "not an object"],
	["a number", "5", "not an object"],
	["a list", "[]", "version"],
	["another format", "-----BEGIN OPENSSH PRIVATE KEY-----", "not an object"],
	["no version", without("version"), "version"],
	["version 2", using({ version: 2 }), "later program"],
	["no signing key", without("signing"), "signing is not"],
	["a short signing key", using({ signing: "a1" }), "signing is not"],
	["a long signing key", using({ signing: "a1".repeat(33) }), "signing is not"],
	["capitals", using({ exchange: "B2".repeat(32) }), "exchange is not"],
	["a key that is a list", using({ exchange: [1] }), "exchange is not"],
	["no epoch", without("epoch"), "epoch is not"],
	["epoch 0", using({ epoch: 0 }), "epoch is not"],
	["epoch 2^32", using({ epoch: 2 ** 32 }), "epoch is not"],
	["epoch 1.5", using({ epoch: 1.5 }), "epoch is not"],
	["an epoch in words", using({ epoch: "3" }), "epoch is not"],
	["the last epoch", using({ epoch: 2 ** 32 - 1 }), "used up"],
	["a field more", using({ comment: "mine" }), "1 fields besides"],
	["1,025 bytes", TEXT.padEnd(1_025), "1025 bytes"],
];

test.each(REFUSED)(
	"%s is refused, by path and reason, and left as it is",
	async (_name, text, why) => {
		await writeFile(path, text, { mode: 0o600 });
		await expect(loadIdentity(path)).rejects.toEqual(failure(why));
		await expect(loadIdentity(path)).rejects.toEqual(failure(path));
		expect(await readFile(path, "utf8")).toBe(text);
		expect(await readdir(directory)).toEqual(["identity.json"]);
	},
);

test("what is wrong is said without a secret in it", async () => {
	await writeFile(path, TEXT.slice(0, 60), { mode: 0o600 });
	const error: unknown = await loadIdentity(path).catch((reason: unknown) => reason);
	for (let at = error; at instanceof Error; at = at.cause) {
		expect(String(at.stack)).not.toContain("a1a1");
	}
});

test("random and mutated texts are refused, or mean what they say", () => {
	const mutation = fc.array(fc.tuple(fc.nat(TEXT.length - 1), fc.string({ maxLength: 2 })), {
		minLength: 1,
		maxLength: 4,
	});
	const mutated = mutation.map((changes) => {
		const characters = Array.from(TEXT);
		for (const [at, text] of changes) characters[at] = text;
		return characters.join("");
	});
	fc.assert(
		fc.property(fc.oneof(fc.string(), fc.json(), mutated), (text) => {
			try {
				const secrets = parseKeyFile(text);
				expect(parseKeyFile(formatKeyFile(secrets))).toEqual(secrets);
			} catch (error) {
				if (!(error instanceof ChordError) || error.code !== "IDENTITY_FILE") throw error;
			}
		}),
		cases(1_000),
	);
});
