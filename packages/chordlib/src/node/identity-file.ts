import { link, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import { ChordError } from "../errors.ts";
import { Identity, type IdentitySecrets, newSecrets } from "../secure/identity.ts";
import { KEY_FILE_LIMIT, formatKeyFile, parseKeyFile } from "../secure/key-file.ts";
import { systemRandom } from "./crypto.ts";

/** What the owner of a file, and nobody else, may do. */
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/**
 * The identity that is kept in a file: made with the file when there is none, else read from it. Each call raises its
 * {@link Identity.epoch} by one, in the file first, so the directory must be writable.
 *
 * The file holds secrets. It is made with mode 0600, whole or not at all, and refused when others may read or write
 * it (where files have such modes: not on Windows). One file is for one program at a time.
 * @throws ChordError `INVALID_ARGUMENT`, `IDENTITY_FILE`
 */
export async function loadIdentity(path: string): Promise<Identity> {
	if (typeof path !== "string" || path === "") {
		throw new ChordError("INVALID_ARGUMENT", "the path of an identity file must be a string");
	}
	try {
		const created = await create(path);
		return new Identity(created ?? (await reopen(path)));
	} catch (cause) {
		if (cause instanceof ChordError) {
			throw new ChordError(cause.code, `${path}: ${cause.message}`, { cause });
		}
		const why = cause instanceof Error ? cause.message : String(cause);
		throw new ChordError("IDENTITY_FILE", `${path} cannot be read or written: ${why}`, { cause });
	}
}

/** Makes the file; `undefined` when it is there already. */
async function create(path: string): Promise<IdentitySecrets | undefined> {
	if (await exists(path)) return undefined;
	const secrets = newSecrets(systemRandom);
	const draft = await writeDraft(path, secrets);
	try {
		// Unlike a rename, a link never takes the place of a file that another program made meanwhile.
		await link(draft, path);
	} catch (error) {
		if (codeOf(error) === "EEXIST") return undefined;
		throw error;
	} finally {
		await unlink(draft);
	}
	await flushDirectory(path);
	return secrets;
}

/** Reads the file, and writes the next epoch into it. */
async function reopen(path: string): Promise<IdentitySecrets> {
	const place = await realpath(path);
	const before = parseKeyFile(await read(place));
	if (before.epoch === 2 ** 32 - 1) {
		throw new ChordError("IDENTITY_FILE", "its epochs are used up: make a new identity");
	}
	const secrets = { ...before, epoch: before.epoch + 1 };
	const draft = await writeDraft(place, secrets);
	try {
		await rename(draft, place);
	} catch (error) {
		await unlink(draft);
		throw error;
	}
	await flushDirectory(place);
	return secrets;
}

async function exists(path: string): Promise<boolean> {
	try {
		const found = await stat(path);
		// To open another kind of file may block, or do something.
		if (!found.isFile()) throw new ChordError("IDENTITY_FILE", "not a file");
		return true;
	} catch (error) {
		if (codeOf(error) === "ENOENT") return false;
		throw error;
	}
}

async function read(path: string): Promise<string> {
	const file = await open(path, "r");
	try {
		// Of the file that is open, so that none can be put in its place between the question and the reading.
		const { mode, size } = await file.stat();
		if (process.platform !== "win32" && (mode & OTHERS) !== 0) {
			throw new ChordError("IDENTITY_FILE", "others may read or write it: chmod 600, if none has");
		}
		if (size > KEY_FILE_LIMIT) {
			throw new ChordError("IDENTITY_FILE", `not an identity file: it has ${size} bytes`);
		}
		return await file.readFile({ encoding: "utf8" });
	} finally {
		await file.close();
	}
}

/** A new file beside `path` that holds `secrets`, on the disk for good; its path. */
async function writeDraft(path: string, secrets: IdentitySecrets): Promise<string> {
	const draft = `${path}.${Array.from(systemRandom.bytes(6), (byte) => byte.toString(36)).join("")}`;
	const file = await open(draft, "wx", OWNER_ONLY);
	try {
		await file.writeFile(formatKeyFile(secrets));
		await file.sync();
		return draft;
	} catch (error) {
		await unlink(draft);
		throw error;
	} finally {
		await file.close();
	}
}

/** Makes a new name in a directory outlast a power failure. Windows does so itself, and opens no directories. */
async function flushDirectory(path: string): Promise<void> {
	if (process.platform === "win32") return;
	const directory = await open(dirname(path), "r");
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}

function codeOf(error: unknown): string | undefined {
	return (error as { code?: string }).code;
}
