// What a script says, and what is wrong with it.
import { expect, test } from "vitest";

import type { Command } from "../src/script/command.ts";
import { parseScript } from "../src/script/parse.ts";

const commandsOf = (script: string): Command[] => {
	const { steps, problems } = parseScript(script);
	expect(problems).toEqual([]);
	return steps.map(({ command }) => command);
};

test.each<[string, Command]>([
	["SEND host 7000 some data", { verb: "SEND", host: "host", port: 7000, data: "some data" }],
	["s ::1 7000 x", { verb: "SEND", host: "::1", port: 7000, data: "x" }],
	["Send [::1] 7000 x", { verb: "SEND", host: "::1", port: 7000, data: "x" }],
	[
		"send h 7000  two  spaces # kept ",
		{ verb: "SEND", host: "h", port: 7000, data: "two  spaces # kept" },
	],
	["RECV", { verb: "RECV", count: 1 }],
	["r 2", { verb: "RECV", count: 2 }],
	["BCAST to all", { verb: "BCAST", data: "to all" }],
	["b x", { verb: "BCAST", data: "x" }],
	["OPT duplicates=3", { verb: "OPT", settings: { duplicates: 3 } }],
	["o Duplicates=0", { verb: "OPT", settings: { duplicates: 0 } }],
	["WAIT", { verb: "WAIT", seconds: Infinity, peers: 1 }],
	["WAIT -1", { verb: "WAIT", seconds: Infinity, peers: 1 }],
	["w 0.5 16", { verb: "WAIT", seconds: 0.5, peers: 16 }],
	["PAUSE 2.25", { verb: "PAUSE", seconds: 2.25 }],
	["ECHO  as it is ", { verb: "ECHO", text: "as it is" }],
	["echo", { verb: "ECHO", text: "" }],
	["\tEXPECT grüße 🦗", { verb: "EXPECT", text: "grüße 🦗" }],
])("%s", (line, command) => {
	expect(commandsOf(line)).toEqual([command]);
});

test("comments and empty lines say nothing, and steps know their lines, whatever ends them", () => {
	const { steps, problems } = parseScript("\ufeff# one\r\n\r\n  # three\r\nRECV\r\n\tECHO x\n");
	expect(problems).toEqual([]);
	expect(steps.map(({ line, command: { verb } }) => [line, verb])).toEqual([
		[4, "RECV"],
		[5, "ECHO"],
	]);
});

test.each([
	["SND h 1 x", 1, /no command "SND"/],
	["p 1", 1, /no command "p"/],
	["SEND", 5, /host is missing/],
	["SEND host", 10, /port from 1 to 65535 after the host$/],
	["SEND host 70000 x", 11, /not "70000"/],
	["SEND host 1e3 x", 11, /not "1e3"/],
	["SEND host 7000  ", 17, /needs the data/],
	["  BCAST", 8, /needs the data/],
	["RECV 0", 6, /from 1 to 1000000, not "0"/],
	["RECV 1 # all", 8, /takes nothing more: "# all"/],
	["EXPECT", 7, /needs the text/],
	["OPT", 4, /key=value/],
	["OPT duplicates", 5, /key=value, not "duplicates"/],
	["OPT größe=1", 5, /knows no "größe"/],
	["OPT duplicates=33", 16, /from 0 to 32, not "33"/],
	["WAIT -2", 6, /-1 for ever, not "-2"/],
	["WAIT 1 17", 8, /from 1 to 16 after the seconds, not "17"/],
	["PAUSE", 6, /needs seconds/],
	["PAUSE for ever", 7, /not "for"/],
	["🦗🦗 x", 1, /no command "🦗🦗"/],
	["WAIT 1 1 🦗 x", 10, /takes nothing more: "🦗 x"/],
	["RECV 1 \u3000x", 9, /takes nothing more: "x"/],
])("%j is wrong at column %i", (line, column, message) => {
	const { steps, problems } = parseScript(`ECHO before\n${line}\nECHO after`);
	expect(problems[0]).toMatchObject({
		line: 2,
		column,
		message: expect.stringMatching(message) as string,
	});
	expect(steps.map((step) => step.line)).toEqual([1, 3]);
});

test("columns count characters, not code units", () => {
	const { problems } = parseScript("OPT größe🦗=1 x");
	expect(problems.map(({ column }) => column)).toEqual([5, 14]);
});

test("every problem of a file is told, also several of a line", () => {
	const { problems } = parseScript("SEND h x\nOPT a=1 b duplicates=99\nRECV\nWAIT x y z");
	expect(problems.map(({ line, column }) => [line, column])).toEqual([
		[1, 8],
		[1, 9],
		[2, 5],
		[2, 9],
		[2, 22],
		[4, 6],
		[4, 8],
		[4, 10],
	]);
});
