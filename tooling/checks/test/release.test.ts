// A release works: the changesets become versions and changelogs, and what would be published can be.
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

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
	const published = readdirSync(join(copy, "packages")).map((folder) => {
		const path = join(copy, "packages", folder);
		const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as {
			name: string;
			version: string;
		};
		return { path, ...manifest };
	});
	expect(published).toHaveLength(5);
	for (const { name, path, version } of published) {
		expect(version, name).toMatch(/^(?!0\.0\.0$)\d+\.\d+\.\d+$/);
		const changelog = join(path, "CHANGELOG.md");
		expect(existsSync(changelog), name).toBe(true);
		expect(readFileSync(changelog, "utf8")).toContain(`## ${version}\n`);
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
	for (const { name, version } of published) expect(said).toContain(`${name}@${version} (dry run)`);
}, 120_000);
