import { setTimeout as delay } from "node:timers/promises";

import { SwarmError, type SwarmPeer } from "@cicada/swarmlib";

import { explained } from "../advice.ts";
import { Failure } from "../failure.ts";
import { nameOf, shown } from "../printable.ts";
import type { Command, Step } from "./command.ts";
import { type RunEvent, arrival, named } from "./report.ts";

/** The longest that a timer can run, in milliseconds: for ever, as far as scripts go. */
const LONGEST = 2 ** 31 - 1;

/** Carries out a script's commands, one after the other, with one peer. */
export class Interpreter {
	readonly #peer: SwarmPeer;
	readonly #report: (event: RunEvent) => void;
	/** For each operation: its time-out, where one is set, and the signal that ends the run. */
	readonly #wait: { readonly signal: AbortSignal; readonly timeout?: number };
	#duplicates: number;

	constructor(
		peer: SwarmPeer,
		options: { duplicates: number; timeout?: number; signal: AbortSignal },
		report: (event: RunEvent) => void,
	) {
		const { duplicates, ...wait } = options;
		this.#peer = peer;
		this.#duplicates = duplicates;
		this.#wait = wait;
		this.#report = report;
	}

	/** @throws Failure `FAILED` when the command does not work out */
	async run({ line, command }: Step): Promise<void> {
		try {
			await this.#do(command, line);
		} catch (cause) {
			if (!(cause instanceof SwarmError || cause instanceof Failure)) throw cause;
			throw new Failure("FAILED", `line ${line}, ${command.verb}: ${explained(cause)}`, { cause });
		}
	}

	async #do(command: Command, line: number): Promise<void> {
		switch (command.verb) {
			case "SEND":
				await this.#send(command, line);
				break;
			case "BCAST": {
				const { reached } = await this.#peer.broadcast(command.data, this.#wait);
				const bytes = Buffer.byteLength(command.data);
				this.#report({ event: "broadcast", line, bytes, reached });
				break;
			}
			case "RECV":
				for (let count = 0; count < command.count; count++) {
					this.#report(arrival("received", line, await this.#peer.recv(this.#wait)));
				}
				break;
			case "EXPECT":
				await this.#expect(command.text, line);
				break;
			case "OPT":
				this.#duplicates = command.settings.duplicates ?? this.#duplicates;
				break;
			case "WAIT":
				await this.#waitForPeers(command.peers, command.seconds);
				this.#report({ event: "peers", line, count: this.#peer.ring.members.length });
				break;
			case "PAUSE":
				await this.#pause(command.seconds);
				break;
			case "ECHO":
				this.#report({ event: "echo", line, text: command.text });
				break;
		}
	}

	async #send({ host, port, data }: Command & { verb: "SEND" }, line: number): Promise<void> {
		const receipt = await this.#peer.send([host, port], data, {
			...this.#wait,
			duplicates: this.#duplicates,
		});
		const { target, copies, hops, rtt } = receipt;
		const bytes = Buffer.byteLength(data);
		this.#report({ event: "sent", line, to: named(target), bytes, copies, hops, rtt });
	}

	async #expect(text: string, line: number): Promise<void> {
		const message = await this.#peer.recv(this.#wait);
		if (Buffer.from(text).equals(message.data)) {
			this.#report(arrival("expected", line, message));
			return;
		}
		this.#report(arrival("received", line, message));
		throw new Failure(
			"FAILED",
			`the next message was to be ${shown(Buffer.from(text))}, and ${nameOf(message.source)} sent ${shown(message.data)}`,
		);
	}

	/** Resolves once so many peers are in the swarm. @throws Failure `FAILED` when that takes longer than it may */
	async #waitForPeers(count: number, seconds: number): Promise<void> {
		const { ring } = this.#peer;
		const enough = new AbortController();
		const look = (): void => {
			if (ring.members.length >= count) enough.abort();
		};
		const forget = this.#peer.on("ring", look);
		look();
		try {
			await this.#pause(seconds, enough.signal);
		} finally {
			forget();
		}
		if (enough.signal.aborted) return;
		throw new Failure(
			"FAILED",
			`${ring.members.length} of ${count} peers were there after ${seconds} s`,
		);
	}

	/** Lets time pass, until something has happened. */
	async #pause(
		seconds: number,
		happened: AbortSignal = new AbortController().signal,
	): Promise<void> {
		const { signal } = this.#wait;
		const either = AbortSignal.any([happened, signal]);
		if (either.aborted) return;
		const milliseconds = seconds === Infinity ? LONGEST : seconds * 1_000;
		await delay(milliseconds, undefined, { signal: either }).catch(() => {
			signal.throwIfAborted();
		});
	}
}
