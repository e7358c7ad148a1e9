import { formatAddress } from "@cicada/chordlib";
import type { SwarmPeer } from "@cicada/swarmlib";

import { explained } from "../advice.ts";
import { parseAddress } from "../arguments.ts";
import type { Chat } from "./chat.ts";
import { type CommandName, commands, read } from "./command.ts";
import type { Line } from "./line.ts";
import { CHANNELS_LIMIT, TEXT_LIMIT, isChannel } from "./note.ts";

/** One user's side of the chat: takes what is typed, and answers with lines. */
export class Conversation {
	readonly #peer: SwarmPeer;
	readonly #chat: Chat;
	readonly #show: (line: Line) => void;
	/** Where text goes. */
	#channel: string | undefined;
	#over = false;

	constructor(peer: SwarmPeer, chat: Chat, show: (line: Line) => void) {
		this.#peer = peer;
		this.#chat = chat;
		this.#show = show;
	}

	/** Where what is typed goes, as the prompt says it. */
	get prompt(): string {
		return `${this.#channel ?? "(no channel)"}> `;
	}

	/** Whether the user has left. */
	get over(): boolean {
		return this.#over;
	}

	/** What a word that was begun may become: commands, channels and names. */
	complete(line: string): [candidates: string[], word: string] {
		const [word = ""] = /\S*$/u.exec(line) ?? [];
		const all = [
			...(word === line ? Object.keys(commands).map((name) => `/${name} `) : []),
			...this.#chat.channels,
			...this.#chat.people.present.map(({ shown }) => `${shown} `),
		];
		return [all.filter((candidate) => candidate.startsWith(word)), word];
	}

	/** Does what a line says. */
	async take(line: string): Promise<void> {
		const typed = read(line);
		if (typed.kind === "text") await this.#say(typed.text);
		else if (typed.kind === "command") await this.#do[typed.name](typed.rest);
		else this.#trouble(`there is no /${typed.name}: /help says what there is`);
	}

	/** Goes into a channel, where what is typed goes from then on. */
	enter(channel: string): void {
		if (!isChannel(channel)) {
			this.#trouble("a channel is # and up to 24 letters, digits and _ . -, such as #garden");
		} else if (
			this.#chat.channels.length === CHANNELS_LIMIT &&
			!this.#chat.channels.includes(channel)
		) {
			this.#trouble(`${CHANNELS_LIMIT} channels are the most: /part one`);
		} else {
			this.#channel = channel;
			if (this.#chat.join(channel)) this.#notice(`you are in ${channel}`);
		}
	}

	readonly #do: Readonly<Record<CommandName, (rest: string) => void | Promise<void>>> = {
		connect: async (rest) => this.#connect(rest),
		join: (rest) => {
			this.enter(rest.normalize());
		},
		part: (rest) => {
			this.#part(rest.normalize());
		},
		msg: async (rest) => this.#tell(rest),
		who: (rest) => {
			this.#who(rest.normalize());
		},
		stats: () => {
			const { sent, received, lost } = this.#chat.counts;
			this.#notice(`${sent} sent, ${received} received, ${lost} not delivered`);
			this.#notice(
				`links to ${this.#peer.peers.length} peers, ${this.#peer.ring.members.length} known on the ring`,
			);
			this.#notice(
				`you are ${formatAddress(this.#peer.address)}, id ${this.#peer.hash.toString()}`,
			);
		},
		help: () => {
			for (const text of Object.values(commands)) this.#notice(text);
		},
		quit: () => {
			this.#over = true;
		},
	};

	async #say(text: string): Promise<void> {
		if (text.trim() === "") return;
		if (this.#channel === undefined) this.#trouble("you are in no channel: /join #lobby");
		else if (this.#fits(text)) await this.#chat.say(this.#channel, text);
	}

	async #tell(rest: string): Promise<void> {
		const { 1: name = "", 2: text = "" } = /^(\S+)\s+(.*)$/su.exec(rest) ?? [];
		const person = this.#chat.people.named(name.normalize());
		if (text === "") this.#trouble("say whom and what: /msg name text");
		else if (person === undefined) this.#trouble(`${name} is not here: /who says who is`);
		else if (this.#fits(text) && (await this.#chat.tell(person, text))) {
			this.#show({ kind: "telling", who: person.shown, text });
		}
	}

	#fits(text: string): boolean {
		const bytes = Buffer.byteLength(text);
		if (bytes > TEXT_LIMIT) this.#trouble(`${bytes} bytes; ${TEXT_LIMIT} go at once`);
		return bytes <= TEXT_LIMIT;
	}

	#part(named: string): void {
		const channel = named === "" ? (this.#channel ?? "") : named;
		if (!this.#chat.part(channel)) {
			this.#trouble(channel === "" ? "you are in no channel" : `you are not in ${channel}`);
			return;
		}
		this.#notice(`you are no more in ${channel}`);
		if (this.#channel === channel) this.#channel = this.#chat.channels.at(-1);
	}

	#who(channel: string): void {
		const { people } = this.#chat;
		const there = channel === "" ? people.present : people.in(channel);
		const where = channel === "" ? "here" : `in ${channel}`;
		if (there.length === 0) this.#notice(`nobody else is ${where}`);
		for (const { shown, peer, channels } of there) {
			const address = peer.address ? formatAddress(peer.address) : peer.hash.toString();
			this.#notice([shown, address, ...channels].join(" "));
		}
	}

	async #connect(rest: string): Promise<void> {
		const address = parseAddress(rest);
		if (address === undefined) {
			this.#trouble("say where: /connect host:port");
			return;
		}
		try {
			await this.#peer.connect(address);
			this.#notice(`connected to ${formatAddress(address)}`);
			await this.#chat.announce();
		} catch (error) {
			this.#trouble(explained(error));
		}
	}

	#notice(text: string): void {
		this.#show({ kind: "notice", text });
	}

	#trouble(text: string): void {
		this.#show({ kind: "trouble", text });
	}
}
