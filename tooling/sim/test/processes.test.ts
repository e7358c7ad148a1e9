// Rings on real sockets, under the oracles of the simulated ones.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { afterEach, expect, onTestFinished, test } from "vitest";

import { type Report, ReportingNode } from "../src/processes/report.ts";
import type { ProcessSummary } from "../src/processes/summary.ts";
import { Witness } from "../src/processes/witness.ts";
import type { Phase } from "../src/sends/swarm.ts";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
/** A minute of kills, and ten of them in the nightly run. */
const MINUTES = process.env["CICADA_FACTOR"] === "100" ? 10 : 1;

interface Program {
	readonly process: ChildProcess;
	readonly written: { stdout: string; stderr: string };
	readonly ended: Promise<number | NodeJS.Signals | null>;
}

function start(...words: string[]): Program {
	const child = spawn(process.execPath, [MAIN, ...words], { stdio: ["ignore", "pipe", "pipe"] });
	onTestFinished(() => {
		child.kill("SIGKILL");
	});
	const written = { stdout: "", stderr: "" };
	for (const name of ["stdout", "stderr"] as const) {
		child[name].on("data", (text: Buffer) => {
			written[name] += text.toString();
		});
	}
	const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
		child.on("close", (code, signal) => {
			resolve(code ?? signal);
		});
	});
	return { process: child, written, ended };
}

test(
	"24 processes, one killed every 2 s and replaced: no rule is broken, no owner is wrong, and the ring is ideal again",
	async () => {
		const { written, ended } = start("--processes", "24", "--minutes", String(MINUTES), "--json");
		expect(await ended, written.stdout + written.stderr).toBe(0);
		const told = JSON.parse(written.stdout.trimEnd().split("\n").at(-1) ?? "") as ProcessSummary;
		expect(told).toMatchObject({ violations: 0, lookups: { wrong: 0 } });
		expect(told.kills).toBeGreaterThan(25 * MINUTES);
		expect(told.lookups.right).toBeGreaterThan(1_000 * MINUTES);
		expect(told.quietMoments).toBeGreaterThan(0);
	},
	(MINUTES + 5) * 60_000,
);

test(
	"48 peers send to each other, one killed every 2 s and replaced: what is sent to who lives arrives once, in order",
	async () => {
		const minutes = MINUTES === 1 ? 1 / 3 : 2;
		const words = [
			"--sends",
			"48",
			"--minutes",
			String(minutes),
			"--routes",
			"ring,auto",
			"--json",
		];
		const { written, ended } = start(...words);
		expect(await ended, written.stdout + written.stderr).toBe(0);
		const told = written.stdout.trimEnd().split("\n").at(-1) ?? "";
		console.log(written.stdout);
		const { phases, unhandled } = JSON.parse(told) as { phases: Phase[]; unhandled: string[] };
		expect(unhandled).toEqual([]);
		expect(phases.map(({ route, flaws }) => [route, flaws])).toEqual([
			["ring", []],
			["auto", []],
		]);
		for (const { kills, resolved } of phases) {
			expect(kills).toBeGreaterThan(10 * minutes);
			expect(resolved).toBeGreaterThan(500 * minutes);
		}
	},
	15 * 60_000,
);

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
	"%s leaves no process behind",
	async (signal) => {
		const { process, ended } = start("--processes", "4");
		// It says so when there is a ring, so that all processes run.
		await new Promise((resolve) => process.stderr?.once("data", resolve));
		process.kill(signal);
		// Its processes write to its stderr as well: that closes when the last of them is gone.
		expect(await ended).toBe(signal);
	},
	60_000,
);

const nodes: ReportingNode[] = [];

afterEach(async () => {
	await Promise.all(nodes.splice(0).map(({ node }) => node.close()));
});

test("64 nodes in one process: no rule is broken, the ring becomes ideal, and every lookup of every id is right", async () => {
	const size = 64;
	const witness = new Witness();
	const ideal = new Promise<void>((resolve) => {
		for (let i = 0; i < size; i++) {
			const name = `n${i}`;
			const report = (told: Report): void => {
				witness.report(name, told);
				if (told.kind === "state" && witness.flaws(size).length === 0) resolve();
			};
			nodes.push(new ReportingNode(name, { host: "127.0.0.1", port: 0 }, report));
		}
	});
	for (const [i, reporting] of nodes.entries()) {
		await reporting.listen();
		const through = nodes[Math.floor(i / 2)]?.node.address;
		if (i > 0 && through !== undefined) await reporting.join([through]);
	}
	await ideal;
	const keys = nodes.map(({ node }) => node.hash.toString());
	for (const asker of nodes) await Promise.all(keys.map((key) => asker.lookup(key)));
	const { lookups, violations } = witness.judge();
	expect(violations.first).toEqual([]);
	expect(lookups).toEqual({ right: size * size, wrong: 0, overtaken: 0, failed: 0 });
}, 300_000);
