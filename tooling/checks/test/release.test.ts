// A release works: the changesets become versions and changelogs, and what would be published can be.
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { workspaces } from "../../workspace.mjs";
import { copyOfRepository, runIn } from "./copy.ts";

test("changesets become versions and changelogs, and a dry run publishes each package", () => {
	const copy = copyOfRepository();
	onTestFinished(() => {
		rmSync(copy, { recursive: true, force: true });
	});
	const run = (...command: string[]): string => {
		const { status, says } = runIn(copy, command);
		expect(status, `${command.join(" ")}\n${says}`).toBe(0);
		return says;
	};
	// What a changelog says of a change is its commit.
	run("git", "init", "--quiet");
	run("git", "add", ".changeset");
	const author = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
	run("git", ...author, "commit", "--quiet", "--message", "changes");

	run("changeset", "version");
	expect(readdirSync(join(copy, ".changeset"))).toEqual(["config.json"]);
	const published = workspaces(copy).filter(({ published }) => published);
	for (const { path, manifest } of published) {
		expect(manifest.version, path).toMatch(/^(?!0\.0\.0$)\d+\.\d+\.\d+$/);
		const changelog = join(copy, path, "CHANGELOG.md");
		expect(existsSync(changelog), path).toBe(true);
		expect(readFileSync(changelog, "utf8")).toContain(`## ${manifest.version}\n`);
	}
	// The versions follow every rule that the next commit has to.
	run(process.execPath, "tooling/workspace.mjs", "check");
	run("oxfmt", "--check");

	const said = run(
		process.execPath,
		"tooling/pnpm.mjs",
		"publish",
		"--recursive",
		"--dry-run",
		"--no-git-checks",
	);
	for (const { manifest } of published) {
		expect(said).toContain(`${manifest.name}@${manifest.version} (dry run)`);
	}
}, 120_000);
