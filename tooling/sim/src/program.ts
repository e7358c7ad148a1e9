import { LocalNode } from "@cicada/chordlib";
import type { Ports, SimHost } from "@cicada/simnet";

import { observed } from "./observed-ports.ts";
import { type View, keyOf, look, pointerOf } from "./oracles/view.ts";

const PORT = 7000;

/** What a program asks of the run that it is part of. */
export interface Surroundings {
	/** The length of successor lists. */
	readonly successors: number;
	/** Keeps a promise, so that the simulation lets promises settle until it has. */
	track<T>(promise: Promise<T>): Promise<T>;
	/** Addresses of nodes through which `program` may join. */
	entrances(program: Program): readonly string[];
	/** It takes other keys for its own than before: at each change, also when several happen at once. */
	claimed(program: Program, after: string | undefined): void;
	/** A node's state is another one. */
	changed(program: Program, now: View, before: View | undefined): void;
}

/** Milliseconds between two attempts of a user to join. */
const AGAIN = 1_000;

/** One life of a host's process: a node, and a user who wants it in the ring. */
export class Program {
	readonly host: SimHost;
	readonly node: LocalNode;
	/** Who answered it, by life: see the oracle. */
	readonly answered: Set<string> = new Set();
	view: View | undefined;
	/** Set while its user wants it in the ring. */
	wanted = false;
	readonly #ports: Ports;
	readonly #around: Surroundings;
	#id = "";

	constructor(host: SimHost, ports: Ports, around: Surroundings) {
		this.host = host;
		this.#ports = ports;
		this.#around = around;
		const address = { host: host.ip, port: PORT };
		this.node = new LocalNode(`${host.ip}:${PORT}`, address, {
			network: "sim",
			encryption: "off",
			successors: around.successors,
			// Looks after each thing that happens to the node.
			ports: observed(ports, this.look),
		});
		const claimed = (): void => {
			const { predecessor } = this.node;
			around.claimed(this, predecessor && pointerOf(predecessor).id);
		};
		this.node.on("arc", claimed);
		this.node.on("standing", claimed);
		this.node.on("link", ({ peer }) => {
			this.answered.add(keyOf(pointerOf(peer)));
		});
	}

	get name(): string {
		return this.host.name;
	}

	get isMember(): boolean {
		return this.host.running && this.view?.standing === "member";
	}

	readonly look = (): void => {
		if (this.#id === "") return;
		const before = this.view;
		const now = look(this.name, this.#id, this.node, before);
		if (now === before) return;
		this.view = now;
		this.#around.changed(this, now, before);
	};

	/** Starts to listen, and joins a ring unless it is to wait for others. */
	start(joins: boolean): void {
		this.wanted = true;
		this.#around.track(this.#start(joins)).catch(() => {});
	}

	/** Its user wants it in a ring. */
	join(): void {
		this.wanted = true;
		this.#around.track(this.#join()).catch(() => {});
	}

	leave(): void {
		this.wanted = false;
		this.#around.track(this.node.leaveRing()).catch(() => {});
		this.look();
	}

	/** It is told of a node of another ring. */
	bridge(host: string): void {
		this.#around.track(this.node.joinRing({ host, port: PORT })).catch(() => {});
	}

	async #start(joins: boolean): Promise<void> {
		await this.node.listen();
		this.#id = this.node.hash.toString();
		this.look();
		if (joins) this.join();
	}

	async #join(): Promise<void> {
		const remotes = this.#around.entrances(this).map((host) => ({ host, port: PORT }));
		try {
			if (remotes.length > 0) {
				const joined = this.node.joinRing(remotes);
				this.look();
				await joined;
				return;
			}
		} catch {
			// It asks again below, through others; also when somebody joined through it meanwhile.
		}
		if (!this.wanted) return;
		this.#ports.clock.schedule(AGAIN, () => {
			if (this.wanted) this.join();
		});
	}
}
