// The demo as its users run it: a process, its output, its exit code, and what it leaves behind.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { describe, expect, onTestFinished, test } from "vitest";

import type { Report } from "../../src/demo/report.ts";
import { run as runHere } from "../in-process.ts";

const PROGRAM = join(import.meta.dirname, "../../dist/bin.js");

interface Run {
	readonly process: ChildProcess;
	/** What it has written so far. */
	readonly written: { stdout: string; stderr: string };
	/** Its exit code, or the signal that ended it. */
	readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts the demo as the leader of a process group, to which its peers belong too. */
function start(...options: string[]): Run {
	const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
	const demo = spawn(process.execPath, [PROGRAM, "demo", ...options], {
		stdio: ["ignore", "pipe", "pipe"],
		detached: true,
		env,
	});
	const written = { stdout: "", stderr: "" };
	for (const name of ["stdout", "stderr"] as const) {
		demo[name].on("data", (text: Buffer) => {
			written[name] += text.toString();
		});
	}
	const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
		demo.on("close", (code, signal) => {
			resolve(code ?? signal);
		});
	});
	onTestFinished(() => {
		signalGroup(demo, "SIGKILL");
	});
	return { process: demo, written, ended };
}

/** Whether there was anyone in the group to get it. */
function signalGroup({ pid = 0 }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
	try {
		return process.kill(-pid, signal);
	} catch {
		return false;
	}
}

/** Where Linux tells of its processes. */
const PROC = existsSync("/proc/self/stat");

/** The processes of the group that run. Those that are dead, and that nobody has asked about yet, do not. */
function membersOf(group: ChildProcess): number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.filter((pid) => {
			try {
				const [, state = "", , leader] =
					/\) (\S) (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
				return Number(leader) === group.pid && !"ZX".includes(state);
			} catch {
				return false;
			}
		})
		.map(Number);
}

function anyoneIn(group: ChildProcess): boolean {
	return signalGroup(group, 0) && (!PROC || membersOf(group).length > 0);
}

/** Waits until no process of the group runs; false when some still do after 5 s. */
async function allGone(group: ChildProcess): Promise<boolean> {
	const deadline = performance.now() + 5_000;
	while (anyoneIn(group)) {
		if (performance.now() > deadline) return false;
		await delay(10);
	}
	return true;
}

/** Waits until the demo has said something. */
async function said({ process: demo, written, ended }: Run, words: string): Promise<void> {
	const heard = new Promise<void>((resolve) => {
		const look = (): void => {
			if (written.stdout.includes(words)) resolve();
		};
		demo.stdout?.on("data", look);
		look();
	});
	const silent = ended.then(() => {
		throw new Error(`it ended without saying "${words}": ${written.stdout}${written.stderr}`);
	});
	await Promise.race([heard, silent]);
}

test("a small swarm delivers everything and says so in one JSON object", async () => {
	const run = start("--peers", "8", "--messages", "10", "--seed", "test", "--json");
	const status = await run.ended;
	const { stdout, stderr } = run.written;
	expect(status, stderr).toBe(0);
	expect(stdout.trimEnd().split("\n")).toHaveLength(1);
	const report = JSON.parse(stdout) as Report;
	expect(report).toMatchObject({
		ok: true,
		failures: [],
		peers: 8,
		seed: "test",
		sent: 30,
		delivered: 30,
		broadcast: { reached: 7, expected: 7 },
		broadcastHealed: { reached: 6, expected: 6 },
		rounds: [
			{ duplicates: 0, sent: 10, delivered: 10 },
			{ duplicates: 2, sent: 10, delivered: 10 },
			{ duplicates: 0, sent: 10, delivered: 10 },
		],
		toKilled: { sent: 10 },
	});
	const { linked, multiHop, hops, rttMs, toKilled, formMs, healMs } = report;
	expect(multiHop).toBeGreaterThanOrEqual((30 - linked) / 2);
	expect(hops.max).toBeGreaterThanOrEqual(hops.mean);
	expect(rttMs.p50).toBeGreaterThan(0);
	expect(rttMs.p99).toBeGreaterThanOrEqual(rttMs.p50);
	expect(toKilled.delivered + toKilled.rejected).toBe(10);
	expect(formMs).toBeGreaterThan(0);
	expect(healMs).toBeGreaterThan(0);
	expect(stderr).toContain("All 30 messages delivered");
	expect(await allGone(run.process)).toBe(true);
});

test("without --json, people get a table, without colours off a terminal", async () => {
	const { code, stdout, stderr } = await runHere([
		"demo",
		"--peers",
		"4",
		"--messages",
		"3",
		"--duplicates",
		"0",
	]);
	expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
	expect(stdout).toContain("All 6 messages delivered");
	expect(stdout).toMatch(/once each +3 +3 /);
	expect(stdout).not.toContain("\u001B");
	expect(stdout).not.toContain("\r");
});

test("duplicates, and one JSON object, also as a function; an interruption ends it", async () => {
	const small = ["demo", "--peers", "4", "--messages", "3", "--json"];
	const { code, stdout } = await runHere(small);
	expect(code).toBe(0);
	expect(JSON.parse(stdout)).toMatchObject({ ok: true, sent: 9, delivered: 9 });
	expect((await runHere(["demo", "--peers", "4", "--messages", "100000"], "formed")).code).toBe(
		130,
	);
});

test("--help names every option and starts nothing", async () => {
	const run = start("--help");
	expect(await run.ended).toBe(0);
	for (const option of ["peers", "messages", "duplicates", "seed", "json", "no-color", "help"]) {
		expect(run.written.stdout).toContain(`--${option}`);
	}
	expect(run.written.stdout).not.toContain("formed  ");
});

test.each([
	["--bogus", "--bogus"],
	["--peers=3", "argument '3' is invalid. Give a whole number from 4 to 256"],
	["--peers=257", "argument '257' is invalid. Give a whole number from 4 to 256"],
	["--messages=many", "argument 'many' is invalid. Give a whole number from 1"],
	["48", "too many arguments"],
])("wrong options end with 2, and a hint: %s", async (option, what) => {
	const run = start(option);
	expect(await run.ended).toBe(2);
	expect(run.written.stdout).toBe("");
	expect(run.written.stderr).toContain(what);
	expect(run.written.stderr).toContain("(--help says what there is)");
});

describe.each([
	["while processes start", "seed"],
	["while messages fly", "formed"],
])("%s, no process is left behind by", (_when, words) => {
	const startAndWait = async (): Promise<Run> => {
		const run = start("--peers", "4", "--messages", "100000");
		await said(run, words);
		return run;
	};

	test.each([
		["SIGINT", 130],
		["SIGTERM", 143],
		["SIGHUP", 129],
	] as const)("%s, which ends with %i", async (signal, status) => {
		const run = await startAndWait();
		run.process.kill(signal);
		expect(await run.ended).toBe(status);
		expect(await allGone(run.process)).toBe(true);
	});

	test("Ctrl-C, which a terminal sends to all of them", async () => {
		const run = await startAndWait();
		signalGroup(run.process, "SIGINT");
		expect(await run.ended).toBe(130);
		expect(await allGone(run.process)).toBe(true);
	});

	test("SIGKILL, of which the demo hears nothing", async () => {
		const run = await startAndWait();
		run.process.kill("SIGKILL");
		expect(await allGone(run.process)).toBe(true);
		expect(await run.ended).toBe("SIGKILL");
	});
});

test.runIf(PROC)("a signal that its peers get too is the demo's to act upon", async () => {
	const run = start("--peers", "4", "--messages", "50");
	await said(run, "formed");
	const peers = membersOf(run.process).filter((pid) => pid !== run.process.pid);
	expect(peers).toHaveLength(4);
	for (const pid of peers) {
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);
	}
	expect(await run.ended, run.written.stdout).toBe(0);
});

test("when nobody reads on, it ends", async () => {
	const run = start("--peers", "4", "--messages", "100000");
	await said(run, "formed");
	run.process.stdout?.destroy();
	expect(await run.ended).toBe(141);
	expect(await allGone(run.process)).toBe(true);
});
