import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { fileURLToPath } from "node:url";

import { type Address, formatAddress } from "@cicada/chordlib";
import { expect } from "vitest";

import { SwarmPeer, type SwarmOptions } from "../src/index.ts";

/** How a victim says that it is. */
export interface Health {
	readonly rss: number;
	readonly links: number;
	readonly pendingLinks: number;
	/** The id of the peer before it, in hexadecimal digits. */
	readonly predecessor: string | undefined;
	readonly troubles: readonly string[];
}

/** A peer in another process, to be attacked, and an honest neighbour that it must go on serving over the link they have. */
export class Victim {
	readonly at: Address;
	readonly honest: SwarmPeer;
	readonly #process: ChildProcess;
	/** Links to its neighbour that it has lost. */
	lost = 0;

	private constructor(process: ChildProcess, at: Address, options: SwarmOptions) {
		this.#process = process;
		this.at = at;
		this.honest = new SwarmPeer(options);
		this.honest.on("peerGone", ({ address }) => {
			if (address?.port === at.port) this.lost++;
		});
	}

	/** A victim that has met nobody. */
	static async alone(options: SwarmOptions = {}): Promise<Victim> {
		const program = fileURLToPath(new URL("victim.mjs", import.meta.url));
		const process = fork(program, [JSON.stringify(options)]);
		const [at] = (await once(process, "message")) as [Address];
		const victim = new Victim(process, at, options);
		await victim.honest.bind("127.0.0.1", 0);
		return victim;
	}

	/** A victim with its neighbour. */
	static async start(options: SwarmOptions = {}): Promise<Victim> {
		const victim = await Victim.alone(options);
		await victim.honest.connect(victim.at);
		return victim;
	}

	async stop(): Promise<void> {
		await this.honest.close();
		this.#process.disconnect();
		await once(this.#process, "exit");
	}

	async health(): Promise<Health> {
		const told = once(this.#process, "message");
		this.#process.send("how are you?");
		const [answer] = (await told) as [Health];
		return answer;
	}

	/** Asks the victim until so many links that it accepted have not said who they are. */
	async untilPending(count: number): Promise<void> {
		while ((await this.health()).pendingLinks !== count);
	}

	/** A socket that is connected, and that takes whatever end it comes to. */
	async dial(): Promise<Socket> {
		const socket = connect(this.at.port, this.at.host);
		socket.on("error", () => {});
		socket.resume();
		await once(socket, "connect");
		return socket;
	}

	/** Says something, and waits until the victim has ended the link. */
	async attack(bytes: Uint8Array): Promise<void> {
		const socket = await this.dial();
		const closed = once(socket, "close");
		socket.write(bytes);
		await closed;
	}
}

/** It takes a message of its neighbour, and sends it back. */
export async function expectServed(
	{ at, honest }: Victim,
	message: string | Uint8Array = "are you there?",
): Promise<void> {
	await honest.send(at, message);
	const { source, data } = await honest.recv();
	expect(formatAddress(source.address ?? { host: "", port: 0 })).toBe(formatAddress(at));
	expect(Buffer.compare(data, Buffer.from(message))).toBe(0);
}

/** All the while the neighbour was served over one link, and nothing reached the victim's program. */
export async function expectUnharmed(victim: Victim): Promise<void> {
	await expectServed(victim);
	expect((await victim.health()).troubles).toEqual([]);
	expect(victim.lost).toBe(0);
}
