import { Hash, type LocalNode, type RemoteNode } from "@cicada/chordlib";
import type { Random } from "@cicada/simnet";

import { ownerIndex } from "./oracles/order.ts";
import type { Members } from "./oracles/ring.ts";
import type { Finding } from "./oracles/violation.ts";
import type { Program } from "./program.ts";
import { type LookupTally, type Spread, addTo, spread } from "./tally.ts";

/** What lookups ask of the run. */
interface Around {
	/** Virtual milliseconds. */
	now(): number;
	members(): Members;
	track<T>(promise: Promise<T>): Promise<T>;
	/** Whether a node took a key for its own at some moment since then. */
	owned(id: string, key: string, since: number): boolean;
	/** A rule did not hold. */
	found(finding: Finding): void;
}

/** Up to so many nodes, everybody looks up something that each of the others owns. */
const ALL_PAIRS = 8;
/** With more of them, so many keys in all at least, and so many by each. */
const SAMPLES = 128;
const EACH = 2;

/** Lookups, while there is trouble and when it is over, and how they went. */
export class LookupTraffic {
	readonly during: LookupTally = { ok: 0, wrong: 0, failed: 0 };
	readonly after: LookupTally = { ok: 0, wrong: 0, failed: 0 };
	readonly hops: Spread = spread();
	/** Milliseconds from the question to the answer. */
	readonly time: Spread = spread();
	readonly #around: Around;

	constructor(around: Around) {
		this.#around = around;
	}

	/** One, while there is trouble: the answer is held against who owns the key when it arrives. */
	async once(program: Program, key: string): Promise<void> {
		await this.#ask(program, key, this.during);
	}

	/** Many, on a ring at rest: each must give the true owner. */
	async all(programs: readonly Program[], random: Random): Promise<readonly Finding[]> {
		const findings: Finding[] = [];
		const pairs: (readonly [Program, string])[] = [];
		if (programs.length <= ALL_PAIRS) {
			for (const asker of programs) {
				for (const view of this.#around.members().values()) pairs.push([asker, view.id]);
			}
		} else {
			const ids = [...this.#around.members().values()].map(({ id }) => id);
			for (const asker of programs) {
				pairs.push([asker, ids[Math.floor(random.next() * ids.length)] as string]);
			}
		}
		const each = Math.max(EACH, Math.ceil(SAMPLES / Math.max(1, programs.length)));
		for (const asker of programs) {
			for (let i = 0; i < each; i++) pairs.push([asker, randomKey(random)]);
		}
		const asks = pairs.map(async ([asker, key]) => {
			const wrong = await this.#ask(asker, key, this.after);
			if (wrong === undefined) return;
			const detail = `lookup of ${key.slice(0, 6)}: ${wrong}`;
			findings.push({ oracle: "liveness", rule: "lookup", node: asker.name, detail });
		});
		await Promise.all(asks);
		return findings;
	}

	/** What was wrong with the answer; undefined when it was right. */
	async #ask(program: Program, key: string, tally: LookupTally): Promise<string | undefined> {
		const asked = this.#around.now();
		try {
			const found = program.node.lookup(new Hash({ hashed: key }));
			const { node, hops } = await this.#around.track(found);
			addTo(this.hops, hops);
			addTo(this.time, this.#around.now() - asked);
			const owner = idOf(node);
			if (!this.#around.owned(owner, key, asked)) {
				const detail = `${key.slice(0, 6)} is answered for by ${owner.slice(0, 6)}, which did not own it`;
				this.#around.found({ oracle: "local", rule: "owner", node: program.name, detail });
			}
			const ids = [...this.#around.members().values()].map(({ id }) => id);
			const expected = ids[ownerIndex(ids, key)];
			if (owner === expected) {
				tally.ok++;
				return undefined;
			}
			tally.wrong++;
			return `${owner.slice(0, 6)}, not ${expected?.slice(0, 6)}`;
		} catch (error) {
			tally.failed++;
			return String(error);
		}
	}
}

export function randomKey(random: Random): string {
	return Array.from(random.bytes(32), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function idOf(node: LocalNode | RemoteNode): string {
	return node.hash.toString();
}
