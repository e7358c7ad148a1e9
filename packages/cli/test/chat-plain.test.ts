// `cicada chat` between pipes: plain lines, for other programs.
import { expect, test } from "vitest";

import { LOCAL, freePorts, start } from "./process.ts";

test("lines in, lines out; the end of the input waits until all is delivered", async () => {
	const [one = 0, two = 0] = await freePorts(2);
	const ana = start("chat", ...LOCAL, "-p", String(one), "-u", "ana");
	await ana.said("you are in #lobby");
	const join = ["--join", `127.0.0.1:${one}`];
	const bob = start("chat", ...LOCAL, "-p", String(two), "-u", "bob", ...join);
	await bob.said("ana is in #lobby");
	await ana.said("bob is in #lobby");
	const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`);
	bob.type(`${lines.join("\n")}\n/msg ana the last, without an end`);
	bob.endOfInput();
	expect(await bob.ended).toBe(0);
	await ana.said("bob has left");
	ana.type("/quit\n");
	expect(await ana.ended).toBe(0);
	expect(ana.written).toEqual({
		stderr: "",
		stdout: [
			"* you are in #lobby",
			"* bob is here",
			"* bob is in #lobby",
			...lines.map((line) => `#lobby <bob> ${line}`),
			"*bob* the last, without an end",
			"* bob has left",
			"",
		].join("\n"),
	});
});

test("a signal ends it in good order", async () => {
	const [one = 0, two = 0] = await freePorts(2);
	const ana = start("chat", ...LOCAL, "-p", String(one), "-u", "ana");
	await ana.said("you are in #lobby");
	const bob = start("chat", ...LOCAL, "-p", String(two), "-u", "bob", "--join", `127.0.0.1:${one}`);
	await ana.said("bob is in #lobby");
	bob.kill("SIGTERM");
	expect(await bob.ended).toBe(143);
	await ana.said("bob has left");
});
