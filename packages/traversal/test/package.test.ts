import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

const home = join(import.meta.dirname, "..");

test("installing it brings one package, below 2 MB, without native code", async () => {
	const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Record<
		string,
		unknown
	>;
	for (const kind of ["dependencies", "optionalDependencies", "peerDependencies"]) {
		expect(manifest[kind]).toBeUndefined();
	}
	const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json"], {
		cwd: home,
	});
	const [packed] = JSON.parse(stdout) as { unpackedSize: number; files: { path: string }[] }[];
	expect(packed?.unpackedSize).toBeLessThan(2_000_000);
	const paths = packed?.files.map(({ path }) => path) ?? [];
	expect(paths).toContain("dist/vendored/nat-upnp.cjs");
	expect(paths.filter((path) => /\.node$|binding\.gyp$/.test(path))).toEqual([]);
});
