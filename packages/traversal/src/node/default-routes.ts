import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { promisify } from "node:util";

import type { DefaultRoute } from "../ports.ts";
import { parseNetstat, parseProcNetRoute, parseRouteGet, parseRoutePrint } from "../routes.ts";

/** How long a command may take, in milliseconds, and how much it may print. */
const TIME = 3_000;
const OUTPUT = 1_048_576;

const run = async (
	command: string,
	args: readonly string[],
	signal: AbortSignal,
): Promise<string> => {
	const options = { timeout: TIME, maxBuffer: OUTPUT, windowsHide: true, signal };
	const { stdout } = await promisify(execFile)(command, args, options);
	return stdout;
};

const read = async (
	platform: NodeJS.Platform,
	signal: AbortSignal,
): Promise<readonly DefaultRoute[]> => {
	switch (platform) {
		case "linux":
		case "android": {
			const table = await readFile("/proc/net/route", { encoding: "latin1", signal });
			return parseProcNetRoute(table, endianness() === "LE");
		}
		case "win32": {
			const system = process.env["SystemRoot"] ?? "C:\\Windows";
			return parseRoutePrint(
				await run(`${system}\\System32\\route.exe`, ["print", "-4", "0.0.0.0"], signal),
			);
		}
		case "darwin": {
			const taken = await run("/sbin/route", ["-n", "get", "default"], signal).catch(() => "");
			const all = await run("/usr/sbin/netstat", ["-rn", "-f", "inet"], signal).catch(() => "");
			return [...parseRouteGet(taken), ...parseNetstat(all)];
		}
		default: {
			return parseNetstat(await run("netstat", ["-rn", "-f", "inet"], signal));
		}
	}
};

/** The default routes of this machine; none where the system does not tell. */
export async function defaultRoutes(signal: AbortSignal): Promise<readonly DefaultRoute[]> {
	try {
		return await read(process.platform, signal);
	} catch {
		signal.throwIfAborted();
		return [];
	}
}
