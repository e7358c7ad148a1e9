import { existsSync } from "node:fs";
import { join } from "node:path";

import { defineConfig } from "vitest/config";

import { root, workspaces } from "./tooling/workspace.mjs";

const all = workspaces();

// The tests multiply the cases of their random tests by it: 100 in `npm run nightly`.
const factor = process.env["CICADA_FACTOR"] ?? "1";

// Their tests start many processes that are to answer in time, or keep the cores busy at low priority: when all others
// are done.
const LAST = ["sim", "soak"];

export default defineConfig({
	// Tests run the sources, so that coverage points at them and no stale build is tested. Only
	// what a test starts as another process runs from dist.
	resolve: {
		alias: all
			.filter(({ published }) => published)
			.map(({ manifest, path }) => ({
				find: new RegExp(`^${manifest.name}$`),
				replacement: join(root, path, "src/index.ts"),
			})),
	},
	test: {
		env: { CICADA_FACTOR: factor },
		// Many of them wait for others' programs: a core that is left free would idle.
		maxWorkers: "100%",
		testTimeout: factor === "1" ? 30_000 : 600_000,
		reporters: ["default", "json"],
		outputFile: { json: "coverage/results.json" },
		projects: all
			.filter(({ path }) => existsSync(join(root, path, "test")))
			.map(({ name, path }) => ({
				extends: true,
				test: {
					name,
					root: path,
					include: ["test/**/*.test.ts"],
					...(LAST.includes(name) && { sequence: { groupOrder: 1 } }),
				},
			})),
		coverage: {
			include: ["packages/*/src/**/*.ts"],
			thresholds: { lines: 90, branches: 80 },
		},
	},
});
