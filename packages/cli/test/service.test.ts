// `cicada serve`, and what asks a swarm from outside: `ping`, `trace`, `nat`.
import { SwarmPeer } from "@cicada/swarmlib";
import { expect, onTestFinished, test } from "vitest";

import { run } from "./in-process.ts";
import { LOCAL, freePorts, start } from "./process.ts";

const HERE = LOCAL.slice(0, 2);

/** A swarm of peers in this process, on which nobody reads. */
async function swarm(count: number): Promise<readonly SwarmPeer[]> {
	const peers: SwarmPeer[] = [];
	onTestFinished(async () => {
		await Promise.all(peers.map((peer) => peer.close()));
	});
	for (let index = 0; index < count; index++) {
		const peer = await new SwarmPeer({ successors: 2 }).bind("127.0.0.1", 0);
		const [first] = peers;
		if (first) await peer.connect(first.listener);
		peers.push(peer);
	}
	return peers;
}

test("a service is there to join, discards what comes, tells how it does, and leaves at SIGTERM with 0", async () => {
	const [port = 0, metrics = 0] = await freePorts(2);
	const service = start(
		"serve",
		...LOCAL,
		"-p",
		`${port}`,
		"--metrics",
		`127.0.0.1:${metrics}`,
		"--health",
		"1",
	);
	await service.said(`serving at 127.0.0.1:${port}\nalone: 0 links`);
	const peer = await new SwarmPeer().bind("127.0.0.1", 0);
	onTestFinished(() => peer.close());
	await peer.connect("127.0.0.1", port);
	await Promise.all(Array.from({ length: 2_000 }, () => peer.send(["127.0.0.1", port], "x")));
	await service.said(
		"ok: 1 links, 1 members known, 0 bytes unsent, 0 barred, 2000 messages discarded",
	);

	const get = async (path: string): Promise<Response> =>
		fetch(`http://127.0.0.1:${metrics}${path}`);
	const response = await get("/metrics");
	expect(response.headers.get("content-type")).toBe(
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
	);
	const text = await response.text();
	expectOpenMetrics(text);
	expect(text).toContain("\ncicada_links 1\n");
	expect(text).toContain("\ncicada_messages_discarded_total 2000\n");
	expect(text).toContain("\ncicada_discarded_bytes_total 2000\n");
	expect(await (await get("/health")).text()).toMatch(/^ok: 1 links, /);
	expect((await get("/")).status).toBe(404);

	const gone = new Promise((resolve) => peer.on("peerGone", resolve));
	service.kill("SIGTERM");
	expect(await service.ended).toBe(0);
	expect(service.written.stdout).toMatch(/left the swarm\n$/);
	await gone;
});

/** Each line is a comment of a family, or a sample of the one before it; the last one ends it all. */
function expectOpenMetrics(text: string): void {
	const lines = text.split("\n");
	expect(lines.slice(-2)).toEqual(["# EOF", ""]);
	let family = "";
	for (const line of lines.slice(0, -2)) {
		const [, named] = /^# TYPE (cicada_[a-z_]+) (?:gauge|counter)$/.exec(line) ?? [];
		family = named ?? family;
		const known = new RegExp(
			`^(?:# (?:TYPE|HELP) ${family} .+|${family}(?:_total)?(?:\\{limit="[\\w.]+"\\})? \\d+(?:\\.\\d+)?)$`,
		);
		expect(line).toMatch(known);
	}
}

test("a service that cannot serve its statistics, or that meets another swarm, says so and does not start", async () => {
	const [port = 0] = await freePorts(1);
	const taken = await new SwarmPeer().bind("127.0.0.1", port);
	onTestFinished(() => taken.close());
	const statistics = await run(["serve", ...LOCAL, "-p", "0", "--metrics", `127.0.0.1:${port}`]);
	expect(statistics.code).toBe(3);
	expect(statistics.stderr).toMatch(
		/^cicada: cannot serve statistics: .*EADDRINUSE.* \(see --metrics\)\n$/,
	);
	const other = await new SwarmPeer({ network: "other" }).bind("127.0.0.1", 0);
	onTestFinished(() => other.close());
	const stranger = await run([
		"serve",
		...LOCAL,
		"-p",
		"0",
		"--join",
		`127.0.0.1:${other.listener.port}`,
	]);
	expect(stranger.code).toBe(3);
});

test("a service where nobody answers yet serves alone, and ends well when it is interrupted", async () => {
	const join = ["--join", "127.0.0.1:1"];
	const { code, stdout, stderr } = await run(["serve", ...LOCAL, "-p", "0", ...join], "serving at");
	expect(code).toBe(0);
	expect(stderr).toMatch(
		/ warn {2}127\.0\.0\.1:\d+ alone for now, and tries again: .*127\.0\.0\.1:1/,
	);
	expect(stdout).toMatch(/left the swarm\n$/);
});

test("ping asks a peer, and says whether and how fast it answers", async () => {
	const [first, , , last] = await swarm(4);
	const port = first?.listener.port ?? 0;
	const { code, stdout, stderr } = await run([
		"ping",
		`127.0.0.1:${port}`,
		...HERE,
		"-c",
		"3",
		"--every",
		"0",
	]);
	expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
	expect(stdout).toMatch(
		new RegExp(
			`^(\\d: 127.0.0.1:${port} answers over 1 link in \\d+\\.\\d\\d ms\n){3}3 of 3 answered; `,
		),
	);
	const other = last?.listener.port ?? 0;
	const further = await run([
		"ping",
		`127.0.0.1:${other}`,
		...HERE,
		"-c",
		"1",
		"--join",
		`127.0.0.1:${port}`,
	]);
	expect(further.code).toBe(0);
	const [free = 0] = await freePorts(1);
	const lost = await run([
		"ping",
		`127.0.0.1:${free}`,
		...HERE,
		"-c",
		"1",
		"--join",
		`127.0.0.1:${port}`,
		"--timeout",
		"2",
	]);
	expect(lost).toMatchObject({
		code: 1,
		stderr: `cicada: 1 of 1 questions were not answered by 127.0.0.1:${free}\n`,
	});
	expect(lost.stdout).toContain("0 of 1 answered\n");
	expect((await run(["ping", `127.0.0.1:${free}`, ...HERE])).code).toBe(3);
});

test("trace says who answers for an id, and how a message would get there", async () => {
	const peers = await swarm(12);
	const [first] = peers;
	const port = first?.listener.port ?? 0;
	const through = [...HERE, "--join", `127.0.0.1:${port}`];
	const ways: string[] = [];
	for (const peer of peers) {
		const { code, stdout } = await run(["trace", peer.hash.toString(), ...through]);
		expect(code).toBe(0);
		expect(stdout).toContain(`answers:  127.0.0.1:${peer.listener.port} after `);
		ways.push(stdout);
	}
	expect(
		ways.filter((way) => /route: {4}along the ring, over [2-9] links, first to 127/.test(way))
			.length,
	).toBeGreaterThan(0);
	const direct = await run(["trace", `127.0.0.1:${port}`, ...HERE, "--route", "auto"]);
	expect(direct.stdout).toContain("route:    over a link to it\n");
	const nobody = await run(["trace", "0".repeat(64), ...through]);
	expect(nobody.code).toBe(1);
	expect(nobody.stdout).toMatch(
		/answers: {2}nobody with that id; 127\.0\.0\.1:\d+ is responsible for it\n$/,
	);
	const homeless = await run(["trace", "0".repeat(64), ...HERE]);
	expect(homeless).toMatchObject({
		code: 2,
		stderr: "cicada: an id does not say where its swarm is: give --join host:port\n",
	});
	expect((await run(["trace", "here"])).stderr).toContain(
		"A peer is host:port, or the 64 hexadecimal digits",
	);
});

test("nat says what each way of asking a router answered, and what to do", async () => {
	const { code, stdout, stderr } = await run(["nat", "--timeout", "0.5"]);
	expect(stdout).toMatch(
		/^this machine: {4}\d+\.\d+\.\d+\.\d+\nUPnP: .*\nNAT-PMP: .*\nport 17610: /,
	);
	const last = code === 0 ? stdout : stderr;
	expect(last).toMatch(/given back: {6}port 17610\n$|^cicada: no port was mapped: \w/);
});
