import { open } from "node:fs/promises";

import { SwarmError } from "../errors.ts";
import { type TrustedHost, parseTrustedHosts } from "../trusted-hosts.ts";

/** The largest file that is read. */
const LIMIT = 1_048_576;
/** What others than its owner may do with a file. */
const OTHERS = 0o077;

/**
 * The entries of a file of trusted hosts, for the option `trustedHosts`. The file holds secrets: it is refused when others
 * may read or write it (where files have such modes: not on Windows).
 * @throws SwarmError `INVALID_ARGUMENT`; `TRUSTED_HOSTS`, which says what is wrong with the file, or with which field of
 * which entry
 */
export async function loadTrustedHosts(path: string): Promise<readonly TrustedHost[]> {
	if (typeof path !== "string" || path === "") {
		throw new SwarmError(
			"INVALID_ARGUMENT",
			"the path of a file of trusted hosts must be a string",
		);
	}
	try {
		return parseTrustedHosts(await read(path));
	} catch (cause) {
		const known = cause instanceof SwarmError;
		const why = cause instanceof Error ? cause.message : String(cause);
		const what = known ? why : `it cannot be read: ${why}`;
		throw new SwarmError("TRUSTED_HOSTS", `${path}: ${what}`, { cause });
	}
}

async function read(path: string): Promise<string> {
	const file = await open(path, "r");
	try {
		const { mode, size } = await file.stat();
		if (process.platform !== "win32" && (mode & OTHERS) !== 0) {
			throw new SwarmError("TRUSTED_HOSTS", "others may read or write it: chmod 600, if none has");
		}
		if (size > LIMIT) throw new SwarmError("TRUSTED_HOSTS", `it has ${size} bytes`);
		return await file.readFile({ encoding: "utf8" });
	} finally {
		await file.close();
	}
}
