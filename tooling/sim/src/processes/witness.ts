import { fingerFindings, listFindings } from "../oracles/liveness.ts";
import { localFindings } from "../oracles/local.ts";
import { strictlyBetween } from "../oracles/order.ts";
import { type Members, membersOf, ringFindings } from "../oracles/ring.ts";
import { type Pointer, type View, keyOf } from "../oracles/view.ts";
import { type Finding, Violations } from "../oracles/violation.ts";
import { Registry } from "../registry.ts";
import type { Report } from "./report.ts";

/** The length of successor lists. */
const LENGTH = 16;
/** Where nothing changed for so many milliseconds, the states are a snapshot, whatever their times are off by. */
const QUIET = 250;
/** How long an answer may have been under way, in milliseconds: longer than is waited for, as the machine may be busy. */
const ANSWER_AGE = 10_000;

/** What is known of one process. */
interface Subject {
	readonly answered: Set<string>;
	view: View | undefined;
	fingers: readonly Pointer[];
}

/** A process was killed: its last life, and since when it is dead. */
interface Death {
	readonly life: string;
	readonly at: number;
	/** The last moments at which some neighbour, and at which any list or predecessor, still named it. */
	closed: number;
	forgotten: number;
}

/** A process was killed at one moment, and was gone at another. */
interface Killed {
	readonly kind: "killed";
	readonly signalled: number;
	readonly at: number;
}

interface Entry {
	readonly name: string;
	readonly report: Report | Killed;
}

/** What the oracles say of a log. */
export interface Verdict {
	readonly violations: Violations;
	/** Moments at which the rules of the ring were looked at. */
	readonly quiet: number;
	readonly lookups: {
		readonly right: number;
		/** The node that was named did not take the key for its own at any moment of the lookup. */
		readonly wrong: number;
		/** It did, but a member that lived all the time stood before it: one that came in just now. */
		readonly overtaken: number;
		readonly failed: number;
	};
	/** Milliseconds from a kill until no living node had the dead one for a neighbour, and until none named it at all. */
	readonly closed: readonly number[];
	readonly forgotten: readonly number[];
}

/**
 * What all processes report, and the oracles' word on it. Times come from one clock, but reports come late and out of
 * order: what was when is judged at the end. What is now can be asked at any time.
 */
export class Witness {
	/** How often the state of a node has changed. */
	changes = 0;
	readonly #log: Entry[] = [];
	readonly #present = new Map<string, Subject>();

	report(name: string, report: Report): void {
		if (report.kind === "state") this.changes++;
		this.#log.push({ name, report });
		learn(this.#present, name, report);
	}

	/** A process was killed at one moment, and was gone at another. */
	killed(name: string, signalled: number, at: number): void {
		this.#log.push({ name, report: { kind: "killed", signalled, at } });
		this.#present.delete(name);
	}

	members(): Members {
		return membersIn(this.#present);
	}

	/** What keeps the ring from being ideal now, if it is to have `size` members. */
	flaws(size: number): readonly Finding[] {
		const members = this.members();
		const findings = [...ringFindings(members), ...listFindings(members, LENGTH)];
		if (members.size !== size) {
			const detail = `${members.size} members, not ${size}`;
			findings.push({ oracle: "liveness", rule: "membership", node: "", detail });
		}
		if (findings.length > 0) return findings;
		return [...this.#present.values()].flatMap(({ view, fingers }) =>
			view === undefined ? [] : fingerFindings(members, view, fingers),
		);
	}

	judge(): Verdict {
		const log = this.#log.toSorted((a, b) => a.report.at - b.report.at);
		const replay = new Replay(log);
		for (const entry of log) replay.take(entry);
		return replay.verdict();
	}
}

/** One walk through a log, in the order of time. */
class Replay {
	readonly #violations = new Violations();
	readonly #registry = new Registry();
	readonly #subjects = new Map<string, Subject>();
	/** All lives that ever were members, by key. */
	readonly #lives: ReadonlySet<string>;
	readonly #deaths: Death[] = [];
	/** Since when each life is a member, and until when. */
	readonly #terms = new Map<string, { readonly id: string; from: number; until: number }>();
	readonly #lookups = { right: 0, wrong: 0, overtaken: 0, failed: 0 };
	#quiet = 0;
	#changed = Infinity;

	constructor(log: readonly Entry[]) {
		const views = log.flatMap(({ report }) => (report.kind === "state" ? report.view : []));
		this.#lives = new Set(views.filter(({ standing }) => standing === "member").map(keyOf));
	}

	take({ name, report }: Entry): void {
		const { at } = report;
		if (at - this.#changed >= QUIET) this.#lookAtRing(at);
		switch (report.kind) {
			case "killed":
				this.#end(name, report);
				break;
			case "claim":
				this.#registry.claimed(report.id, report.member, report.after, at);
				break;
			case "lookup":
				this.#judgeLookup(name, report);
				break;
			case "state":
				this.#judgeState(name, report.view, at);
				break;
			default:
		}
		if (report.kind === "killed") return;
		learn(this.#subjects, name, report);
	}

	verdict(): Verdict {
		const times = (end: "closed" | "forgotten"): number[] =>
			this.#deaths.map((death) => death[end] - death.at).toSorted((a, b) => a - b);
		return {
			violations: this.#violations,
			quiet: this.#quiet,
			lookups: this.#lookups,
			closed: times("closed"),
			forgotten: times("forgotten"),
		};
	}

	#lookAtRing(at: number): void {
		this.#quiet++;
		this.#changed = Infinity;
		this.#violations.now("ring", ringFindings(membersIn(this.#subjects)), at);
	}

	#end(name: string, { signalled, at }: Killed): void {
		const view = this.#subjects.get(name)?.view;
		this.#subjects.delete(name);
		if (view === undefined) return;
		this.#registry.ended(view, at);
		this.#registry.claimed(view.id, false, undefined, at);
		const term = this.#terms.get(keyOf(view));
		if (term !== undefined) term.until = at;
		this.#deaths.push({ life: keyOf(view), at: signalled, closed: at, forgotten: at });
		this.#changed = at;
	}

	#judgeState(name: string, view: View, at: number): void {
		const subject = this.#subjects.get(name);
		const before = subject?.view;
		this.#registry.changed(view, before, at);
		if (view.standing === "member" && !this.#terms.has(keyOf(view))) {
			this.#terms.set(keyOf(view), { id: view.id, from: at, until: Infinity });
		}
		const findings = localFindings(view, before, {
			length: LENGTH,
			wasMember: (pointer) => this.#lives.has(keyOf(pointer)),
			answered: (pointer) => subject?.answered.has(keyOf(pointer)) ?? false,
			// A machine that is busy may answer later than is waited for.
			lives: () => false,
			livedLately: (pointer) =>
				(this.#registry.memberUntil(pointer) ?? Infinity) >= at - ANSWER_AGE,
		});
		this.#violations.now(`local ${name}`, findings, at);
		for (const death of this.#deaths) this.#remember(death, before, at);
		this.#changed = at;
	}

	/** Until `at` this was the state of a node: did it still name who is dead? */
	#remember(death: Death, was: View | undefined, at: number): void {
		const names = (pointer: Pointer | undefined): boolean =>
			pointer !== undefined && keyOf(pointer) === death.life;
		if (names(was?.predecessor) || names(was?.successors[0])) death.closed = at;
		if (names(was?.predecessor) || was?.successors.some(names) === true) death.forgotten = at;
	}

	#judgeLookup(name: string, lookup: Extract<Report, { kind: "lookup" }>): void {
		const { at, asked, key, owner } = lookup;
		if (owner === undefined) {
			this.#lookups.failed++;
		} else if (!this.#registry.ownedSince(owner, key, asked)) {
			this.#lookups.wrong++;
			const detail = `${key.slice(0, 6)} is answered for by ${owner.slice(0, 6)}, which did not own it`;
			this.#violations.add({ oracle: "local", rule: "owner", node: name, detail }, at);
		} else if (this.#overtaken(owner, key, asked, at)) {
			this.#lookups.overtaken++;
		} else {
			this.#lookups.right++;
		}
	}

	/** Whether a member that stood before the owner all the time would have been the first at or after the key. */
	#overtaken(owner: string, key: string, asked: number, at: number): boolean {
		for (const { id, from, until } of this.#terms.values()) {
			const before = id === key || strictlyBetween(key, id, owner);
			if (before && key !== owner && id !== owner && from <= asked && until >= at) return true;
		}
		return false;
	}
}

function learn(subjects: Map<string, Subject>, name: string, report: Report): void {
	if (report.kind !== "state" && report.kind !== "met") return;
	const subject = subjects.get(name) ?? { answered: new Set(), view: undefined, fingers: [] };
	subjects.set(name, subject);
	if (report.kind === "met") {
		subject.answered.add(keyOf(report.peer));
	} else {
		subject.view = report.view;
		subject.fingers = report.fingers;
	}
}

function membersIn(subjects: ReadonlyMap<string, Subject>): Map<string, View> {
	return membersOf([...subjects.values()].flatMap(({ view }) => view ?? []));
}
