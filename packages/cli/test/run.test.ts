// `cicada run`, with real processes: each peer is one, and what they do is in files.
import { expect, test } from "vitest";

import type { RunEvent } from "../src/script/report.ts";
import { LOCAL, type Run, file, freePorts, start } from "./process.ts";

/** A peer at a port that does what a script says, and tells of it in JSON. */
function peer(port: number, script: readonly string[], ...options: string[]): Run {
	return start(
		"run",
		file(script.join("\n")),
		...LOCAL,
		"--port",
		String(port),
		"--json",
		...options,
	);
}

function joining(port: number, first: number, script: readonly string[]): Run {
	return peer(port, script, "--join", `127.0.0.1:${first}`);
}

/** Messages that came in no order of their own. */
const sorted = <Item extends readonly unknown[]>(items: readonly Item[]): Item[] =>
	items.toSorted((a, b) => String(a).localeCompare(String(b)));

/** What it told, once it has ended well. */
async function eventsOf({ ended, written }: Run): Promise<RunEvent[]> {
	expect(await ended, written.stderr + written.stdout).toBe(0);
	expect(written.stderr).toBe("");
	return written.stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as RunEvent);
}

/** The texts of the messages that came, and the ports of who sent them. */
const received = (
	events: readonly RunEvent[],
): (readonly [number | undefined, string | undefined])[] =>
	events.flatMap((event) =>
		event.event === "received" || event.event === "expected"
			? [[event.from.address?.port, event.text] as const]
			: [],
	);

test("two peers, as in the guide: the first waits, sends to all and to one; the second answers", async () => {
	const [one = 0, two = 0] = await freePorts(2);
	const first = peer(one, [
		"# the first peer",
		"WAIT -1",
		"OPT duplicates=3",
		"BCAST hello, everyone",
		`SEND 127.0.0.1 ${two} hello, you`,
		"RECV 2",
	]);
	await first.said(`"bound"`);
	const second = joining(two, one, [
		"EXPECT hello, everyone",
		"expect hello, you",
		`s 127.0.0.1 ${one} one`,
		`SEND 127.0.0.1 ${one} grüße 🦗`,
	]);
	const [events, answers] = await Promise.all([eventsOf(first), eventsOf(second)]);
	expect(events.map(({ event }) => event)).toEqual([
		"bound",
		"peers",
		"broadcast",
		"sent",
		"received",
		"received",
		"done",
	]);
	expect(events[2]).toMatchObject({ line: 4, bytes: 15, reached: 1 });
	expect(events[3]).toMatchObject({ line: 5, to: { address: { port: two } }, bytes: 10, hops: 1 });
	expect(received(events)).toEqual([
		[two, "one"],
		[two, "grüße 🦗"],
	]);
	expect(received(answers)).toEqual([
		[one, "hello, everyone"],
		[one, "hello, you"],
	]);
	expect(answers[1]).toEqual({ event: "joined" });
});

test("three peers: messages from two others, and between those two", async () => {
	const [one = 0, two = 0, three = 0] = await freePorts(3);
	const first = peer(one, ["WAIT -1 2", "BCAST go", "RECV 2"]);
	await first.said(`"bound"`);
	const second = joining(two, one, [
		"EXPECT go",
		`SEND 127.0.0.1 ${three} to three`,
		`SEND 127.0.0.1 ${one} two`,
	]);
	const third = joining(three, one, ["RECV 2", `SEND 127.0.0.1 ${one} three`]);
	const told = await Promise.all([first, second, third].map(eventsOf));
	const [heard = [], , between = []] = told.map((events) => sorted(received(events)));
	expect(heard).toEqual([
		[two, "two"],
		[three, "three"],
	]);
	expect(between).toEqual([
		[one, "go"],
		[two, "to three"],
	]);
});

test("ten peers: each hears the first, passes a message on to the next, and answers", async () => {
	const [one = 0, ...others] = await freePorts(10);
	const first = peer(one, ["WAIT -1 9", "BCAST go", "RECV 9", "BCAST bye"]);
	await first.said(`"bound"`);
	const runs = others.map((port, index) => {
		const next = others[(index + 1) % others.length] ?? 0;
		return joining(port, one, [
			"RECV 1",
			`SEND 127.0.0.1 ${next} from ${index}`,
			"RECV 1",
			`SEND 127.0.0.1 ${one} ${index} is done`,
			"EXPECT bye",
		]);
	});
	const [events = [], ...rest] = await Promise.all([first, ...runs].map(eventsOf));
	expect(events.find(({ event }) => event === "broadcast")).toMatchObject({ reached: 9 });
	expect(sorted(received(events))).toEqual(others.map((port, index) => [port, `${index} is done`]));
	for (const [index, events] of rest.entries()) {
		const before = (index + others.length - 1) % others.length;
		expect(sorted(received(events))).toEqual([
			[one, "bye"],
			[one, "go"],
			[others[before], `from ${before}`],
		]);
	}
});

test("a message other than expected fails the run, and says which line wanted what", async () => {
	const [one = 0, two = 0] = await freePorts(2);
	const first = start("run", file("\nEXPECT yes\nECHO not reached\n"), ...LOCAL, "-p", String(one));
	await first.said("listening");
	// A terminal would obey the escape.
	const second = joining(two, one, [`SEND 127.0.0.1 ${one} no\u001b[2J`]);
	expect(await first.ended).toBe(1);
	expect(first.written.stdout).toContain(`127.0.0.1:${two}: no\\u{1b}[2J\n`);
	expect(first.written.stderr).toBe(
		`cicada: line 2, EXPECT: the next message was to be yes, and 127.0.0.1:${two} sent no\\u{1b}[2J\n`,
	);
	expect(first.written.stdout).not.toContain("not reached");
	await eventsOf(second);
});

test("SIGINT and SIGTERM end a run that waits, and the others see it leave", async () => {
	const [one = 0, two = 0] = await freePorts(2);
	const first = peer(one, ["WAIT", "RECV"], "--debug");
	await first.said(`"bound"`);
	const second = joining(two, one, ["RECV"]);
	await first.said(`"peers"`);
	second.kill("SIGTERM");
	expect(await second.ended).toBe(143);
	first.kill("SIGINT");
	expect(await first.ended).toBe(130);
	expect(first.written.stderr).toMatch(
		new RegExp(`info  127.0.0.1:${one} no more link to 127.0.0.1:${two}`),
	);
});

test("it ends when nobody reads its output any more", async () => {
	const [port = 0] = await freePorts(1);
	const talker = start(
		"run",
		file("ECHO x\nPAUSE 0\n".repeat(50_000)),
		...LOCAL,
		"-p",
		String(port),
	);
	await talker.said("listening");
	talker.stopReading();
	expect(await talker.ended).toBe(141);
});
