import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

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
		const child = fork(new URL(name, import.meta.url), args);
		const [port] = (await once(child, "message")) as [number];
		return [child, port];
	}

	async close(): Promise<void> {
		const ended = once(this.child, "exit");
		this.child.disconnect();
		await ended;
	}
}
