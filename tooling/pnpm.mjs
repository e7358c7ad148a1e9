// Runs the pnpm that package.json pins, on a machine that has only node and npm.
//
//   node tooling/pnpm.mjs <pnpm's arguments>
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs pnpm in the repository's root and answers its exit code. A signal to this process ends
 * everything that pnpm started: several shells lie between it and the programs that do the work,
 * and not all of them pass signals on, so pnpm leads a process group and the group is signalled.
 *
 * @param {readonly string[]} args
 * @param {{ stdout?: "inherit" | 2 }} [options] 2 sends what pnpm says to stderr
 * @returns {Promise<number>}
 */
export const pnpm = async (args, { stdout = "inherit" } = {}) => {
	const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
	const { packageManager } = JSON.parse(manifest);
	const child = spawn("npx", ["--yes", packageManager, ...args], {
		cwd: root,
		stdio: ["inherit", stdout, "inherit"],
		detached: true,
		env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
	});
	/** @type {(signal: NodeJS.Signals | 0) => boolean} whether anyone was there to get it */
	const signalAll = (signal) => {
		try {
			return process.kill(-Number(child.pid), signal);
		} catch {
			return false;
		}
	};
	/** @type {NodeJS.Signals | undefined} */
	let received;
	/** @param {NodeJS.Signals} signal */
	const forward = (signal) => {
		received = signal;
		signalAll(signal);
	};
	for (const signal of signals) process.on(signal, forward);
	try {
		/** @type {{ status: number | null, killedBy: NodeJS.Signals | null }} */
		const { status, killedBy } = await new Promise((resolve, reject) => {
			child.on("error", reject);
			child.on("exit", (code, signal) => resolve({ status: code, killedBy: signal }));
		});
		const signal = received ?? killedBy;
		// The shells die at once; what they started may need a moment to tidy up.
		for (let tries = signal ? 100 : 0; tries > 0 && signalAll(0); tries--) {
			if (tries === 1) signalAll("SIGKILL");
			await delay(50);
		}
		return signal ? 128 + constants.signals[signal] : (status ?? 1);
	} finally {
		for (const signal of signals) process.off(signal, forward);
	}
};

/**
 * Signals this process when the one that started it is gone, however it went. For that to be npm
 * and not a shell in between, the scripts of package.json say `exec`.
 */
export const endWithParent = () => {
	const parent = process.ppid;
	const watch = setInterval(() => {
		if (process.ppid === parent) return;
		clearInterval(watch);
		process.kill(process.pid, "SIGTERM");
	}, 200);
	watch.unref();
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	endWithParent();
	process.exitCode = await pnpm(process.argv.slice(2));
}
