import { formatAddress } from "@cicada/chordlib";
import type { RemotePeer } from "@cicada/swarmlib";

import { explained } from "../advice.ts";
import { parseAddress, portToBind } from "../arguments.ts";
import { explanation } from "../explanation.ts";
import { Failure } from "../failure.ts";
import { nameOf, printable, shown } from "../printable.ts";
import type { StartedPeer } from "../start-peer.ts";
import { OwnPeers } from "./peers.ts";

/** What each command takes and does, for `help`. */
const usage = {
	create: "create [port]            a new peer, at any free port where none is given",
	join: "join ID host:port|ID     has a peer join another one's swarm",
	lookup: "lookup ID TARGET         who is responsible for an id",
	send: "send ID TARGET text      sends a message",
	broadcast: "broadcast ID text        sends a message to all peers",
	peers: "peers [ID]               to whom a peer has links",
	fingers: "fingers [ID]             a peer's neighbours and fingers on the ring",
	explain: "explain ID TARGET        how a message would get there",
	list: "list                     the peers made here",
	show: "show [ID]                one of them",
	stop: "stop [ID]                closes a peer",
	help: "help                     this; also ?",
	quit: "quit                     closes all peers, and ends; also q",
} as const;

type Verb = keyof typeof usage;

const short: Readonly<Record<string, Verb>> = { "?": "help", q: "quit" };

const words = `
ID is any beginning of the id of a peer made here that no other one has. TARGET is such an ID, host:port, or
an id in full. Messages are shown as they come.`;

/** What the shell asks of what is around it. */
export interface ShellPorts {
	readonly start: (port: number) => Promise<StartedPeer>;
	readonly show: (line: string) => void;
}

/** Several peers in one program, which do what is typed. */
export class Shell {
	readonly prompt = "cicada> ";
	readonly #ports: ShellPorts;
	readonly #own = new OwnPeers();
	#over = false;

	constructor(ports: ShellPorts) {
		this.#ports = ports;
	}

	/** Whether the user wants no more. */
	get over(): boolean {
		return this.#over;
	}

	/** What a word that was begun may become: commands, ids and addresses of own peers. */
	complete(line: string): [candidates: string[], word: string] {
		const [word = ""] = /\S*$/u.exec(line) ?? [];
		const all =
			word === line
				? Object.keys(usage).map((verb) => `${verb} `)
				: this.#own.all.map(({ peer }) => `${peer.hash.toString()} `);
		return [all.filter((candidate) => candidate.startsWith(word)), word];
	}

	/** Does what a line says; what does not work out is shown. */
	async take(line: string): Promise<void> {
		const [first = "", ...rest] = line.trim().split(/\s+/);
		if (first === "") return;
		const lower = first.toLowerCase();
		const verb = short[lower] ?? (Object.hasOwn(usage, lower) ? (lower as Verb) : undefined);
		try {
			if (verb === undefined) throw new Failure("FAILED", `there is no ${first}: help`);
			await this.#do[verb](rest, line);
		} catch (error) {
			this.#show(`! ${explained(error)}`);
		}
	}

	async close(): Promise<void> {
		await Promise.all(this.#own.all.map((started) => started.close()));
	}

	readonly #do: Readonly<Record<Verb, (rest: string[], line: string) => void | Promise<void>>> = {
		create: async ([port = "0"]) => {
			const started = await this.#ports.start(portToBind(port));
			this.#own.add(started);
			this.#summarize(started);
			void this.#read(started);
		},
		join: async ([id = "", where = ""]) => {
			const { peer } = this.#own.named(id);
			await peer.connect(parseAddress(where) ?? this.#own.named(where).peer.address);
			this.#show(`${short12(peer)} joined; it knows ${peer.ring.members.length} members`);
		},
		lookup: async ([id = "", what = ""]) => {
			const { peer } = this.#own.named(id);
			const target = this.#own.target(what);
			const found = await peer.explain(target, { route: "ring" });
			const responsible = await peer.ring.lookup(found.target);
			this.#show(
				`${found.target.toString()} is ${responsible.peer ? label(responsible.peer) : "this peer's"}, ${responsible.hops} links away`,
			);
		},
		send: async ([id = "", to = ""], line) => {
			const text = after(line, 3);
			if (text === "") throw new Failure("FAILED", "say what: send ID TARGET text");
			const { target, hops, rtt } = await this.#own.named(id).peer.send(this.#own.target(to), text);
			this.#show(`${nameOf(target)} has it: ${hops} links, ${rtt.toFixed(2)} ms`);
		},
		broadcast: async ([id = ""], line) => {
			const text = after(line, 2);
			if (text === "") throw new Failure("FAILED", "say what: broadcast ID text");
			const { reached } = await this.#own.named(id).peer.broadcast(text);
			this.#show(`${reached} peers have it`);
		},
		peers: ([id = ""]) => {
			const { peers } = this.#own.named(id).peer;
			for (const remote of peers) this.#show(label(remote));
			if (peers.length === 0) this.#show("no links");
		},
		fingers: ([id = ""]) => {
			const { predecessor, successors, fingers } = this.#own.named(id).peer.ring;
			this.#show(`before  ${predecessor ? label(predecessor) : "nobody"}`);
			for (const remote of successors) this.#show(`after   ${label(remote)}`);
			for (const remote of fingers) this.#show(`finger  ${label(remote)}`);
		},
		explain: async ([id = "", what = ""]) => {
			const { peer } = this.#own.named(id);
			for (const line of explanation(await peer.explain(this.#own.target(what)))) this.#show(line);
		},
		list: () => {
			for (const started of this.#own.all) this.#summarize(started);
			if (this.#own.all.length === 0) this.#show("no peers: create");
		},
		show: ([id = ""]) => {
			this.#summarize(this.#own.named(id));
		},
		stop: async ([id = ""]) => {
			const started = this.#own.named(id);
			this.#own.remove(started);
			await started.close();
			this.#show(`${short12(started.peer)} is closed`);
		},
		help: () => {
			for (const line of [...Object.values(usage), ...words.split("\n")]) this.#show(line);
		},
		quit: () => {
			this.#over = true;
		},
	};

	/** Shows what comes to a peer, until it is closed. */
	async #read({ peer }: StartedPeer): Promise<void> {
		for await (const { source, data } of peer) {
			this.#show(`${short12(peer)} <- ${nameOf(source)}: ${shown(data)}`);
		}
	}

	#summarize({ peer }: StartedPeer): void {
		const { members } = peer.ring;
		this.#show(
			`${peer.hash.toString()} ${formatAddress(peer.address)}, ${peer.peers.length} links, ${members.length} members known`,
		);
	}

	#show(line: string): void {
		this.#ports.show(printable(line));
	}
}

function short12({ hash }: Pick<RemotePeer, "hash">): string {
	return hash.toString().slice(0, 12);
}

function label(peer: RemotePeer): string {
	return `${short12(peer)} ${nameOf(peer)}`;
}

/** What follows so many words of a line, as it was written. */
function after(line: string, count: number): string {
	return new RegExp(`^\\s*(?:\\S+\\s+){${count}}(.*)$`, "s").exec(line)?.[1]?.trimEnd() ?? "";
}
