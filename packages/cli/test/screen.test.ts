import { PassThrough } from "node:stream";

import { expect, test } from "vitest";

import { TerminalScreen } from "../src/screen.ts";

/** A terminal on which a test types, and the lines that come of it. */
function typing(complete: (line: string) => string[] = () => []): {
	readonly stdin: PassThrough & { raw?: boolean };
	readonly lines: string[];
	readonly screen: TerminalScreen;
	readonly ended: Promise<void>;
} {
	const stdin: PassThrough & { raw?: boolean } = new PassThrough();
	Object.assign(stdin, {
		setRawMode: (on: boolean) => {
			stdin.raw = on;
		},
	});
	const stdout = Object.assign(new PassThrough(), { columns: 80 });
	stdout.resume();
	const { signal: interrupted } = new AbortController();
	const around = { stdin, stdout, stderr: stdout, env: {}, interrupted };
	const prompting = {
		prompt: "> ",
		complete: (line: string): [string[], string] => [complete(line), line],
	};
	const screen = new TerminalScreen(around, prompting, () => {});
	const lines: string[] = [];
	const ended = screen.lines((line) => {
		lines.push(line);
	}, interrupted);
	return { stdin, lines, screen, ended };
}

test("what is typed is the same however it is cut into pieces: letters of any script, arrows and deletions", async () => {
	const typed = Buffer.from("漢字x\u001B[D\u007F語\r");
	const { stdin, lines, screen, ended } = typing();
	let times = 0;
	for (let cuts = 0; cuts < 2 ** (typed.length - 1); cuts++) {
		let start = 0;
		for (let end = 1; end <= typed.length; end++) {
			if (end < typed.length && ((cuts >> (end - 1)) & 1) === 0) continue;
			stdin.write(typed.subarray(start, end));
			start = end;
		}
		times++;
		await new Promise(setImmediate);
	}
	screen.close();
	await ended;
	expect(lines.length).toBe(times);
	expect(new Set(lines)).toEqual(new Set(["漢語x"]));
});

test("what is pasted comes where the cursor is; its tabs are blanks, and one at the end completes", async () => {
	const { stdin, lines, screen, ended } = typing((line) => (line === "/w" ? ["/who"] : []));
	for (const keys of ["ad", "\u001B[D", "b\tc", "\r", "/w\t", "\r"]) {
		stdin.write(keys);
		await new Promise(setImmediate);
	}
	screen.close();
	await ended;
	expect(lines).toEqual(["ab cd", "/who"]);
});

test("the terminal is in raw mode until the screen closes, and then is read no longer", async () => {
	const { stdin, screen, ended } = typing();
	expect(stdin.raw).toBe(true);
	screen.close();
	await ended;
	await new Promise(setImmediate);
	expect(stdin.raw).toBe(false);
	expect(stdin.isPaused()).toBe(true);
	expect(stdin.listenerCount("data")).toBe(0);
});
