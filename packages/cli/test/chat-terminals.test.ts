// `cicada chat` on real terminals: what people see.
import { expect, test } from "vitest";

import { LOCAL, freePorts } from "./process.ts";
import { type Terminal, Terminals, withoutTmux } from "./terminals.ts";

/** People who chat, each on a terminal; the first waits for the others, who join it one after the other. */
async function gather(...names: string[]): Promise<Terminal[]> {
	const ports = await freePorts(names.length);
	const terminals = new Terminals();
	const all: Terminal[] = [];
	for (const [index, name] of names.entries()) {
		const options = [
			"-u",
			name,
			"-p",
			String(ports[index]),
			...(index === 0 ? [] : ["--join", `127.0.0.1:${ports[0]}`]),
		];
		const terminal = await terminals.open("chat", ...LOCAL, ...options);
		await terminal.until("#lobby>");
		all.push(terminal);
		for (const other of all.slice(0, -1)) {
			await other.until(count(/ is in #lobby/g, index));
			await terminal.until(count(/ is in #lobby/g, index));
		}
	}
	return all;
}

/** A screen in which something is to be seen so often. */
const count = (what: RegExp, times: number): ((screen: string) => boolean) => {
	return (screen) => [...screen.matchAll(what)].length === times;
};

test.skipIf(withoutTmux)(
	"two terminals: a channel, a private message, and an input line that nothing tears",
	async () => {
		const [ana, bob] = (await gather("ana", "bob")) as [Terminal, Terminal];
		await ana.type("half a li");
		await ana.until("#lobby> half a li");
		await bob.enter("hello, ana");
		const shown = await ana.until(/hello, ana\n#lobby> half a li$/);
		expect(shown.split("\n").at(-2)).toBe("#lobby <bob> hello, ana");
		await ana.enter("ne");
		await bob.until("#lobby <ana> half a line");

		// Letters of any script, wide ones, and signs of more than one code unit, also where they are edited.
		await bob.enter("grüße 漢字 🦗");
		await ana.until("<bob> grüße 漢字 🦗");
		await ana.type("漢字x");
		await ana.press("Left", "BSpace");
		await ana.enter("語");
		await bob.until("<ana> 漢語x");

		await ana.enter("/msg bob psst");
		await ana.until("-> *bob* psst");
		await bob.until("\n*ana* psst");
		// What a terminal would obey is shown, not obeyed. Tab completes, and does not send.
		await ana.enter("/msg nobody x");
		await ana.until("! nobody is not here: /who says who is");
		await bob.type("/w");
		await bob.press("Tab");
		await bob.until(/> \/who$/);
		await bob.press("Enter");
		await bob.until(/^\* ana 127\.0\.0\.1:\d+ #lobby$/m);
		await bob.press("C-c");
		await ana.until("* bob has left");
		await bob.until("[exit code 130]");
		await ana.enter("/quit");
		await ana.until("[exit code 0]");
	},
);

test.skipIf(withoutTmux)(
	"a narrow terminal, a wide one, and an input line of several rows",
	async () => {
		const [ana, bob] = (await gather("ana", "bob")) as [Terminal, Terminal];
		const long = Array.from({ length: 12 }, (_, index) => `word${index}`).join(" ");
		await ana.resize(40, 10);
		// What shows a letter that was typed after it has heard of the new size.
		await ana.type(long.slice(0, 1));
		await ana.until(`#lobby> ${long.slice(0, 1)}`);
		await ana.type(long.slice(1));
		await ana.until(`#lobby> ${long}`);
		for (const text of ["one", "two", "three"]) {
			await bob.enter(text);
			await ana.until(`<bob> ${text}`);
		}
		const screen = await ana.until((shown) => shown.endsWith(`<bob> three\n#lobby> ${long}`));
		expect([...screen.matchAll(/word0/g)]).toHaveLength(1);
		await ana.resize(100, 30);
		// Again: a line that came before that would be wiped away when the prompt is drawn for the new size.
		await ana.type("!");
		await ana.until(`#lobby> ${long}!`);
		await bob.enter("four");
		await ana.until(/<bob> four\n.*word0/);
		await ana.press("Enter");
		await bob.until(`<ana> ${long}!`);
	},
);

test.skipIf(withoutTmux)("a hundred lines that are pasted arrive, each and in order", async () => {
	const [ana, bob] = (await gather("ana", "bob")) as [Terminal, Terminal];
	const lines = Array.from({ length: 100 }, (_, index) => `line ${index}.`);
	await ana.paste(`${lines.join("\n")}\n`);
	const screen = await bob.until("<ana> line 99.", { history: true });
	const heard = [...screen.matchAll(/<ana> (line \d+\.)$/gm)].map(([, line]) => line);
	expect(heard).toEqual(lines);
});

test.skipIf(withoutTmux)(
	"five terminals: channels of some, a message for one, a name that two have, one who vanishes",
	async () => {
		const all = await gather("ana", "bob", "cem", "dia", "ana");
		const [ana, bob, cem, dia, other] = all as [Terminal, Terminal, Terminal, Terminal, Terminal];
		// The second ana is told so, and to nobody it is the first one.
		await other.until(/\* the name ana is another's: this one is ana~[0-9a-f]{4}/);
		const screen = await bob.until(/\* the name ana is another's: this one is (ana~[0-9a-f]{4})/);
		const [, second = ""] = /this one is (ana~\w+)/.exec(screen) ?? [];
		await other.enter("which one am I?");
		for (const terminal of [bob, cem, dia]) await terminal.until(`<${second}> which one am I?`);
		await bob.enter("/msg ana you are the first");
		await ana.until("*bob* you are the first");
		await bob.enter(`/msg ${second} you are the second`);
		await other.until("*bob* you are the second");

		for (const terminal of [cem, dia]) {
			await terminal.enter("/join #garden");
			await terminal.until("#garden>");
		}
		await cem.until("dia is in #garden");
		await cem.enter("the roses are out");
		await dia.until("#garden <cem> the roses are out");
		await cem.enter("/part");
		await dia.until("cem is no more in #garden");
		await cem.until("#lobby>");

		await bob.kill();
		for (const terminal of [ana, cem, dia, other]) await terminal.until("* bob is gone");
		await dia.enter("/join #lobby");
		await dia.enter("and then there were four");
		for (const terminal of [ana, cem, other]) {
			const screen = await terminal.until("<dia> and then there were four");
			expect(screen).not.toContain("did not get it");
		}
		for (const terminal of [ana, other]) {
			expect(await terminal.screen({ history: true })).not.toContain("roses");
		}
		expect(await other.screen({ history: true })).not.toContain("you are the first");
		expect(await ana.screen({ history: true })).not.toContain("you are the second");
	},
);

test.skipIf(withoutTmux)("colours on a terminal, and none where they are not wanted", async () => {
	const terminals = new Terminals();
	const [one = 0, two = 0] = await freePorts(2);
	const plain = await terminals.open("chat", ...LOCAL, "-u", "x", "-p", String(one), "--no-color");
	await plain.until("* you are in #lobby");
	expect(await plain.screen({ escapes: true })).not.toContain("\u001b");
	const coloured = await terminals.open("chat", ...LOCAL, "-u", "y", "-p", String(two));
	await coloured.until("* you are in #lobby");
	expect(await coloured.screen({ escapes: true })).toContain("\u001b[2m* you are in #lobby");
});
