// The documentation names no command that was never tried. Each is followed here word for word, with the
// files that the documentation says to make, or is named with the place that tries it.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SwarmPeer } from "@cicada/swarmlib";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const documents = [
	"README.md",
	"CONTRIBUTING.md",
	...["docs", "docs/guides"].flatMap((folder) =>
		readdirSync(join(root, folder))
			.filter((file) => file.endsWith(".md"))
			.map((file) => `${folder}/${file}`),
	),
	...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`),
];

/** The commands of a document: the lines of its blocks for a shell, without comments. */
const commandsIn = (markdown: string): string[] =>
	[...markdown.matchAll(/^```sh\n([^]*?)^```/gm)].flatMap(([, block = ""]) =>
		block
			.split("\n")
			.map((line) => line.replace(/ +# .*$/, "").trim())
			.filter((line) => line !== "" && !line.startsWith("#")),
	);

/** The files that a document says to make: those that it names right before a block that is their text. */
const filesIn = (markdown: string): [name: string, text: string][] =>
	[...markdown.matchAll(/`([\w./-]+\.(?:mjs|txt))`[^`]*\n\n```(?:ts|text)\n([^]*?)^```/gm)].map(
		([, name = "", text = ""]) => [name, text],
	);

/** What is tried elsewhere, or cannot be tried here, by command: the file that does it, or why. */
const elsewhere: Record<string, string> = {
	"npm test": "these are the tests",
	"npm run nightly": "the tests again",
	"npm run bench": "tooling/bench/test/bench.test.ts",
	"npm run soak": "tooling/soak/test/soak.test.ts",
	"npm run sim": "tooling/sim/test/seeds.test.ts",
	"npm run docs": "tooling/docs/test/reference.test.ts",
	"node tooling/pnpm.mjs build": "npm test begins with it",
	"node tooling/pnpm.mjs fix": "it changes files",
	"node tooling/pnpm.mjs vitest --project chordlib": "it does not end",
	"node tooling/pnpm.mjs vitest run packages/chordlib/test/codec.test.ts": "npm test runs it",
	"CICADA_FACTOR=100 node tooling/pnpm.mjs vitest run --project examples test/replicated-store.test.ts":
		"npm run nightly runs it",
	"cicada demo": "packages/cli/test/demo/demo.test.ts",
	"npm install @cicada/swarmlib": "tooling/pack-check.mjs",
	"npm install @cicada/chordlib": "tooling/pack-check.mjs",
	"npm install @cicada/traversal": "tooling/pack-check.mjs",
	"npm install --save-dev @cicada/simnet": "tooling/pack-check.mjs",
	"npm install --global @cicada/cli": "tooling/pack-check.mjs",
	"systemctl enable --now cicada": "it wants systemd",
	"journalctl -u cicada --follow": "it wants systemd",
};

/** Measurements that docs/testing-the-ring.md and docs/performance.md tell of. */
const isRecorded = (command: string): boolean => /^npm run (sim|bench) -- /.test(command);

const tried = new Set<string>();
let bin = "";

beforeAll(() => {
	bin = mkdtempSync(join(tmpdir(), "cicada-bin-"));
	const program = join(root, "packages/cli/dist/bin.js");
	writeFileSync(join(bin, "cicada"), `#!/bin/sh\nexec node ${program} "$@"\n`, { mode: 0o755 });
});

afterAll(() => {
	rmSync(bin, { recursive: true, force: true });
});

interface Terminal {
	readonly written: { text: string };
	readonly ended: Promise<number | null>;
	said(words: string): Promise<void>;
	type(text: string): void;
	/** Ctrl-C. */
	interrupt(): void;
}

/** Types a command of the documentation, with other addresses where those of the documentation are nobody's. */
function terminal(command: string, cwd: string, addresses: Record<string, string> = {}): Terminal {
	tried.add(command);
	const line = Object.entries(addresses).reduce((now, [a, b]) => now.replaceAll(a, b), command);
	const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
	const child: ChildProcess = spawn("sh", ["-c", `exec ${line}`], {
		cwd,
		stdio: ["pipe", "pipe", "pipe"],
		detached: true,
		env: { ...env, PATH: `${bin}:${env["PATH"] ?? ""}` },
	});
	const written = { text: "" };
	const listeners = new Set<() => void>();
	for (const stream of [child.stdout, child.stderr]) {
		stream?.setEncoding("utf8").on("data", (text: string) => {
			written.text += text;
			for (const look of listeners) look();
		});
	}
	const ended = new Promise<number | null>((resolve) => void child.on("close", resolve));
	const signal = (name: NodeJS.Signals): void => {
		try {
			process.kill(-(child.pid ?? 0), name);
		} catch {
			// It has ended.
		}
	};
	onTestFinished(() => {
		signal("SIGKILL");
	});
	const said = async (words: string): Promise<void> => {
		const heard = new Promise<void>((resolve) => {
			const look = (): void => {
				if (written.text.includes(words)) resolve();
			};
			listeners.add(look);
			look();
		});
		const silent = ended.then(() => {
			if (written.text.includes(words)) return;
			throw new Error(`${line} ended without saying "${words}": ${written.text}`);
		});
		await Promise.race([heard, silent]);
	};
	return {
		written,
		ended,
		said,
		type: (text) => void child.stdin?.write(text),
		interrupt: () => {
			signal("SIGINT");
		},
	};
}

/** A folder that is gone after the test. */
function folder(): string {
	const path = mkdtempSync(join(tmpdir(), "cicada-commands-"));
	onTestFinished(() => {
		rmSync(path, { recursive: true, force: true });
	});
	return path;
}

/** Makes the files that a document says to make, until the test is over. */
function follow(document: string, within: string): string[] {
	const files = filesIn(read(document));
	for (const [name, text] of files) {
		const path = join(within, name);
		onTestFinished(() => {
			rmSync(path, { force: true });
		});
		writeFileSync(path, text);
	}
	return files.map(([name]) => name);
}

test("README: see it work", { timeout: 120_000 }, async () => {
	const help = terminal("npm start -- --help", root);
	expect(await help.ended, help.written.text).toBe(0);
	expect(help.written.text).toContain("Usage: cicada demo ");
	const demo = terminal("npm start", root);
	expect(await demo.ended, demo.written.text).toBe(0);
	expect(demo.written.text).toMatch(/All 300 messages delivered/);
});

test("README: two programs of your own", async () => {
	expect(follow("README.md", root)).toEqual([
		"tooling/examples/first.mjs",
		"tooling/examples/second.mjs",
	]);
	const first = terminal("node tooling/examples/first.mjs", root);
	await first.said("waiting");
	const second = terminal("node tooling/examples/second.mjs", root);
	expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
	expect(first.written.text).toBe("waiting\nheard: hello, first\n");
	expect(second.written.text).toBe("heard: hello, second\n");
});

test("the command's README: two terminals", async () => {
	const here = folder();
	expect(follow("packages/cli/README.md", here)).toEqual(["first.txt", "second.txt"]);
	const first = terminal("cicada run first.txt --interface 127.0.0.1", here);
	await first.said("listening at 127.0.0.1:17610");
	const join = "--port 17611 --join 127.0.0.1:17610";
	const second = terminal(`cicada run second.txt --interface 127.0.0.1 ${join}`, here);
	expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
	expect(first.written.text).toContain("127.0.0.1:17611: goodbye");
});

test("the command's README: help, keys, a secret, and a swarm that has it", async () => {
	const here = folder();
	for (const command of [
		"cicada --help",
		"cicada keygen peer.key",
		"cicada keygen --secret swarm.secret",
	]) {
		const { ended, written } = terminal(command, here);
		expect(await ended, written.text).toBe(0);
	}
	const serving = terminal("cicada serve --network garden --secret swarm.secret", here);
	await serving.said("serving at ");
	serving.interrupt();
	expect(await serving.ended).toBe(0);
});

test("the command's README: sim", { timeout: 120_000 }, async () => {
	for (const command of [
		"cicada sim",
		"cicada sim --scenario resilience --peers 40 --fail 40 --duplicates 4",
	]) {
		const { ended, written } = terminal(command, folder());
		expect(await ended, written.text).toBe(0);
	}
});

test("the first guide: a chat", async () => {
	const ana = terminal("cicada chat --interface 127.0.0.1 --username ana", folder());
	await ana.said("you are in #lobby");
	const join = "--port 0 --join 127.0.0.1:17610";
	const bob = terminal(`cicada chat --interface 127.0.0.1 --username bob ${join}`, folder());
	await bob.said("ana is in #lobby");
	bob.type("hello, ana\n");
	await ana.said("#lobby <bob> hello, ana");
	bob.type("/quit\n");
	expect(await bob.ended).toBe(0);
});

test("the command's README: a chat without --interface, a service, ping and trace", async () => {
	const peer = await new SwarmPeer().bind("127.0.0.1", 0);
	const other = await new SwarmPeer().bind("127.0.0.1", 0);
	onTestFinished(async () => void (await Promise.all([peer.close(), other.close()])));
	await other.connect(peer.listener);
	const addresses = {
		"192.0.2.7:17610": `127.0.0.1:${peer.listener.port}`,
		"192.0.2.9:17610": `127.0.0.1:${other.listener.port}`,
	};
	const here = folder();
	const ping = terminal("cicada ping 192.0.2.7:17610", here, addresses);
	expect(await ping.ended, ping.written.text).toBe(0);
	const trace = terminal("cicada trace 192.0.2.9:17610 --join 192.0.2.7:17610", here, addresses);
	expect(await trace.ended, trace.written.text).toBe(0);
	const serve = "cicada serve --no-port-mapping --metrics 127.0.0.1:9610";
	const serving = terminal(serve, here);
	await serving.said("serving at ");
	expect(await (await fetch("http://127.0.0.1:9610/health")).text()).toMatch(/^alone: 0 links/);
	serving.interrupt();
	expect(await serving.ended).toBe(0);
	const ana = terminal("cicada chat --username ana", here);
	await ana.said("you are in #lobby");
	ana.interrupt();
	expect(await ana.ended).toBe(130);
	const bob = terminal("cicada chat --username bob --join 192.0.2.7:17610", here, addresses);
	await bob.said("you are in #lobby");
});

test("the command's README: keys that were agreed on", async () => {
	const peer = await new SwarmPeer().bind("127.0.0.1", 0);
	onTestFinished(() => peer.close());
	const here = folder();
	const host = {
		address: `127.0.0.1:${peer.listener.port}`,
		outbound_key: "a long random one",
		inbound_key: "another one",
	};
	const list = JSON.stringify({ trusted_hosts: [host] });
	writeFileSync(join(here, "trusted.json"), list, { mode: 0o600 });
	const command = "cicada chat --username ana --keys trusted.json --join 192.0.2.7:17610";
	const ana = terminal(command, here, { "192.0.2.7:17610": host.address });
	await ana.said("you are in #lobby");
	ana.interrupt();
	expect(await ana.ended).toBe(130);
});

test("no port of the documentation is one that a system hands out", () => {
	const ports = documents.flatMap((document) =>
		[...read(document).matchAll(/(?<=:|", |\.\d |--port )\d{5}\b/g)].map(Number),
	);
	expect(ports).toContain(17_610);
	expect(Math.max(...ports)).toBeLessThan(32_768);
});

test("no command of the documentation is left", () => {
	const all = new Set(documents.flatMap((document) => commandsIn(read(document))));
	const known = new Set([...tried, ...Object.keys(elsewhere)]);
	expect([...all].filter((command) => !known.has(command) && !isRecorded(command))).toEqual([]);
	expect([...known].filter((command) => !all.has(command))).toEqual([]);
	const files = Object.values(elsewhere).filter((where) => where.includes("/"));
	expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
