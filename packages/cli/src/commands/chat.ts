import { userInfo } from "node:os";

import { systemClock } from "@cicada/chordlib";
import { type Command, InvalidArgumentError } from "commander";

import { whole } from "../arguments.ts";
import { Chat } from "../chat/chat.ts";
import { Conversation } from "../chat/conversation.ts";
import { type Line, written } from "../chat/line.ts";
import { isName } from "../chat/note.ts";
import { openLog } from "../log-options.ts";
import { type PeerOptions, withPeerOptions } from "../peer-options.ts";
import { PlainScreen, type Screen, TerminalScreen, isTerminal } from "../screen.ts";
import { type StartedPeer, joinSwarm, startPeer } from "../start-peer.ts";
import { Interruption, type Surroundings } from "../surroundings.ts";

interface ChatOptions extends PeerOptions {
	readonly username: string;
	readonly resilience: number;
	readonly channel: string;
	readonly plain?: true;
	readonly color: boolean;
}

const help = `
What you type goes to the channel that the prompt names. Lines that begin with / are commands:
/help says which. Tab completes commands, channels and names; the arrow keys bring back what you typed.

Where stdin or stdout is no terminal, lines are read and written as they are; at the end of the input
the chat waits until all is delivered, and ends.`;

/** Adds `cicada chat`. */
export function addChat(program: Command, around: Surroundings): void {
	withPeerOptions(program.command("chat"))
		.description("talks with people: channels, and messages to one person")
		.option("-u, --username <name>", "what others see", username, defaultName())
		.option(
			"-r, --resilience <count>",
			"extra copies of what you say, by other routes",
			whole(0, 32),
			0,
		)
		.option("--channel <name>", "the channel to begin in", "#lobby")
		.option("--plain", "plain lines, also on a terminal")
		.option("--no-color", "no colours (nor with NO_COLOR in the environment, nor off a terminal)")
		.addHelpText("after", help)
		.action(async (options: ChatOptions) => {
			await chat(options, around);
		});
}

function username(given: string): string {
	const name = given.normalize();
	if (isName(name)) return name;
	throw new InvalidArgumentError("A name is up to 24 letters and digits, and _ . - within.");
}

/** Who is logged in, as far as that can be a name here. */
function defaultName(): string {
	const { username: name } = userInfo();
	return isName(name) ? name : "somebody";
}

async function chat(options: ChatOptions, around: Surroundings): Promise<void> {
	const started = await startPeer({ ...options, leaf: true }, openLog(options, around), around);
	try {
		await joinSwarm(started, options, around.interrupted);
		await talk(started, options, around);
	} finally {
		await started.close();
	}
}

async function talk(
	{ peer }: StartedPeer,
	{ username: name, resilience: duplicates, channel, ...options }: ChatOptions,
	around: Surroundings,
): Promise<void> {
	const ended = new AbortController();
	const terminal = isTerminal(around) && options.plain !== true;
	const colours = terminal && options.color && (around.env["NO_COLOR"] ?? "") === "";
	const show = (line: Line): void => {
		screen.show(written(line, colours));
	};
	const conversing = new Chat({ peer, clock: systemClock, show }, { name, duplicates });
	const conversation = new Conversation(peer, conversing, show);
	const screen: Screen = terminal
		? new TerminalScreen(around, conversation, () => {
				ended.abort(new Interruption("Ctrl-C", 130));
			})
		: new PlainScreen(around);
	const stop = AbortSignal.any([ended.signal, around.interrupted]);
	try {
		const listening = conversing.listen();
		conversation.enter(channel);
		await screen.lines(async (line) => {
			await conversation.take(line);
			if (conversation.over) ended.abort();
		}, stop);
		await conversing.leave();
		await peer.close();
		await listening;
	} finally {
		screen.close();
	}
	if (stop.reason instanceof Interruption) throw stop.reason;
}
