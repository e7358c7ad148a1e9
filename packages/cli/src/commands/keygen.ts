import { existsSync } from "node:fs";

import { ChordError, loadIdentity } from "@cicada/chordlib";
import type { Command } from "commander";

import { Failure } from "../failure.ts";
import type { Surroundings } from "../surroundings.ts";

const help = `
The file holds secrets, and is its owner's only. Peers take it with --identity, one at a time.
Exit codes: 0 made; 2 the file is there already, or cannot be written.`;

/** Adds `cicada keygen`. */
export function addKeygen(program: Command, { stdout }: Surroundings): void {
	program
		.command("keygen")
		.argument("<file>", "where the keys go")
		.description("makes keys for a peer, and says what they are known by")
		.addHelpText("after", help)
		.action(async (file: string) => {
			// To open it would count as a start of the peer whose keys they are.
			if (existsSync(file))
				throw new Failure("USAGE", `${file} is there already: name another file`);
			try {
				const { publicKey, hash } = await loadIdentity(file);
				stdout.write(`public key: ${Buffer.from(publicKey).toString("hex")}\n`);
				stdout.write(`id:         ${hash.toString()}\n`);
			} catch (cause) {
				if (!(cause instanceof ChordError)) throw cause;
				throw new Failure("USAGE", cause.message, { cause });
			}
		});
}
