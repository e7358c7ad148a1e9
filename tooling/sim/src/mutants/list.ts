import type { Mutant } from "./mutant.ts";

/** Mistakes that rings were built with, this one or published ones, put back one at a time. */
export const MUTANTS: readonly Mutant[] = [
	{
		name: "unverified-successor",
		about: "the successor's predecessor is adopted without asking it (Chord as published)",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "		this.#ask(nearer, (error, view) => {\n",
				replace:
					"		this.#state.adopt(nearer, this.#state.successors);\n		this.#ask(nearer, (error, view) => {\n",
			},
		],
		caughtBy: ["local/successor-answered", "local/successor-alive"],
	},
	{
		name: "one-successor",
		about: "the successor list has one entry (Chord as published, pseudocode)",
		patches: [
			{
				file: "ring/state.ts",
				find: "if (kept.length === length ||",
				replace: "if (kept.length === Math.min(1, length) ||",
			},
		],
		caughtBy: ["liveness/formation", "ring/live-successor"],
	},
	{
		name: "dead-kept",
		about: "a pointer stays although nobody answers",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: 'if (error !== undefined) return error.code !== "BUSY";',
				replace: "if (error !== undefined) return false;",
			},
		],
		caughtBy: ["liveness/lists", "liveness/predecessor", "ring/live-successor"],
	},
	{
		name: "predecessor-unasked",
		about: "the predecessor is replaced by whoever says so, without a look at the one there is",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "			predecessor.id === notifier.id ||\n",
				replace: "			predecessor.id !== self.id ||\n",
			},
		],
		caughtBy: ["local/predecessor-kept"],
	},
	{
		name: "predecessor-not-looked-at-again",
		about: "the predecessor is replaced when one that was dead is no longer the one there is",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "isGone(error, view) && this.#state.predecessor?.same(predecessor)",
				replace: "isGone(error, view)",
			},
		],
		caughtBy: ["local/predecessor-kept"],
	},
	{
		name: "lives-confused",
		about: "a node that restarted passes for its old self",
		patches: [
			{
				file: "contact.ts",
				find: "other !== undefined && this.id === other.id && this.incarnation === other.incarnation",
				replace: "other !== undefined && this.id === other.id",
			},
			{
				file: "contact.ts",
				find: "(this.incarnation === ANY_INCARNATION || this.incarnation === other.incarnation) &&",
				replace: "(this.incarnation === ANY_INCARNATION || other.incarnation > 0) &&",
			},
		],
		caughtBy: ["liveness/lists", "liveness/predecessor", "ring/live-successor"],
	},
];
