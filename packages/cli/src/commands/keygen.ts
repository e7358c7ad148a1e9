import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";

import { ChordError, loadIdentity } from "@cicada/chordlib";
import type { Command } from "commander";

import { Failure } from "../failure.ts";
import type { Surroundings } from "../surroundings.ts";

interface KeygenOptions {
	readonly secret?: true;
}

/** Bytes of a swarm's secret. */
const SECRET = 32;

const help = `
The file holds secrets, and is its owner's only. A peer's keys are for one peer at a time, which takes
them with --identity; a swarm's secret is for all of its peers, which take it with --secret.
Exit codes: 0 made; 2 the file is there already, or cannot be written.`;

/** Adds `cicada keygen`. */
export function addKeygen(program: Command, around: Surroundings): void {
	program
		.command("keygen")
		.argument("<file>", "where it goes")
		.description("makes keys for a peer, or the secret of a swarm")
		.option("--secret", "a swarm's secret: 32 random bytes, in hexadecimal digits")
		.addHelpText("after", help)
		.action(async (file: string, options: KeygenOptions) => {
			// To open a peer's keys would count as a start of that peer.
			if (existsSync(file)) {
				throw new Failure("USAGE", `${file} is there already: name another file`);
			}
			if (options.secret) makeSecret(file, around);
			else await makeIdentity(file, around);
		});
}

async function makeIdentity(file: string, { stdout }: Surroundings): Promise<void> {
	try {
		const { publicKey, hash } = await loadIdentity(file);
		stdout.write(`public key: ${Buffer.from(publicKey).toString("hex")}\n`);
		stdout.write(`id:         ${hash.toString()}\n`);
	} catch (cause) {
		if (!(cause instanceof ChordError)) throw cause;
		throw new Failure("USAGE", cause.message, { cause });
	}
}

function makeSecret(file: string, { stdout }: Surroundings): void {
	try {
		const secret = `${randomBytes(SECRET).toString("hex")}\n`;
		writeFileSync(file, secret, { mode: 0o600, flag: "wx" });
	} catch (cause) {
		throw new Failure("USAGE", `cannot write ${file}: ${(cause as Error).message}`, { cause });
	}
	stdout.write(`a secret is in ${file}: give it to all peers of the swarm, and to nobody else\n`);
}
