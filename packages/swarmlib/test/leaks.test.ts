import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, test } from "vitest";

test("after close in the middle of everything all has ended, nothing rejects unheard, and the process exits", async () => {
	const program = fileURLToPath(new URL("exits.mjs", import.meta.url));
	const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], {
		timeout: 20_000,
	});
	const [ends = "", resources = ""] = stdout.trim().split("\n");
	expect(stderr).toBe("");
	const counts = JSON.parse(ends) as Record<string, number>;
	const known = [
		"aborted stopped",
		"bind CLOSED",
		"broadcast CLOSED",
		"connect NOT_BOUND",
		"iterate done",
		"send CLOSED",
		"send done",
	];
	for (const end of Object.keys(counts)) expect(known).toContain(end);
	expect(counts).toMatchObject({ "aborted stopped": 1, "bind CLOSED": 1, "iterate done": 1 });
	expect(counts["send CLOSED"]).toBeGreaterThan(0);
	expect(JSON.parse(resources)).not.toContain("Timeout");
	expect(JSON.parse(resources)).not.toContain("TCPServerWrap");
});
