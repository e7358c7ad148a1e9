// What a person reads who did something wrong: the message alone says what to do.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { SwarmPeer } from "@cicada/swarmlib";
import { expect, onTestFinished, test } from "vitest";

import { exitCodes } from "../src/index.ts";
import { type Answer, run } from "./in-process.ts";
import { LOCAL, file, folder, freePorts } from "./process.ts";

const README = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

const matching = (pattern: RegExp | string): string => expect.stringMatching(pattern) as string;

/** The commands that there are, from the help. */
const commands = async (): Promise<string[]> => {
	const { stdout } = await run(["--help"]);
	const [, list = ""] = stdout.split("Commands:\n");
	return [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name);
};

test("the help names every command, and each command's help its arguments and options", async () => {
	const { code, stdout, stderr } = await run(["--help"]);
	expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
	expect(stdout).toMatch(/^Usage: cicada /);
	for (const name of await commands()) {
		if (name === "help") continue;
		const help = await run(["help", name]);
		expect(help.code).toBe(0);
		expect(help.stdout, name).toMatch(new RegExp(`^Usage: cicada ${name} `));
		expect(await run([name, "--help"])).toEqual(help);
		expect(README).toContain(`cicada ${name}`);
	}
	expect(stdout.split("\n").filter((line) => line.length > 100)).toEqual([]);
});

test("no command: the help, and the exit code of wrong use", async () => {
	const { code, stdout, stderr } = await run([]);
	expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
	expect(stderr).toMatch(/^Usage: cicada /);
});

test.each<[string[], RegExp]>([
	[["rum", "x"], /unknown command 'rum'[^]*Did you mean run\?/],
	[["run"], /missing required argument 'file'/],
	[["run", "a", "b"], /too many arguments/],
	[["run", "x", "--prot", "1"], /unknown option '--prot'[^]*Did you mean --port\?/],
	[
		["run", "x", "--port", "80"],
		/'-p, --port <port>' argument '80' is invalid. A port is a number from 1025 to 65534, or 0/,
	],
	[["run", "x", "--port", "1e4"], /argument '1e4' is invalid/],
	[["run", "x", "--join", "host"], /argument 'host' is invalid. An address is host:port, such as/],
	[["run", "x", "--join", "host:0"], /argument 'host:0' is invalid/],
	[["run", "x", "--timeout", "0"], /argument '0' is invalid. Give seconds, more than 0/],
	[
		["run", "x", "--duplicates", "33"],
		/argument '33' is invalid. Give a whole number from 0 to 32/,
	],
	[["run", "x", "--log", "y", "--stdout"], /'--log <file>' cannot be used with option '--stdout'/],
])("cicada %j", async (args, says) => {
	const { code, stdout, stderr } = await run(args);
	expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
	expect(stderr).toMatch(says);
	expect(stderr).toContain("(--help says what there is)");
});

test("a file that is not there, that is a folder, that is no text", async () => {
	const missing = await run(["run", "/nowhere/script"]);
	expect(missing).toMatchObject({
		code: 2,
		stderr:
			"cicada: cannot read /nowhere/script: ENOENT: no such file or directory, open '/nowhere/script'\n",
	});
	expect(await run(["run", folder()])).toMatchObject({
		code: 2,
		stderr: matching(/EISDIR/),
	});
	const binary = await run(["run", file(Uint8Array.of(0xff, 0xfe, 0x00))]);
	expect(binary).toMatchObject({
		code: 2,
		stderr: matching(/cannot read .*: .*not valid.*utf-8/),
	});
});

test("bad lines are all told, as file:line:column, and nothing is started", async () => {
	const script = file("ECHO hello\nRECV many\n\nFOO\n");
	const { code, stdout, stderr } = await run(["run", script, ...LOCAL]);
	expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
	expect(stderr.trimEnd().split("\n")).toEqual([
		`cicada: ${script}:2:6: RECV takes a number of messages from 1 to 1000000, not "many"`,
		matching(`^cicada: ${script}:4:1: there is no command "FOO": SEND, RECV,`),
	]);
	const json = await run(["run", script, ...LOCAL, "--json"]);
	expect(
		json.stdout
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line) as unknown),
	).toMatchObject([
		{ event: "problem", line: 2, column: 6 },
		{ event: "problem", line: 4, column: 1 },
	]);
});

/** Runs a script that does nothing, as a peer of this machine. */
const idle = async (...options: string[]): Promise<Answer> =>
	run(["run", file("ECHO x"), ...LOCAL, ...options]);

test("a port that is taken", async () => {
	const [port = 0] = await freePorts(1);
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
	onTestFinished(() => void server.close());
	expect(await idle("-p", String(port))).toEqual({
		code: 3,
		stdout: "",
		stderr: `cicada: cannot listen at 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port} (another program has that port: end it, or choose another with --port (0: any free one))\n`,
	});
});

test("an address that is not this machine's, and a name that is nobody's", async () => {
	const foreign = await idle("-p", "0", "--interface", "192.0.2.1");
	expect(foreign).toMatchObject({
		code: 3,
		stderr: matching(/192\.0\.2\.1.*see --interface/),
	});
	const nobody = await idle("-p", "0", "--interface", "nobody.invalid");
	expect(nobody).toMatchObject({
		code: 3,
		stderr: matching(/nobody.invalid has no address.*has a network/),
	});
});

test("nobody answers where it is to join, or it is another swarm", async () => {
	const [port = 0] = await freePorts(1);
	const alone = await idle("-p", "0", "--join", `127.0.0.1:${port}`);
	expect(alone).toMatchObject({
		code: 3,
		stderr: matching(
			/127\.0\.0\.1.*check the address, that this machine has a network, that a peer runs there/,
		),
	});
	const nowhere = await idle("-p", "0", "--join", "nobody.invalid:17610");
	expect(nowhere).toMatchObject({
		code: 3,
		stderr: matching(/check the name, and that this machine has a network/),
	});
	const other = await new SwarmPeer({ network: "other" }).bind("127.0.0.1", 0);
	onTestFinished(() => other.close());
	const stranger = await idle("-p", "0", "--join", `127.0.0.1:${other.listener.port}`);
	expect(stranger).toMatchObject({
		code: 3,
		stderr: matching(/with the same --network and --secret\?/),
	});
});

/** Whether a machine without a network can be made here. In CI it must be: what misses there fails. */
const withoutNamespaces =
	spawnSync("unshare", ["--net", "true"]).status !== 0 && process.env["CI"] === undefined;

test.skipIf(withoutNamespaces)("no network: each command says so, and what to check", () => {
	const bin = join(import.meta.dirname, "../dist/bin.js");
	const offline = (...args: string[]): Answer => {
		const line = `ip link set lo up; exec "${process.execPath}" "${bin}" "$@"`;
		const shell = ["--net", "sh", "-c", line, "cicada", ...args];
		const { status, stdout, stderr } = spawnSync("unshare", shell, { encoding: "utf8" });
		return { code: status ?? -1, stdout, stderr };
	};
	const there = "192.0.2.7:17610";
	const nobody =
		/192\.0\.2\.7:17610 cannot be reached: .*ENETUNREACH.*that this machine has a network/;
	for (const args of [
		["ping", there],
		["trace", there],
		["chat", "--no-port-mapping", "--username", "ana", "--join", there],
		["run", file("ECHO x"), "--no-port-mapping", "--join", there],
	]) {
		const { code, stderr } = offline(...args);
		expect(code, stderr).toBe(3);
		expect(stderr).toMatch(nobody);
	}
	expect(offline("run", file("ECHO x"), "--port", "0").stdout).toMatch(
		/^listening at 127\.0\.0\.1:/,
	);
	expect(offline("run", file("ECHO x")).stderr).toMatch(
		/no port at a router: UPnP: this machine is in no network/,
	);
	expect(offline("nat", "--timeout", "1")).toMatchObject({
		code: 1,
		stdout: matching(/^this machine: {4}127\.0\.0\.1\n/),
		stderr: matching(/^cicada: no port was mapped: check that this machine has a network/),
	});
});

test("what fails while it runs: a line that waits too long, and one that sends to nobody", async () => {
	const [port = 0] = await freePorts(1);
	const waiting = await run(["run", file("WAIT 0.01 2"), ...LOCAL, "-p", "0"]);
	expect(waiting).toMatchObject({
		code: 1,
		stderr: matching(/^cicada: line 1, WAIT: 0 of 2 peers were there after 0.01 s\n$/),
	});
	const silent = await run(["run", file("ECHO x\nRECV"), ...LOCAL, "-p", "0", "--timeout", "0.01"]);
	expect(silent).toMatchObject({
		code: 1,
		stderr: matching(/^cicada: line 2, RECV: .*--timeout/),
	});
	const lost = await run(["run", file(`SEND 127.0.0.1 ${port} x`), ...LOCAL, "-p", "0"]);
	expect(lost).toMatchObject({
		code: 1,
		stderr: matching(/^cicada: line 1, SEND: .*is that peer in the swarm/),
	});
});

test("the log goes to a file, names the peer, and says nothing of what messages hold", async () => {
	const log = join(folder(), "log");
	const [port = 0] = await freePorts(1);
	const script = file(`SEND 127.0.0.1 ${port} the secret\nRECV`);
	const answer = await run(["run", script, ...LOCAL, "-p", String(port), "--log", log, "--debug"]);
	expect(answer).toMatchObject({
		code: 0,
		stderr: "",
		stdout: matching(/the secret/),
	});
	const text = readFileSync(log, "utf8");
	expect(text).toMatch(
		new RegExp(
			`^\\d{4}-\\d\\d-\\d\\dT.*Z info  127.0.0.1:${port} listens at 127.0.0.1:${port}, id [0-9a-f]{64}$`,
			"m",
		),
	);
	expect(text).toMatch(/ debug 127.0.0.1:\d+ message of 10 bytes from 127.0.0.1:\d+$/m);
	expect(text).not.toContain("secret");
	const nowhere = await idle("--log", "/nowhere/log");
	expect(nowhere).toMatchObject({
		code: 2,
		stderr: matching(/cannot write the log to \/nowhere\/log: ENOENT/),
	});
});

test("an interruption ends what waits, with its exit code", async () => {
	for (const line of ["RECV", "WAIT", "PAUSE 1000"]) {
		const running = run(["run", file(line), ...LOCAL, "-p", "0"], "listening");
		expect(await running).toMatchObject({ code: 130, stderr: "" });
	}
});

test("the README lists the exit codes", () => {
	const rows = [...README.matchAll(/^\| `(\d)` +\|/gm)].map(([, code]) => Number(code));
	expect(rows).toEqual(Object.values(exitCodes));
});
