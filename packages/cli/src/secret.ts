import { readFileSync, statSync } from "node:fs";

import type { Network, Secret } from "@cicada/swarmlib";

import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";
import type { PeerOptions } from "./peer-options.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the environment may hold in place of a file. */
const VARIABLE = "CICADA_SECRET";
/** As many as a network may have at the same time. */
const MOST = 4;
/** Whether everybody on the machine may read a file. */
const READ_BY_OTHERS = 0o004;

/** The swarm that the options name, with its secret where it has one. @throws Failure `USAGE` */
export function networkOf(
	{ network: id = "", secret: file }: Pick<PeerOptions, "network" | "secret">,
	env: Surroundings["env"],
	log: Log,
): Network {
	const fromEnvironment = env[VARIABLE];
	if (file !== undefined) return { id, secret: secretsIn(read(file, log), file) };
	if (fromEnvironment === undefined) return { id };
	return { id, secret: secretsIn(fromEnvironment, VARIABLE) };
}

function read(file: string, log: Log): string {
	try {
		const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
		if ((statSync(file).mode & READ_BY_OTHERS) !== 0) {
			log.write("warn", `everybody on this machine can read the secret in ${file}: chmod 600 it`);
		}
		return text;
	} catch (cause) {
		const why = (cause as Error).message;
		throw new Failure("USAGE", `cannot read the secret in ${file}: ${why} (see --secret)`, {
			cause,
		});
	}
}

function secretsIn(text: string, where: string): Secret[] {
	const lines = text.split(/\r?\n/).filter((line) => line !== "");
	if (lines.length >= 1 && lines.length <= MOST) return lines.map(secretOf);
	throw new Failure(
		"USAGE",
		`${where} holds ${lines.length} secrets, one a line: there may be 1 to ${MOST} (cicada keygen --secret makes one)`,
	);
}

/** 32 bytes in hexadecimal digits or base64, else a passphrase. */
function secretOf(line: string): Secret {
	if (/^[0-9a-f]{64}$/i.test(line)) return new Uint8Array(Buffer.from(line, "hex"));
	if (/^[A-Za-z0-9+/]{43}=$/.test(line)) return new Uint8Array(Buffer.from(line, "base64"));
	return line;
}
