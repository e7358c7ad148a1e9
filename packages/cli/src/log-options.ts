import { appendFileSync } from "node:fs";

import { Failure } from "./failure.ts";
import { type Level, Log } from "./log.ts";
import type { PeerOptions } from "./peer-options.ts";
import type { Surroundings } from "./surroundings.ts";

/** The log that the options ask for: warnings, and with a file or `--debug` more. @throws Failure `USAGE` */
export function openLog(
	{ debug, log: file, stdout }: Pick<PeerOptions, "debug" | "log" | "stdout">,
	around: Surroundings,
): Log {
	const level: Level = debug === true ? "debug" : file === undefined ? "warn" : "info";
	if (file === undefined) {
		const stream = stdout === true ? around.stdout : around.stderr;
		return new Log((line) => stream.write(line), level);
	}
	try {
		appendFileSync(file, "");
	} catch (cause) {
		throw new Failure("USAGE", `cannot write the log to ${file}: ${(cause as Error).message}`, {
			cause,
		});
	}
	return new Log((line) => {
		appendFileSync(file, line);
	}, level);
}
