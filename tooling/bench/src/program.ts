import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/**
 * glibc gives the system freed memory back as soon as there is a little of it at the end of its heap, and soon asks for it
 * again. In a process that does one thing only, how much of that there is, is chance: up to a third of a link's time.
 */
const MEMORY_STAYS = { MALLOC_TRIM_THRESHOLD_: String(32 * 1_048_576) };

/** Another process of the bench, which listens. Close it. */
export class Program {
	readonly port: number;
	protected readonly child: ChildProcess;

	protected constructor(child: ChildProcess, port: number) {
		this.child = child;
		this.port = port;
	}

	/** Starts a program of this folder, and waits until it has told its port. */
	protected static async start(
		name: string,
		args: readonly string[],
	): Promise<[child: ChildProcess, port: number]> {
		const child = fork(new URL(name, import.meta.url), args, {
			env: { ...MEMORY_STAYS, ...process.env },
		});
		const [port] = (await once(child, "message")) as [number];
		return [child, port];
	}

	async close(): Promise<void> {
		const ended = once(this.child, "exit");
		this.child.disconnect();
		await ended;
	}
}

/** What a program of this folder tells, which tells one thing and ends. */
export async function told<T>(
	name: string,
	args: readonly string[],
	execArgv: readonly string[],
): Promise<T> {
	const child = fork(new URL(name, import.meta.url), args, { execArgv: [...execArgv] });
	const heard: T[] = [];
	child.on("message", (word) => heard.push(word as T));
	// What it said last may be read after its end.
	const [[code, signal]] = (await Promise.all([
		once(child, "exit"),
		once(child, "disconnect"),
	])) as [[number | null, NodeJS.Signals | null], unknown];
	const [word] = heard;
	if (code !== 0 || word === undefined) {
		throw new Error(
			`${name} ended with ${String(code ?? signal)}, and not with what it was to tell`,
		);
	}
	return word;
}
