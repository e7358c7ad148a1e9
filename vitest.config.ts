import { existsSync } from "node:fs";
import { join } from "node:path";

import { defineConfig } from "vitest/config";

import { root, workspaces } from "./tooling/workspace.mjs";

const all = workspaces();

// `npm run nightly` multiplies the runs of the property tests.
export default defineConfig(({ mode }) => ({
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
		env: { CICADA_FACTOR: mode === "nightly" ? "100" : "1" },
		testTimeout: mode === "nightly" ? 600_000 : 30_000,
		reporters: ["default", "json"],
		outputFile: { json: "coverage/results.json" },
		projects: all
			.filter(({ path }) => existsSync(join(root, path, "test")))
			.map(({ name, path }) => ({
				extends: true,
				test: { name, root: path, include: ["test/**/*.test.ts"] },
			})),
		coverage: {
			include: ["packages/*/src/**"],
			thresholds: { lines: 90, branches: 80 },
		},
	},
}));
