import type { Command, Problem, Settings, Step } from "./command.ts";
import { type Word, Words } from "./words.ts";

/** What the first word of a line may be. */
const VERBS = ["SEND", "RECV", "BCAST", "OPT", "WAIT", "PAUSE", "ECHO", "EXPECT"] as const;
type Verb = (typeof VERBS)[number];

/** Those that may be written as one letter. */
const LETTERS: Readonly<Record<string, Verb>> = {
	S: "SEND",
	R: "RECV",
	B: "BCAST",
	O: "OPT",
	W: "WAIT",
};

const MOST_DUPLICATES = 32;
/** A peer knows at least so many of the peers after it. */
const MOST_PEERS = 16;
const MOST_MESSAGES = 1_000_000;
/** The longest that a timer can run, in seconds. */
const LONGEST = 2_147_483;

/** Reads a whole script. Where there are problems, the steps are those of the lines without. */
export function parseScript(text: string): {
	readonly steps: readonly Step[];
	readonly problems: readonly Problem[];
} {
	const steps: Step[] = [];
	const problems: Problem[] = [];
	for (const [index, line] of text
		.replace(/^\ufeff/, "")
		.split(/\r?\n/)
		.entries()) {
		const known = problems.length;
		const command = parseLine(new Words(line, index + 1, problems));
		if (command !== undefined && problems.length === known) {
			steps.push({ line: index + 1, command });
		}
	}
	return { steps, problems };
}

function parseLine(words: Words): Command | undefined {
	const first = words.next();
	if (first.text === "" || first.text.startsWith("#")) return undefined;
	const verb = verbOf(first.text);
	if (verb !== undefined) return parsers[verb](words);
	return words.wrong(
		first,
		`there is no command ${JSON.stringify(first.text)}: ${VERBS.join(", ")}; # begins a comment`,
	);
}

function verbOf(word: string): Verb | undefined {
	const upper = word.toUpperCase();
	return LETTERS[upper] ?? VERBS.find((verb) => verb === upper);
}

const parsers: Readonly<Record<Verb, (words: Words) => Command | undefined>> = {
	SEND: (words) => {
		const host = text(
			words,
			words.next(),
			"SEND takes a host, a port and the data: the host is missing",
		);
		const port = words.number("SEND needs a port from 1 to 65535 after the host", isPort);
		const data = text(words, words.rest(), "SEND needs the data after the port");
		if (host === undefined || port === undefined || data === undefined) return undefined;
		return { verb: "SEND", host: withoutBrackets(host), port, data };
	},
	BCAST: (words) => {
		const data = text(words, words.rest(), "BCAST needs the data");
		return data === undefined ? undefined : { verb: "BCAST", data };
	},
	RECV: (words) => {
		const count = words.number(
			`RECV takes a number of messages from 1 to ${MOST_MESSAGES}`,
			isCount,
			1,
		);
		words.end("RECV");
		return count === undefined ? undefined : { verb: "RECV", count };
	},
	EXPECT: (words) => {
		const expected = text(words, words.rest(), "EXPECT needs the text of the message");
		return expected === undefined ? undefined : { verb: "EXPECT", text: expected };
	},
	OPT: (words) => {
		const settings = parseSettings(words);
		return settings && { verb: "OPT", settings };
	},
	WAIT: (words) => {
		const seconds = words.number(
			`WAIT takes seconds from 0 to ${LONGEST}, or -1 for ever`,
			(value) => value === -1 || isTime(value),
			-1,
		);
		const peers = words.number(
			`WAIT takes a number of peers from 1 to ${MOST_PEERS} after the seconds`,
			isPeers,
			1,
		);
		words.end("WAIT");
		if (seconds === undefined || peers === undefined) return undefined;
		return { verb: "WAIT", seconds: seconds === -1 ? Infinity : seconds, peers };
	},
	PAUSE: (words) => {
		const seconds = words.number(`PAUSE needs seconds from 0 to ${LONGEST}`, isTime);
		words.end("PAUSE");
		return seconds === undefined ? undefined : { verb: "PAUSE", seconds };
	},
	ECHO: (words) => ({ verb: "ECHO", text: words.rest().text }),
};

function parseSettings(words: Words): Settings | undefined {
	let settings: Settings | undefined = {};
	let word = words.next();
	if (word.text === "") return words.wrong(word, "OPT needs key=value, such as duplicates=2");
	while (word.text !== "") {
		const setting = parseSetting(words, word);
		settings = settings && setting && { ...settings, ...setting };
		word = words.next();
	}
	return settings;
}

function parseSetting(words: Words, word: Word): Settings | undefined {
	const [key = "", value] = word.text.split(/=(.*)/s);
	if (value === undefined) {
		return words.wrong(word, `OPT takes key=value, not ${JSON.stringify(word.text)}`);
	}
	if (key.toLowerCase() !== "duplicates") {
		return words.wrong(word, `OPT knows no ${JSON.stringify(key)}: duplicates`);
	}
	if (/^\d{1,3}$/.test(value) && Number(value) <= MOST_DUPLICATES)
		return { duplicates: Number(value) };
	const at = { ...word, column: word.column + Array.from(key).length + 1 };
	return words.wrong(
		at,
		`duplicates is a whole number from 0 to ${MOST_DUPLICATES}, not ${JSON.stringify(value)}`,
	);
}

function text(words: Words, word: Word, missing: string): string | undefined {
	return word.text === "" ? words.wrong(word, missing) : word.text;
}

/** `[::1]` is the host `::1`. */
function withoutBrackets(host: string): string {
	return host.replace(/^\[(.*)\]$/, "$1");
}

function isPort(value: number): boolean {
	return Number.isInteger(value) && value >= 1 && value <= 65_535;
}

function isCount(value: number): boolean {
	return Number.isInteger(value) && value >= 1 && value <= MOST_MESSAGES;
}

function isPeers(value: number): boolean {
	return Number.isInteger(value) && value >= 1 && value <= MOST_PEERS;
}

function isTime(value: number): boolean {
	return value >= 0 && value <= LONGEST;
}
