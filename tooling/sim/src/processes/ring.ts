import type { Address } from "@cicada/chordlib";
import { SeededRandom } from "@cicada/simnet";

import { randomKey } from "../lookups.ts";
import type { Finding } from "../oracles/violation.ts";
import { Child, Hearing } from "./child.ts";
import type { Order, Word } from "./node.ts";
import { now } from "./report.ts";
import { type Verdict, Witness } from "./witness.ts";

/** Milliseconds between two kills, and between two lookups. */
const KILLS = 2_000;
const LOOKUPS = 20;
/** How long the ring may take to become ideal, in milliseconds. */
const BOUND = 120_000;
/** Through so many others a node tries to join. */
const ENTRANCES = 3;
const PROGRAM = new URL("node.js", import.meta.url);
const ANY: Address = { host: "127.0.0.1", port: 0 };

interface Answer {
	readonly name: string;
	readonly key: string;
	readonly owner: string | undefined;
}

interface Options {
	readonly processes: number;
	readonly minutes: number;
	readonly seed: number;
	readonly say: (text: string) => void;
}

/** How it went. */
export interface Outcome extends Verdict {
	readonly kills: number;
	/** Of the replacements, how many took the address of who was killed. */
	readonly sameAddress: number;
	/** Milliseconds from the last kill until the ring was ideal. */
	readonly converged: number | undefined;
}

/** A process with one node. */
class NodeProcess extends Child<Order, Word> {
	/** Where its node listens, once it does. */
	address: Address | undefined;
}

/** A ring of processes on TCP, of which one is killed every two seconds, by SIGKILL, and replaced. */
export class ProcessRing {
	readonly #options: Options;
	readonly #random: SeededRandom;
	readonly #witness = new Witness();
	readonly #children = new Set<NodeProcess>();
	/** Those that ended although nobody killed them. */
	readonly #lost: string[] = [];
	/** Called when a process has told something. */
	readonly #hearing = new Hearing();
	/** Answers that have come since the ring is at rest. */
	#answers: Answer[] = [];
	#count = 0;
	#kills = 0;
	#sameAddress = 0;

	constructor(options: Options) {
		this.#options = options;
		this.#random = new SeededRandom(options.seed, 103);
	}

	async run(): Promise<Outcome> {
		const { processes, minutes, say } = this.#options;
		try {
			const first = this.#start(ANY);
			await this.#hearing.until(() => first.address !== undefined, BOUND);
			for (let i = 1; i < processes; i++) this.#start(ANY);
			const formed = await this.#untilIdeal();
			say(`${processes} processes: ${told(formed)}`);
			if (formed !== undefined) await this.#trouble(minutes * 60_000);
			const converged = formed === undefined ? undefined : await this.#untilIdeal();
			say(`${this.#kills} were killed: ${told(converged)}`);
			const flaws = converged === undefined ? this.#witness.flaws(processes) : await this.#askAll();
			const verdict = this.#witness.judge();
			for (const flaw of [...flaws, ...this.#lost.map(lostFinding)]) {
				verdict.violations.add(flaw, now());
			}
			return { ...verdict, kills: this.#kills, sameAddress: this.#sameAddress, converged };
		} finally {
			for (const child of this.#children) child.kill();
			await Promise.all([...this.#children].map(({ ended }) => ended));
		}
	}

	/** Milliseconds until the ring is ideal; undefined when it does not become so in time. */
	async #untilIdeal(): Promise<number | undefined> {
		const { processes } = this.#options;
		const since = now();
		const inTime = await this.#hearing.until(
			() => this.#witness.flaws(processes).length === 0,
			BOUND,
		);
		return inTime ? now() - since : undefined;
	}

	#start(bind: Address): NodeProcess {
		const child: NodeProcess = new NodeProcess(`p${this.#count++}`, PROGRAM, (word) => {
			this.#heard(child, word);
		});
		this.#children.add(child);
		void child.ended.then(() => {
			if (!child.killed) this.#lost.push(child.name);
		});
		child.tell({ kind: "listen", name: child.name, bind });
		return child;
	}

	#heard(child: NodeProcess, word: Word): void {
		switch (word.kind) {
			case "listening":
				child.address = word.address;
				this.#join(child);
				break;
			case "failed":
				this.#again(child, word.order);
				break;
			default:
				this.#witness.report(child.name, word);
				if (word.kind === "lookup") this.#answers.push({ ...word, name: child.name });
		}
		this.#hearing.told();
	}

	#again(child: NodeProcess, failed: "listen" | "join"): void {
		if (failed === "join") {
			this.#join(child);
			return;
		}
		// Somebody's link has taken the port meanwhile.
		this.#sameAddress--;
		child.tell({ kind: "listen", name: child.name, bind: ANY });
	}

	/** Has a node join through members. While there are none, through the first of all, which waits for others. */
	#join(child: NodeProcess): void {
		const [first] = this.#children;
		const members = this.#members().filter((other) => other !== child);
		const known = members.length > 0 || first === undefined ? members : [first];
		const through: Address[] = [];
		while (through.length < ENTRANCES && known.length > 0) {
			const index = Math.floor(this.#random.next() * known.length);
			through.push(...known.splice(index, 1).flatMap(({ address }) => address ?? []));
		}
		if (child !== first || members.length > 0) child.tell({ kind: "join", through });
	}

	/** Kills and lookups, each at its pace: a schedule, since they are what the ring is to bear. */
	async #trouble(duration: number): Promise<void> {
		const kills = setInterval(() => {
			this.#killOne();
		}, KILLS);
		const lookups = setInterval(() => {
			this.#lookupOnce();
		}, LOOKUPS);
		await new Promise((resolve) => setTimeout(resolve, duration));
		clearInterval(kills);
		clearInterval(lookups);
	}

	#killOne(): void {
		const victim = this.#pickMember();
		if (victim === undefined) return;
		const again = this.#kills++ % 2 === 0 ? victim.address : undefined;
		if (again !== undefined) this.#sameAddress++;
		const at = now();
		victim.kill();
		void victim.ended.then(() => {
			this.#children.delete(victim);
			this.#witness.killed(victim.name, at, now());
			this.#start(again ?? ANY);
		});
	}

	#lookupOnce(): void {
		this.#pickMember()?.tell({ kind: "lookup", key: randomKey(this.#random) });
	}

	#pickMember(): NodeProcess | undefined {
		const members = this.#members();
		return members[Math.floor(this.#random.next() * members.length)];
	}

	#members(): NodeProcess[] {
		const names = new Set([...this.#witness.members().values()].map(({ name }) => name));
		return [...this.#children].filter(({ name, killed }) => names.has(name) && !killed);
	}

	/** Everybody looks up everybody, until nothing changes meanwhile: each answer must be the true owner then. */
	async #askAll(): Promise<readonly Finding[]> {
		for (;;) {
			const members = this.#witness.members();
			const { changes } = this.#witness;
			const keys = [...members.values()].map(({ id }) => id);
			const answers = await this.#answersOfAll(keys);
			// One that tells of a change may come before the report of it, which is another process's: that one's next answer
			// does not.
			const next = answers && (await this.#answersOfAll(keys.slice(0, 1)));
			if (answers === undefined || next === undefined) {
				return [{ ...AT_REST, node: "", detail: "not all lookups were answered" }];
			}
			if (this.#witness.changes === changes) {
				return answers.filter(({ key, owner }) => owner !== key).map(wrongAnswer);
			}
			if ((await this.#untilIdeal()) === undefined) {
				return this.#witness.flaws(this.#options.processes);
			}
		}
	}

	/** Has everybody look up each of the keys; `undefined` when not all of them answer. */
	async #answersOfAll(keys: readonly string[]): Promise<readonly Answer[] | undefined> {
		this.#answers = [];
		for (const child of this.#children) {
			for (const key of keys) child.tell({ kind: "lookup", key });
		}
		const count = this.#children.size * keys.length;
		const isComplete = (): boolean => this.#answers.length >= count;
		return (await this.#hearing.until(isComplete, BOUND)) ? this.#answers : undefined;
	}
}

const AT_REST = { oracle: "liveness", rule: "lookup" } as const;

function wrongAnswer({ name, key, owner }: Answer): Finding {
	const detail = `lookup of ${key.slice(0, 6)}: ${owner?.slice(0, 6) ?? "failed"}`;
	return { ...AT_REST, node: name, detail };
}

function lostFinding(name: string): Finding {
	return { oracle: "liveness", rule: "process", node: name, detail: "ended by itself" };
}

function told(ms: number | undefined): string {
	return ms === undefined
		? `no ideal ring within ${BOUND / 1_000} s`
		: `an ideal ring after ${(ms / 1_000).toFixed(1)} s`;
}
