/** The three kinds of rules. */
type Oracle = "local" | "ring" | "liveness";

/** A rule that did not hold. */
export interface Violation {
	readonly oracle: Oracle;
	readonly rule: string;
	/** The host whose state broke it. */
	readonly node: string;
	/** Virtual milliseconds from the start of the simulation. */
	readonly at: number;
	readonly detail: string;
}

/** What an oracle found: a violation, before it is known when. */
export type Finding = Omit<Violation, "at">;

/** How many violations are kept in full; the others are only counted. */
const KEPT = 50;

/** The violations of a run. One that lasts counts once, until it has been gone. */
export class Violations {
	readonly first: Violation[] = [];
	readonly byRule: Map<string, number> = new Map();
	count = 0;
	readonly #lasting = new Set<string>();

	add(finding: Finding, at: number): void {
		this.count++;
		const rule = `${finding.oracle}/${finding.rule}`;
		this.byRule.set(rule, (this.byRule.get(rule) ?? 0) + 1);
		if (this.first.length < KEPT) this.first.push({ ...finding, at });
	}

	/** Takes all that is wrong now, within a `scope`; what was wrong at the last call is not counted again. */
	now(scope: string, findings: readonly Finding[], at: number): void {
		if (findings.length === 0 && this.#lasting.size === 0) return;
		const present = new Set(findings.map(({ rule, node }) => `${scope} ${rule} ${node}`));
		for (const key of this.#lasting) {
			if (key.startsWith(`${scope} `) && !present.has(key)) this.#lasting.delete(key);
		}
		for (const finding of findings) {
			const key = `${scope} ${finding.rule} ${finding.node}`;
			if (this.#lasting.has(key)) continue;
			this.#lasting.add(key);
			this.add(finding, at);
		}
	}
}
