import { spawn } from "node:child_process";

/** What a program answered. */
export interface Ended {
	readonly status: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs a program to its end. */
export function run(command: readonly string[], input = ""): Promise<Ended> {
	return new Promise((resolve, reject) => {
		const [file = "", ...args] = command;
		const child = spawn(file, args, { stdio: "pipe" });
		const out = { stdout: "", stderr: "" };
		for (const name of ["stdout", "stderr"] as const) {
			child[name].setEncoding("utf8").on("data", (text: string) => {
				out[name] += text;
			});
		}
		child.on("error", reject);
		child.on("close", (code) => {
			resolve({ status: code ?? 128, ...out });
		});
		// It may end without reading all of it.
		child.stdin.on("error", () => {});
		child.stdin.end(input);
	});
}

/** Runs a program that must succeed, and answers what it printed. */
export async function must(command: readonly string[], input?: string): Promise<string> {
	const { status, stdout, stderr } = await run(command, input);
	if (status === 0) return stdout;
	throw new Error(`${command.join(" ")}: ${status}\n${input ?? ""}\n${stdout}${stderr}`);
}

/**
 * Asks about a thing that no event tells, of another process, until it is as it should be.
 *
 * @throws Error when it is not within 10 s
 */
export async function until<T>(
	what: string,
	ask: () => Promise<T | undefined>,
	limit = 10_000,
): Promise<T> {
	const end = performance.now() + limit;
	for (;;) {
		const found = await ask();
		if (found !== undefined) return found;
		if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
		await new Promise((resolve) => {
			setTimeout(resolve, 25);
		});
	}
}
