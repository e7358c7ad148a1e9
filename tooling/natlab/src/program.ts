import type { ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";

/** What a program answers to a call, or tells by itself. */
type Line =
	| { readonly call: number; readonly result: unknown }
	| { readonly call: number; readonly error: unknown }
	| { readonly event: string; readonly data: unknown };

/** An error that a call of a program ended with. */
export class CallError extends Error {
	/** The error as the program told it. */
	readonly told: Readonly<Record<string, unknown>>;

	constructor(told: Readonly<Record<string, unknown>>) {
		super(`${String(told["code"])}: ${String(told["message"])}`);
		this.told = told;
	}

	get code(): unknown {
		return this.told["code"];
	}
}

/** A process that reads calls and writes answers and events, a line of JSON each. */
export class Program {
	readonly process: ChildProcess;
	/** What it told by itself: listen to the event's name. */
	readonly events: EventEmitter = new EventEmitter();
	/** All that it told by itself, by the event's name. */
	readonly told: [event: string, data: unknown][] = [];
	/** Its exit code, or the signal that ended it. */
	readonly ended: Promise<number | NodeJS.Signals>;
	stderr = "";
	#calls = 0;
	readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();

	constructor(child: ChildProcess) {
		this.process = child;
		child.stdin?.on("error", () => {});
		child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.stderr += text;
		});
		if (child.stdout !== null) {
			createInterface({ input: child.stdout }).on("line", (line) => {
				this.#read(line);
			});
		}
		this.ended = once(child, "close").then((values: unknown[]) => {
			const [code, signal] = values as [number | null, NodeJS.Signals | null];
			for (const open of this.#open.values()) {
				open.reject(new Error(`the program ended: ${code ?? signal}\n${this.stderr}`));
			}
			return code ?? signal ?? 0;
		});
		this.ended.catch(() => {});
	}

	/** Calls one of its functions. @throws CallError when that fails */
	async call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T> {
		const call = ++this.#calls;
		return new Promise((resolve, reject) => {
			this.#open.set(call, { resolve, reject });
			this.process.stdin?.write(`${JSON.stringify({ call, name, args })}\n`);
		});
	}

	/** The first event of a name, also one that was told before. */
	async event(name: string): Promise<unknown> {
		const before = this.told.find(([event]) => event === name);
		if (before !== undefined) return before[1];
		const [data] = (await once(this.events, name)) as [unknown];
		return data;
	}

	/** Ends it by closing its input, and answers how it ended. */
	async end(): Promise<number | NodeJS.Signals> {
		this.process.stdin?.end();
		return this.ended;
	}

	/** Ends it at once. */
	async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | NodeJS.Signals> {
		this.process.kill(signal);
		return this.ended;
	}

	#read(text: string): void {
		const line = JSON.parse(text) as Line;
		if ("event" in line) {
			this.told.push([line.event, line.data]);
			this.events.emit(line.event, line.data);
			return;
		}
		const open = this.#open.get(line.call);
		this.#open.delete(line.call);
		if ("error" in line) open?.reject(new CallError(line.error as Record<string, unknown>));
		else open?.resolve(line.result);
	}
}
