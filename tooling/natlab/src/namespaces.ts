import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { must, run } from "./command.ts";
import { Keeper } from "./keeper.ts";

const FOLDER = "/run/netns";

const alive = (pid: number): boolean => {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
};

/** Removes namespaces, and ends what runs in them. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
	await Promise.all(
		names.map(async (name) => {
			const { stdout } = await run(["ip", "netns", "pids", name]);
			for (const pid of stdout.split("\n").filter((line) => line !== "")) {
				try {
					process.kill(Number(pid), "SIGKILL");
				} catch {
					// It ended by itself.
				}
			}
			await run(["ip", "netns", "del", name]);
		}),
	);
}

/** Removes what labs left behind whose process is gone, and whose keeper too. */
async function sweep(): Promise<void> {
	let names: readonly string[];
	try {
		names = readdirSync(FOLDER);
	} catch {
		return;
	}
	await removeNamespaces(
		names.filter((name) => {
			const [, pid] = /^natlab-(\d+)-/.exec(name) ?? [];
			return pid !== undefined && !alive(Number(pid));
		}),
	);
}

/**
 * Network namespaces with names of their own, and a folder. They are gone after {@link close}, and also when the
 * process that made them is, however it went.
 */
export class Namespaces {
	readonly folder: string;
	readonly #prefix: string;
	readonly #keeper: Keeper;

	private constructor(prefix: string, folder: string, keeper: Keeper) {
		this.#prefix = prefix;
		this.folder = folder;
		this.#keeper = keeper;
	}

	static async create(names: readonly string[]): Promise<Namespaces> {
		await sweep();
		const prefix = `natlab-${process.pid}-${randomBytes(3).toString("hex")}-`;
		const folder = mkdtempSync(join(tmpdir(), prefix));
		const full = names.map((name) => prefix + name);
		const namespaces = new Namespaces(prefix, folder, new Keeper(folder, full));
		try {
			await must(["ip", "-batch", "-"], full.map((name) => `netns add ${name}\n`).join(""));
			await Promise.all(names.map((name) => namespaces.ip(name, ["link set lo up"])));
		} catch (error) {
			await namespaces.close();
			throw error;
		}
		return namespaces;
	}

	/** The name of one, for `ip netns exec`. */
	nameOf(name: string): string {
		return this.#prefix + name;
	}

	/** The command that runs another in a namespace. */
	within(name: string, command: readonly string[]): readonly string[] {
		return ["ip", "netns", "exec", this.nameOf(name), ...command];
	}

	/** Lines for `ip -batch` in a namespace. */
	async ip(name: string, lines: readonly string[]): Promise<void> {
		await must(["ip", "-n", this.nameOf(name), "-batch", "-"], `${lines.join("\n")}\n`);
	}

	/** Connects an interface of one to an interface of another. */
	async cable(
		[one, name]: readonly [namespace: string, name: string],
		[other, otherName]: readonly [namespace: string, name: string],
	): Promise<void> {
		await must([
			...["ip", "link", "add", name, "netns", this.nameOf(one), "type", "veth"],
			...["peer", "name", otherName, "netns", this.nameOf(other)],
		]);
	}

	async close(): Promise<void> {
		await this.#keeper.close();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
