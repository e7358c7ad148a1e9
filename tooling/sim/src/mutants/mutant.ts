/** A change of one place in a source file. */
export interface Patch {
	/** Below `packages/chordlib/src`. */
	readonly file: string;
	/** What is there, exactly once. */
	readonly find: string;
	readonly replace: string;
}

/** A mistake that the oracles must catch, unless it is said why they do not. */
export interface Mutant {
	readonly name: string;
	/** What is wrong with it. */
	readonly about: string;
	readonly patches: readonly Patch[];
	/** The rules, as `oracle/rule`, of which at least one must catch it. */
	readonly caughtBy: readonly string[];
	/** Why no rule catches it: what it changes is made good elsewhere. It is only seen to compile. */
	readonly survives?: string;
	/** The run in which it comes to light, where another is better than those that all are put through. */
	readonly run?: string;
}
