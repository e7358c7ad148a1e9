// The command as its users run it: a process of its own, its output and its exit code.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

const BIN = join(import.meta.dirname, "../dist/bin.js");

/** Options of a peer that stays on this machine. */
export const LOCAL: readonly string[] = ["--interface", "127.0.0.1", "--no-port-mapping"];

export interface Run {
	readonly written: { stdout: string; stderr: string };
	/** Its exit code, or the signal that ended it. */
	readonly ended: Promise<number | NodeJS.Signals | null>;
	/** Resolves once it has written so to stdout. */
	said(words: string): Promise<void>;
	type(text: string): void;
	/** Nothing more will be typed. */
	endOfInput(): void;
	/** Nobody reads what it writes any more. */
	stopReading(): void;
	kill(signal: NodeJS.Signals): void;
}

export function start(...args: string[]): Run {
	const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
	const child = spawn(process.execPath, [BIN, ...args], { stdio: "pipe", env });
	const written = { stdout: "", stderr: "" };
	const listeners = new Set<() => void>();
	for (const name of ["stdout", "stderr"] as const) {
		child[name].setEncoding("utf8").on("data", (text: string) => {
			written[name] += text;
			for (const look of listeners) look();
		});
	}
	const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
		child.on("close", (code, signal) => {
			resolve(code ?? signal);
		});
	});
	const said = async (words: string): Promise<void> => {
		const heard = new Promise<void>((resolve) => {
			const look = (): void => {
				if (written.stdout.includes(words)) resolve();
			};
			listeners.add(look);
			look();
		});
		const silent = ended.then(() => {
			throw new Error(`it ended without saying "${words}": ${written.stdout}${written.stderr}`);
		});
		await Promise.race([heard, silent]);
	};
	onTestFinished(() => {
		child.kill("SIGKILL");
	});
	return {
		written,
		ended,
		said,
		type: (text) => void child.stdin.write(text),
		endOfInput: () => void child.stdin.end(),
		stopReading: () => void child.stdout.destroy(),
		kill: (signal) => void child.kill(signal),
	};
}

/** A folder that is gone after the test. */
export function folder(): string {
	const path = mkdtempSync(join(tmpdir(), "cicada-cli-"));
	onTestFinished(() => {
		rmSync(path, { recursive: true, force: true });
	});
	return path;
}

/** A file that is gone after the test. */
export function file(text: string | Uint8Array): string {
	const path = join(folder(), "script");
	writeFileSync(path, text);
	return path;
}

/** Ports of 127.0.0.1 that nobody has, below those that the system gives away by itself. */
export async function freePorts(count: number): Promise<readonly number[]> {
	const ports: number[] = [];
	let port = 10_000 + (process.pid % 1_000) * 20;
	for (; ports.length < count; port++) if (await isFree(port)) ports.push(port);
	return ports;
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once("error", () => {
			resolve(false);
		});
		server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
	});
}
