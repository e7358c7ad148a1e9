// `cicada shell`: peers that are made and tried, line by line.
import { expect, onTestFinished, test } from "vitest";

import { Log } from "../src/log.ts";
import { Shell } from "../src/shell/shell.ts";
import { startPeer } from "../src/start-peer.ts";
import { LOCAL, start } from "./process.ts";

interface Session {
	readonly shell: Shell;
	/** What a line answered, messages that came meanwhile left out. */
	readonly answer: (line: string) => Promise<string[]>;
	/** Resolves once something was shown. */
	readonly shows: (text: string) => Promise<void>;
}

function session(): Session {
	const shown: string[] = [];
	const waiting = new Set<() => void>();
	const shell = new Shell({
		start: async (port) =>
			startPeer(
				{ interface: "127.0.0.1", port, portMapping: false, mappingAttempts: 1 },
				new Log(() => {}, "error"),
				{ env: {}, interrupted: new AbortController().signal },
			),
		show: (line) => {
			shown.push(line);
			for (const look of waiting) look();
		},
	});
	onTestFinished(() => shell.close());
	const answer = async (line: string): Promise<string[]> => {
		const before = shown.length;
		await shell.take(line);
		return shown.slice(before).filter((line) => !line.includes(" <- "));
	};
	const shows = (text: string): Promise<void> =>
		new Promise((resolve) => {
			const look = (): void => {
				if (shown.some((line) => line.includes(text))) resolve();
			};
			waiting.add(look);
			look();
		});
	return { shell, answer, shows };
}

/** A session with so many peers, each of which joined the first; their ids and addresses. */
async function swarm(count: number): Promise<Session & { ids: string[]; addresses: string[] }> {
	const made = session();
	const ids: string[] = [];
	const addresses: string[] = [];
	for (let index = 0; index < count; index++) {
		const [line = ""] = await made.answer("create");
		const [, id = "", address = ""] = /^([0-9a-f]{64}) (127\.0\.0\.1:\d+), /.exec(line) ?? [];
		ids.push(id);
		addresses.push(address);
		if (index > 0) await made.answer(`JOIN ${id} ${ids[0]}`);
	}
	return { ...made, ids, addresses };
}

test("peers that are made here join, and send by id, by its beginning and by address", async () => {
	const { answer, shows, ids, addresses } = await swarm(3);
	const [first = "", second = "", third = ""] = ids;
	expect((await answer("list")).map((line) => line.replace(/^.*, /, ""))).toEqual(
		Array.from({ length: 3 }, () => expect.stringMatching(/^[12] members known$/) as string),
	);
	expect(await answer(`send ${first} ${second} two  words `)).toEqual([
		expect.stringMatching(`${addresses[1]} has it: \\d links, `),
	]);
	await shows(`${second.slice(0, 12)} <- ${addresses[0]}: two  words`);
	expect(await answer(`send ${second} ${addresses[2]} x`)).toHaveLength(1);
	await shows(`${third.slice(0, 12)} <- ${addresses[1]}: x`);
	expect(await answer(`broadcast ${third} to all`)).toEqual(["2 peers have it"]);
	await shows(`${first.slice(0, 12)} <- ${addresses[2]}: to all`);
	await shows(`${second.slice(0, 12)} <- ${addresses[2]}: to all`);
});

test("what a peer knows of the swarm: links, neighbours, who is responsible, the way to another", async () => {
	const { answer, ids, addresses } = await swarm(2);
	const [first = "", second = ""] = ids;
	const label = `${second.slice(0, 12)} ${addresses[1]}`;
	expect(await answer(`peers ${first}`)).toEqual([label]);
	expect(await answer(`fingers ${first}`)).toContain(`after   ${label}`);
	expect(await answer(`lookup ${first} ${second}`)).toEqual([
		`${second} is ${label}, 1 links away`,
	]);
	expect(await answer(`lookup ${second} ${second}`)).toEqual([
		`${second} is this peer's, 0 links away`,
	]);
	const explained = await answer(`explain ${first} ${addresses[1]}`);
	expect(explained[0]).toBe(`id:       ${second}`);
	expect(explained[1]).toMatch(`answers:  ${addresses[1]} after `);
	expect(explained[2]).toBe("route:    over a link to it");
	expect(await answer(`stop ${second}`)).toEqual([`${second.slice(0, 12)} is closed`]);
	expect(await answer("show")).toEqual(await answer("list"));
});

test("what cannot be done is said, with what would do", async () => {
	const { answer, shell } = session();
	expect(await answer("peers")).toEqual(["! there is no peer: create"]);
	expect(await answer("list")).toEqual(["no peers: create"]);
	expect(await answer("create 80")).toEqual([
		expect.stringMatching(/^! A port is a number from 1025/),
	]);
	const [one = ""] = await answer("create");
	await answer("create");
	expect(await answer("show")).toEqual([
		expect.stringMatching(/^! which one\? [0-9a-f]{12}, [0-9a-f]{12}$/),
	]);
	expect(await answer("peers xyz")).toEqual(["! no peer's id begins with xyz: list"]);
	const id = one.slice(0, 64);
	expect(await answer(`send ${id}`)).toEqual(["! say what: send ID TARGET text"]);
	expect(await answer(`broadcast ${id}`)).toEqual(["! say what: broadcast ID text"]);
	expect(await answer(`explain ${id}`)).toEqual(["! to whom? host:port, or an id"]);
	expect(await answer(`join ${id} 127.0.0.1:1`)).toEqual([
		expect.stringMatching(/^! .*a peer runs there/),
	]);
	expect(await answer("jion")).toEqual(["! there is no jion: help"]);
	expect(await answer("  ")).toEqual([]);
	expect((await answer("?")).length).toBe((await answer("help")).length);
	expect(shell.complete("br")).toEqual([["broadcast "], "br"]);
	expect(shell.complete(`peers ${id.slice(0, 20)}`)).toEqual([[`${id} `], id.slice(0, 20)]);
	expect(shell.over).toBe(false);
	await answer("q");
	expect(shell.over).toBe(true);
});

test("as a process, between pipes: the end of the input ends it, and so does quit", async () => {
	for (const last of ["", "quit\n"]) {
		const shell = start("shell", ...LOCAL.slice(0, 2));
		shell.type(`create\n${last}`);
		await shell.said("127.0.0.1:");
		if (last === "") shell.endOfInput();
		expect(await shell.ended).toBe(0);
	}
});
