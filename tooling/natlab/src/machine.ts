import { type ChildProcess, spawn } from "node:child_process";

import { type Ended, run } from "./command.ts";
import type { Namespaces } from "./namespaces.ts";
import { Program } from "./program.ts";

/** A machine of the lab. */
export class Machine {
	readonly name: string;
	readonly address: string;
	readonly #namespaces: Namespaces;

	constructor(namespaces: Namespaces, name: string, address: string) {
		this.#namespaces = namespaces;
		this.name = name;
		this.address = address;
	}

	/** Runs a command there, to its end. */
	run(...command: readonly string[]): Promise<Ended> {
		return run(this.#namespaces.within(this.name, command));
	}

	/** Starts a command there. */
	spawn(...command: readonly string[]): ChildProcess {
		const [file = "", ...args] = this.#namespaces.within(this.name, command);
		return spawn(file, args, { stdio: "pipe" });
	}

	/** Starts a program of Node there that is asked over its input: {@link Program}. */
	program(file: string, ...args: readonly string[]): Program {
		return new Program(this.spawn(process.execPath, file, ...args));
	}

	/** Changes its interfaces: lines for `ip -batch`. */
	async ip(...lines: readonly string[]): Promise<void> {
		await this.#namespaces.ip(this.name, lines);
	}
}
