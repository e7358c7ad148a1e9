import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Calls, Place, Request, Response } from "./calls.ts";

/** As it was built: tests run this file from the sources, from which Node cannot start a program. */
const PROGRAM = fileURLToPath(new URL("../../dist/demo/peer.js", import.meta.url));
/** Characters kept of what a peer's process writes to stderr, for when it ends and nobody asked it to. */
const LAST_WORDS = 2_000;

interface Pending {
	readonly resolve: (gives: never) => void;
	readonly reject: (error: Error) => void;
}

/** One peer's process. */
export class Peer {
	/** Where it listens. Set by {@link Peer.bind}. */
	place: Place = { host: "", port: 0, id: "" };
	/** Resolves when the process is gone. */
	readonly ended: Promise<void>;
	readonly name: string;
	readonly #process: ChildProcess;
	readonly #pending = new Map<number, Pending>();
	#calls = 0;
	#lastWords = "";
	#gone: Error | undefined;

	constructor(name: string) {
		this.name = name;
		this.#process = fork(PROGRAM, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
		this.#process.stderr?.on("data", (words: Buffer) => {
			this.#lastWords = `${this.#lastWords}${words.toString()}`.slice(-LAST_WORDS);
		});
		this.#process.on("message", (response: Response) => {
			this.#answered(response);
		});
		this.ended = new Promise((resolve) => {
			this.#process.once("error", (error) => {
				this.#fail(error.message);
				resolve();
			});
			this.#process.once("exit", (code, signal) => {
				this.#fail(`ended (${signal ?? `exit code ${code}`}) ${this.#lastWords}`.trim());
				resolve();
			});
		});
	}

	get pid(): number | undefined {
		return this.#process.pid;
	}

	async bind(): Promise<void> {
		this.place = await this.call("bind", null);
	}

	async call<Name extends keyof Calls>(
		name: Name,
		takes: Calls[Name]["takes"],
	): Promise<Calls[Name]["gives"]> {
		if (this.#gone !== undefined) throw this.#gone;
		const call = this.#calls++;
		return new Promise((resolve, reject) => {
			this.#pending.set(call, { resolve, reject });
			// A failure shows in the process's end, which rejects everything that is pending.
			const request: Request = { call, name, takes };
			this.#process.send(request, () => {});
		});
	}

	/** Ends the process on the spot, as a crash would. */
	kill(): void {
		this.#process.kill("SIGKILL");
	}

	#answered(response: Response): void {
		const pending = this.#pending.get(response.call);
		this.#pending.delete(response.call);
		if ("failed" in response) pending?.reject(new Error(`${this.name}: ${response.failed}`));
		else pending?.resolve(response.gives as never);
	}

	#fail(reason: string): void {
		this.#gone ??= new Error(`${this.name}: its process ${reason}`);
		for (const { reject } of this.#pending.values()) reject(this.#gone);
		this.#pending.clear();
	}
}

/** All peers' processes, so that none is left behind. */
export class Swarm {
	readonly #peers = new Set<Peer>();
	#ending = false;

	/** Those whose processes run. */
	get peers(): Peer[] {
		return [...this.#peers];
	}

	/** The same, in the order of their ids: the ring as it should be. */
	get ring(): Peer[] {
		return this.peers.toSorted((a, b) => (a.place.id < b.place.id ? -1 : 1));
	}

	/** Starts a process. */
	start(name: string): Peer {
		if (this.#ending) throw new Error("the demo is ending");
		const peer = new Peer(name);
		this.#peers.add(peer);
		void peer.ended.then(() => this.#peers.delete(peer));
		return peer;
	}

	/** Has every peer close. Answers those whose processes did not end by themselves within `patience` milliseconds. */
	async close(patience: number): Promise<Peer[]> {
		const { peers } = this;
		const closing = Promise.all(
			peers.map(async (peer) => {
				await Promise.allSettled([peer.call("close", null)]);
				await peer.ended;
			}),
		);
		let timer: NodeJS.Timeout | undefined;
		const patient = new Promise((resolve) => {
			timer = setTimeout(resolve, patience);
		});
		await Promise.race([closing, patient]);
		clearTimeout(timer);
		const stubborn = this.peers;
		await this.end();
		return stubborn;
	}

	/** Ends all processes at once. */
	async end(): Promise<void> {
		this.#ending = true;
		const { peers } = this;
		for (const peer of peers) peer.kill();
		await Promise.all(peers.map(({ ended }) => ended));
	}
}
