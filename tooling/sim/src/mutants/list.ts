import type { Mutant } from "./mutant.ts";
import { OUTSIDERS } from "./outsiders.ts";

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
		run: "--regime fail-stop --nodes 12 --successors 3 --minutes 10 --churn 3 --lookups 0 --latency internet --seed 5 --seeds 2",
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
		run: "--regime fail-stop --nodes 12 --successors 3 --minutes 3 --churn 3 --seed 13 --seeds 2",
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
		caughtBy: [
			"local/predecessor-kept",
			"local/predecessor-answered",
			"ring/entered",
			"liveness/lists",
		],
		run: "--regime fail-stop --nodes 12 --successors 3 --minutes 3 --churn 3 --faults crash,silentCrash --seeds 8",
	},
	{
		name: "stale-list",
		about:
			"a joiner takes the list that it is handed, without asking the first in it (Chord as published)",
		patches: [
			{
				file: "ring/join.ts",
				find: "\t\tthis.#stabilizer.firstAlive(handed, (successor, view) => {\n",
				replace:
					"\t\ttype Take = (successor?: Contact, view?: { predecessor?: Contact; successors: readonly Contact[] }) => void;\n\t\tconst unasked = ([first, ...others]: readonly Contact[], take: Take): void => {\n\t\t\ttake(first, { successors: others });\n\t\t};\n\t\tunasked(handed, (successor, view) => {\n",
			},
		],
		caughtBy: ["local/successor-answered", "local/successor-alive"],
	},
	{
		name: "notified-outside",
		about: "a node that is in no ring makes whoever notifies it its predecessor",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: 'if (now !== "member" || !notifier.dialable) {',
				replace: "if (!notifier.dialable) {",
			},
		],
		caughtBy: [],
		survives:
			"who leaves is another life from then on, so that nobody's notify is meant for a node that is in no ring",
	},
	{
		name: "rings-stay-apart",
		about: "those who were lost sight of are remembered, and never tried",
		patches: [
			{
				file: "ring/merge.ts",
				find: 'contact !== undefined && this.#state.standing === "member"',
				replace: 'contact !== undefined && this.#state.standing === "joining"',
			},
		],
		caughtBy: ["liveness/one-ring", "liveness/membership", "liveness/lists"],
		run: "--scenario partition --nodes 12 --successors 3 --minutes 2 --churn 0.5",
	},
	{
		name: "suggested-unasked",
		about: "who is said to be in another ring is adopted without being asked",
		patches: [
			{
				file: "ring/merge.ts",
				find: "\t\t\tthis.#suggested = contact;\n",
				replace: "\t\t\tthis.#suggested = contact;\n\t\t\tstabilizer.consider(contact);\n",
			},
			{
				file: "ring/stabilize.ts",
				find: "\t\tthis.#approach(successor ?? self, candidate, NEARER, () => {\n",
				replace:
					"\t\tthis.#state.adopt(candidate, this.#state.successors);\n\t\tthis.#approach(successor ?? self, candidate, NEARER, () => {\n",
			},
		],
		caughtBy: ["local/successor-answered", "local/successor-alive"],
		run: "--scenario two-rings --nodes 40 --minutes 0.1",
	},
	{
		name: "first-again",
		about: "who has just left a ring becomes the first of one of its own (once in this program)",
		patches: [
			{
				file: "ring/join.ts",
				find: 'if (this.#state.standing !== "outside") this.#state.firstFrom = clock.now() + limits.dead;',
				replace: "if (limits.dead === 0) this.#state.firstFrom = clock.now();",
			},
		],
		caughtBy: [],
		survives:
			"it shows in few seeds, and with every change of the ring's timing in others: none of those that tests can afford shows it dependably",
	},
	{
		name: "last-means-mine",
		about:
			"who is taken for the owner answers as the owner, although another has come in before it",
		patches: [
			{
				file: "ring/step.ts",
				find: "\t\treturn predecessor === undefined\n\t\t\t? { mine: true }\n\t\t\t: { mine: false, last: true, next: [predecessor] };",
				replace:
					"\t\treturn predecessor !== self\n\t\t\t? { mine: true }\n\t\t\t: { mine: false, last: true, next: [predecessor] };",
			},
		],
		caughtBy: ["local/owner"],
		run: "--regime fail-stop --nodes 12 --successors 3 --minutes 3 --churn 3 --lookups 60",
	},
	{
		name: "answers-for-successor",
		about: "the node before the owner answers in its place (Chord as published)",
		patches: [
			{
				file: "ring/lookup.ts",
				find: "\t\t\tif (next.mine) {\n\t\t\t\tdone(undefined, this.#found(query.hops));",
				replace:
					"\t\t\tif (!next.mine && next.last && next.next[0] !== undefined) {\n\t\t\t\tdone(undefined, { ...this.#found(query.hops), owner: next.next[0] });\n\t\t\t\treturn;\n\t\t\t}\n\t\t\tif (next.mine) {\n\t\t\t\tdone(undefined, this.#found(query.hops));",
			},
		],
		caughtBy: ["local/owner"],
		run: "--regime fail-stop --nodes 12 --successors 3 --minutes 3 --churn 3 --lookups 60",
	},
	{
		name: "between-inclusive",
		about: "an end of an arc counts as within it",
		patches: [
			{
				file: "id.ts",
				find: "if (a < b) return a < x && x < b;",
				replace: "if (a < b) return a < x && x <= b;",
			},
		],
		caughtBy: ["local/clockwise", "local/repeats", "local/self", "liveness/formation"],
	},
	{
		name: "arc-inclusive",
		about: "the predecessor's own key counts as one of this node's",
		patches: [
			{
				file: "id.ts",
				find: "return x === b || between(a, x, b);",
				replace: "return x === a || x === b || between(a, x, b);",
			},
		],
		caughtBy: ["local/owner", "liveness/lookup"],
	},
	{
		name: "order-unchecked",
		about: "a list is taken as it comes, whatever its order",
		patches: [
			{
				file: "ring/state.ts",
				find: "if (kept.length === length || !between(last, candidate.id, self)) break;",
				replace: "if (kept.length === length || candidate.id === last) break;",
			},
		],
		caughtBy: ["local/clockwise", "local/repeats", "local/self"],
	},
	{
		name: "head-dropped",
		about: "the first successor is dropped before another has answered in its place",
		patches: [
			{
				file: "ring/state.ts",
				find: "(contact, i) => i === 0 || !contact.same(gone)",
				replace: "(contact) => !contact.same(gone)",
			},
		],
		caughtBy: ["local/successor-answered", "local/successor-alive"],
	},
	{
		name: "suspect-unasked",
		about: "who did not answer once is taken for dead, without a second look",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "\t\t\tif (isGone(error, view)) this.gone(contact);",
				replace: "\t\t\tif (error !== undefined || view !== undefined) this.gone(contact);",
			},
		],
		caughtBy: ["local/predecessor-kept", "local/successor-kept", "liveness/rest"],
	},
	{
		name: "older-round-wins",
		about: "a nearer successor is overwritten when an older round ends (once in this program)",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "const isStillFirst = (): boolean => this.#state.successor?.same(first) ?? false;",
				replace: "const isStillFirst = (): boolean => true;",
			},
		],
		caughtBy: ["local/successor-kept"],
	},
	{
		name: "farther-adopted",
		about: "a node that answered is adopted although a nearer one came in meanwhile",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "if (between(self.id, nearer.id, successor?.id ?? self.id)) {\n\t\t\t\tthis",
				replace: "if (self.id !== nearer.id && successor?.id !== nearer.id) {\n\t\t\t\tthis",
			},
		],
		caughtBy: [],
		survives:
			"it needs a nearer successor to come in while another answers, between two steps of the same round, and the next round brings that one back",
	},
	{
		name: "others-not-tried",
		about: "when the first successor is dead, the rest of the list is not tried",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "this.firstAlive(others, (alive, view) => {",
				replace: "this.firstAlive(others.slice(0, 0), (alive, view) => {",
			},
		],
		caughtBy: ["ring/live-successor"],
	},
	{
		name: "list-never-renewed",
		about: "a node keeps its own list, whatever its successor names",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "\t\t\t\tthis.#state.adopt(first, view.successors);\n\t\t\t\tdone(first, view);",
				replace:
					"\t\t\t\tthis.#state.adopt(first, this.#state.successors.slice(1));\n\t\t\t\tdone(first, view);",
			},
		],
		caughtBy: ["liveness/lists", "liveness/formation"],
	},
	{
		name: "dead-finger-kept",
		about: "a finger that does not answer stays",
		patches: [
			{
				file: "ring/fingers.ts",
				find: 'if (error?.code !== "BUSY") this.#drop(number, known);',
				replace: 'if (error?.code === "BUSY") this.#drop(number, known);',
			},
			{
				file: "ring/state.ts",
				find: "const left = finger.filter((contact) => !contact.same(gone));",
				replace: 'const left = finger.filter((contact) => contact.id !== "");',
			},
		],
		caughtBy: ["liveness/fingers", "liveness/formation"],
	},
	{
		name: "finger-out-of-interval",
		about: "the owner of a finger's start is the finger, wherever it is, and ends the search",
		patches: [
			{
				file: "ring/state.ts",
				find: "return candidates.filter((contact) => contact.id === start || between(start, contact.id, end));",
				replace: "return candidates.filter((contact) => contact.id !== end || start === end);",
			},
		],
		caughtBy: ["liveness/fingers", "liveness/formation"],
	},
	{
		name: "notify-once",
		about: "a successor is not told again who is before it",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "if (successor !== undefined) this.#network.tell(successor, notify, undefined);",
				replace:
					'if (successor !== undefined && this.#round === "none") {\n\t\t\tthis.#network.tell(successor, notify, undefined);\n\t\t}',
			},
		],
		caughtBy: ["liveness/predecessor", "liveness/formation"],
	},
	{
		name: "doubted-for-ever",
		about: "a successor that others can reach is waited for without end",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "done(times >= DOUBTS);",
				replace: "done(times >= DOUBTS && word?.alive !== true);",
			},
		],
		caughtBy: [],
		survives:
			"what it takes, a node that others reach and this one does not, ends with the faults, and until then the regime hostile wants no more than the local rules",
	},
	{
		name: "witness-unasking",
		about: "who is asked whether another lives says so without asking it",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "answer(undefined, { alive: error === undefined && !isGone(error, view) });",
				replace: "answer(undefined, { alive: error !== undefined || view !== undefined });",
			},
		],
		caughtBy: [],
		survives:
			"a dead successor is given up in the third round instead of the first: later, but within the time that a ring has",
	},
	{
		name: "no-hop-limit",
		about: "lookups are passed on for ever",
		patches: [
			{
				file: "ring/lookup.ts",
				find: "const far = query.hops >= limits.hops;",
				replace: "const far = limits.hops === 0;",
			},
		],
		caughtBy: [],
		survives:
			"who passes a lookup on gives it a part of its own time only, so one that goes round ends nevertheless",
	},
	{
		name: "leaves-untold",
		about: "who leaves tells nobody",
		patches: [
			{
				file: "core.ts",
				find: 'if (now === "outside") this.ring.gone(contact);',
				replace: 'if (now === "outside" && contact.id === "") this.ring.gone(contact);',
			},
			{
				file: "core.ts",
				find: 'if (link.goodbye === "leaving" || link.goodbye === "closing") this.ring.gone(peer);',
				replace: 'if (link.goodbye === "self") this.ring.gone(peer);',
			},
		],
		caughtBy: [],
		survives:
			"the links of who leaves end all the same, and whoever points to it hears that it is outside when it asks it next",
	},
	{
		name: "same-life-again",
		about: "who left and comes back passes for its old self",
		patches: [
			{
				file: "core.ts",
				find: "\t\tthis.connections.closeAll(reason);\n\t\tthis.ring.state.self = this.#incarnate(this.ring.state.self.address);",
				replace: "\t\tthis.connections.closeAll(reason);",
			},
		],
		caughtBy: [],
		survives:
			"who leaves is dropped by all who point to it before it comes back, so none is left to confuse",
	},
	{
		name: "no-busy",
		about: "several joiners at once are handed the same list",
		patches: [
			{
				file: "ring/join.ts",
				find: "if (now < this.#admitting && !joiner.same(this.#admitted)) return busy;",
				replace: "if (now < this.#admitting && joiner.same(self)) return busy;",
			},
		],
		caughtBy: ["ring/entered"],
		run: "--regime fail-stop --nodes 12 --successors 3 --minutes 3 --churn 3 --seeds 8",
	},
	{
		name: "misplaced-joiner",
		about: "a joiner is let in wherever it asks",
		patches: [
			{
				file: "ring/join.ts",
				find: "if (successor !== undefined && !between(self.id, joiner.id, successor.id)) {",
				replace: "if (successor !== undefined && successor.id === joiner.id) {",
			},
		],
		caughtBy: [],
		survives:
			"a joiner asks nobody before it has looked up its place, so it asks at the wrong one only when the ring changes in that moment",
	},
	{
		name: "joins-too-early",
		about: "a node that is still joining hands over a list, and is a ring of its own",
		patches: [
			{
				file: "ring/join.ts",
				find: 'if (this.#state.standing !== "member") return busy;',
				replace:
					'if (this.#state.standing === "joining") this.#stabilizer.stand("member");\n\t\tif (this.#state.standing !== "member") return busy;',
			},
		],
		caughtBy: [],
		survives:
			"nobody is sent to a node that is still joining, since it says so when it is asked the way",
	},
	...OUTSIDERS,
];
