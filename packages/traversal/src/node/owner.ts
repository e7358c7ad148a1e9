import { createHash, randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";

import type { Owner } from "../ports.ts";

/** Process numbers mean something only within their namespace, where the system has such. */
const namespace = (): string => {
	try {
		return readlinkSync("/proc/self/ns/pid");
	} catch {
		return "";
	}
};

/** This process. */
export const owner: Owner = {
	host: createHash("sha256").update(`${hostname()} ${namespace()}`).digest("hex").slice(0, 8),
	process: process.pid,
	run: randomBytes(4).toString("hex"),
	alive: (number) => {
		try {
			process.kill(number, 0);
			return true;
		} catch (error) {
			// It is there, but somebody else's.
			return (error as NodeJS.ErrnoException).code === "EPERM";
		}
	},
};
