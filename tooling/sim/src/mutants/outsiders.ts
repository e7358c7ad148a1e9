import type { Mutant } from "./mutant.ts";

/** Mistakes chosen by somebody who had not written the ring, from Zave's papers and on reading the code. */
export const OUTSIDERS: readonly Mutant[] = [
	{
		name: "outside-passes",
		about:
			"a node that answers that it is in no ring counts as a member (Zave: who comes back is no member until it has joined)",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: 'return view?.standing === "outside";',
				replace: 'return view?.standing !== "outside" && view?.standing !== "member";',
			},
		],
		caughtBy: [],
		survives:
			"who comes back is another life, which no old pointer means, and whoever leaves ends its links and is another life too: nobody whom a pointer means is outside",
	},
	{
		name: "rest-unasked",
		about:
			"when the first successor is dead, the next in the list takes its place without being asked (Zave: whoever is put first must be alive)",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "\t\tthis.firstAlive(others, (alive, view) => {\n",
				replace:
					"\t\tif (others[0] !== undefined) this.#state.adopt(others[0], others.slice(1));\n\t\tthis.firstAlive(others, (alive, view) => {\n",
			},
		],
		caughtBy: ["local/successor-answered", "local/successor-alive"],
	},
	{
		name: "rectify-reversed",
		about: "a predecessor gives way to one that is farther away, as when two arguments are swapped",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "between(predecessor.id, notifier.id, self.id)",
				replace: "between(self.id, notifier.id, predecessor.id)",
			},
		],
		caughtBy: ["local/predecessor-kept", "liveness/predecessor", "liveness/formation"],
	},
	{
		name: "farthest-first",
		about:
			"when the first successor is dead, the list is tried from its far end, past members that live (Zave: lists skip no principal)",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "this.firstAlive(others, (alive, view) => {",
				replace: "this.firstAlive(others.toReversed(), (alive, view) => {",
			},
		],
		// Who was gone past comes into the ring again, but late: those that point to it miss it for minutes.
		caughtBy: [
			"local/successor-answered",
			"ring/appendage",
			"ring/one-ring",
			"ring/entered",
			"liveness/fingers",
		],
		run: "--regime fail-stop --nodes 32 --successors 16 --minutes 3 --churn 2 --seed 1 --seeds 2",
	},
	{
		name: "born-again",
		about: "every life of a node has the same number, so that all of its lives are one",
		patches: [
			{
				file: "core.ts",
				find: "const incarnation = bytes.reduce((value, byte) => value * 256 + byte, 0) || 1;",
				replace: "const incarnation = Math.min(1, bytes.length);",
			},
		],
		caughtBy: [],
		survives:
			"the oracles tell lives apart by the same number, so that this hides from them what it does",
	},
	{
		name: "late-list",
		about:
			"a joiner takes the list that it was handed however late, when the next one has been handed it too (once in this program)",
		patches: [
			{
				file: "ring/join.ts",
				find: "this.#admitting = now + HANDOVER + PATIENCE;",
				replace: "this.#admitting = now + 1_000;",
			},
			{
				file: "ring/join.ts",
				find: "this.#network.clock.now() >= stale ||",
				replace: "this.#network.clock.now() >= 2 * stale ||",
			},
		],
		caughtBy: [],
		survives:
			"it shows in few seeds, and with every change of the ring's timing in others: none of those that tests can afford shows it dependably",
	},
	{
		name: "predecessor-gone",
		about: "a joiner comes in behind a predecessor that has left since it handed over its list",
		patches: [
			{
				file: "ring/join.ts",
				find: 'return met?.standing === "member" && contact.same(met.contact);',
				replace: "return met === undefined || contact.id === met.contact.id;",
			},
		],
		caughtBy: [],
		survives:
			"it shows in few seeds, and with every change of the ring's timing in others: none of those that tests can afford shows it dependably",
	},
	{
		name: "heard-lately",
		about:
			"a link to another life that something came over lately proves that the one meant is gone (once in this program)",
		patches: [
			{
				file: "connections.ts",
				find: "let cancel = existing.probe(PROBE, (answered) => {",
				replace:
					"if (this.#owner.clock.now() - existing.heard < PROBE) {\n\t\t\treturn this.#later(() => {\n\t\t\t\tdone(elsewhere(contact));\n\t\t\t});\n\t\t}\n\t\tlet cancel = existing.probe(PROBE, (answered) => {",
			},
		],
		caughtBy: [],
		survives:
			"it shows in few seeds, and with every change of the ring's timing in others: none of those that tests can afford shows it dependably",
	},
	{
		name: "steps-back",
		about:
			"the successor's predecessor becomes the successor wherever it stands, also behind this node (Chord without its interval)",
		patches: [
			{
				file: "ring/stabilize.ts",
				find: "if (nearer === undefined || steps === 0 || !between(self.id, nearer.id, from.id)) {",
				replace: "if (nearer === undefined || steps === 0 || nearer.id === self.id) {",
			},
			{
				file: "ring/stabilize.ts",
				find: "if (between(self.id, nearer.id, successor?.id ?? self.id)) {\n\t\t\t\tthis",
				replace: "if (nearer.id !== successor?.id) {\n\t\t\t\tthis",
			},
		],
		caughtBy: ["local/successor-kept", "liveness/formation"],
	},
];
