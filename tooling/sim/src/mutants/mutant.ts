/** A change of one place in a source file. */
export interface Patch {
	/** Below `packages/chordlib/src`. */
	readonly file: string;
	/** What is there, exactly once. */
	readonly find: string;
	readonly replace: string;
}

/** A mistake that the oracles must catch. */
export interface Mutant {
	readonly name: string;
	/** What is wrong with it. */
	readonly about: string;
	readonly patches: readonly Patch[];
	/** The rules, as `oracle/rule`, of which at least one must catch it. */
	readonly caughtBy: readonly string[];
}
