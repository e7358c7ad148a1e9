import type { Clock, Timer } from "@cicada/chordlib";
import { type Received, type RemotePeer, SwarmError, type SwarmPeer } from "@cicada/swarmlib";

import { explained } from "../advice.ts";
import { nameOf } from "../printable.ts";
import type { Line } from "./line.ts";
import { type Note, decodeNote, encodeNote } from "./note.ts";
import { People, type Person } from "./people.ts";

/** What the chat asks of what is around it. */
export interface ChatPorts {
	readonly peer: SwarmPeer;
	readonly clock: Clock;
	readonly show: (line: Line) => void;
}

/** Milliseconds between two times that everybody is told who is here. */
const PRESENCE = 30_000;
/** Milliseconds without a word after which somebody is asked whether they are still there. */
const SILENCE = 3 * PRESENCE;
/** Milliseconds that a note may take. */
const PATIENCE = 10_000;

/**
 * Who is there, and what they say to each other: the messenger without its screen.
 *
 * Everybody tells all others now and then who they are and in which channels. What is said in a channel goes to
 * those who are in it, and what is told to one person to that one alone.
 */
export class Chat {
	readonly people: People;
	/** What came and went. */
	readonly counts = { sent: 0, received: 0, lost: 0 };
	readonly #ports: ChatPorts;
	readonly #name: string;
	readonly #duplicates: number;
	readonly #channels = new Set<string>();
	readonly #run = Math.floor(Math.random() * 2 ** 32);
	#changes = 0;
	/** Notes under way. */
	readonly #sending = new Set<Promise<unknown>>();
	/** The members that this peer last knew around its place in the ring. */
	#neighbours: readonly RemotePeer[] = [];
	/** Members of the ring that were asked who they are. */
	readonly #asked = new Set<string>();
	#presence: Timer | undefined;
	#left = false;

	constructor(ports: ChatPorts, { name, duplicates }: { name: string; duplicates: number }) {
		this.#ports = ports;
		this.#name = name;
		this.#duplicates = duplicates;
		this.people = new People(name);
		ports.peer.on("ring", ({ members }) => {
			this.#ask(members);
			const ids = new Set(members.map(({ hash }) => hash.toString()));
			for (const before of this.#neighbours)
				if (!ids.has(before.hash.toString())) this.#miss(before);
			this.#neighbours = members;
		});
		ports.peer.on("peerGone", (peer) => {
			this.#miss(peer);
		});
		this.#keepPresent();
	}

	get channels(): readonly string[] {
		return [...this.#channels];
	}

	/** Takes what comes, until the peer is closed. */
	async listen(): Promise<void> {
		for await (const message of this.#ports.peer) this.#receive(message);
	}

	/** Goes into a channel; false when this user is there. */
	join(channel: string): boolean {
		if (this.#channels.has(channel)) return false;
		this.#channels.add(channel);
		this.#changes++;
		void this.announce();
		return true;
	}

	/** Leaves a channel; false when this user is not there. */
	part(channel: string): boolean {
		if (!this.#channels.delete(channel)) return false;
		this.#changes++;
		void this.announce();
		return true;
	}

	/** Tells everybody who is here, and asks who they are. */
	async announce(): Promise<void> {
		await this.#broadcast(this.#here(true));
	}

	/** Says something in a channel. Resolves when all who are in it have it, or it is known who has not. */
	async say(channel: string, text: string): Promise<void> {
		const all = this.people.in(channel);
		await Promise.all(all.map((person) => this.#give(person, { kind: "say", channel, text })));
	}

	/** Tells one person something; false when that failed. */
	async tell(person: Person, text: string): Promise<boolean> {
		return this.#give(person, { kind: "tell", text });
	}

	/** Lets what is under way arrive, and says goodbye. */
	async leave(): Promise<void> {
		this.#presence?.cancel();
		await Promise.all(this.#sending);
		this.#left = true;
		await this.#broadcast({ kind: "gone" });
	}

	#here(ask: boolean): Note {
		const { channels } = this;
		return {
			kind: "here",
			name: this.#name,
			channels,
			run: this.#run,
			changes: this.#changes,
			ask,
		};
	}

	#keepPresent(): void {
		this.#presence = this.#ports.clock.schedule(PRESENCE, () => {
			const now = this.#ports.clock.now();
			for (const person of this.people.present) {
				if (now - (person.heard ?? now) > SILENCE) void this.#check(person);
			}
			this.#asked.clear();
			void this.#broadcast(this.#here(false));
			this.#keepPresent();
		});
	}

	#receive({ source, data }: Received): void {
		const note = decodeNote(data);
		if (note === undefined) return;
		if (note.kind === "here") {
			this.#meet(source, note);
			return;
		}
		const person = this.people.get(source);
		if (note.kind === "gone") {
			if (person?.heard !== undefined) this.#lose(person, "has left");
			return;
		}
		this.counts.received++;
		if (person?.heard === undefined) this.#ask([source]);
		// Who has not said who they are is shown as the address that they have.
		const who = person?.shown ?? nameOf(source);
		const { text } = note;
		if (note.kind === "tell") this.#ports.show({ kind: "told", who, text });
		else if (this.#channels.has(note.channel)) {
			this.#ports.show({ kind: "said", channel: note.channel, who, text });
		}
	}

	#meet(source: RemotePeer, { ask, ...presence }: Note & { kind: "here" }): void {
		const { name } = presence;
		const met = this.people.meet(source, presence, this.#ports.clock.now());
		if (ask) void this.#send(source, this.#here(false)).catch(() => {});
		if (met === undefined) return;
		const { before, now } = met;
		const was = before?.heard === undefined ? undefined : before;
		if (was === undefined) this.#notice(`${now.shown} is here`);
		else if (was.shown !== now.shown) this.#notice(`${was.shown} is now ${now.shown}`);
		if (was?.shown !== now.shown && now.shown !== name) {
			this.#notice(`the name ${name} is another's: this one is ${now.shown}`);
		}
		for (const channel of this.#channels) {
			const there = now.channels.has(channel);
			if (there === (was?.channels.has(channel) ?? false)) continue;
			this.#notice(`${now.shown} is ${there ? "in" : "no more in"} ${channel}`);
		}
	}

	/** Asks members of the ring who they are, where that is not known: each once in a while. */
	#ask(members: readonly RemotePeer[]): void {
		for (const member of members) {
			const id = member.hash.toString();
			if (this.#asked.has(id) || this.people.get(member)?.heard !== undefined) continue;
			this.#asked.add(id);
			void this.#send(member, this.#here(true)).catch(() => {});
		}
	}

	/** Somebody's link is gone, or their place in the ring. */
	#miss(peer: RemotePeer): void {
		const person = this.people.get(peer);
		if (person?.heard !== undefined) void this.#check(person);
	}

	/** Whether somebody is still there who is missed, or has been silent. */
	async #check(person: Person): Promise<void> {
		try {
			await this.#send(person.peer, this.#here(true));
		} catch {
			this.#lose(person, "is gone");
		}
	}

	#lose(person: Person, how: string): void {
		const now = this.people.get(person.peer);
		if (now?.heard === undefined || this.#left) return;
		this.people.gone(now);
		this.#notice(`${now.shown} ${how}`);
	}

	async #give(person: Person, note: Note): Promise<boolean> {
		try {
			await this.#send(person.peer, note);
			this.counts.sent++;
			return true;
		} catch (error) {
			if (!this.#left) {
				this.counts.lost++;
				this.#ports.show({
					kind: "trouble",
					text: `${person.shown} did not get it: ${explained(error)}`,
				});
				void this.#check(person);
			}
			return false;
		}
	}

	async #send(to: RemotePeer, note: Note): Promise<void> {
		const { peer } = this.#ports;
		const options = { duplicates: this.#duplicates, timeout: PATIENCE };
		await this.#track(peer.send(to, encodeNote(note), options));
	}

	async #broadcast(note: Note): Promise<void> {
		try {
			await this.#track(this.#ports.peer.broadcast(encodeNote(note), { timeout: PATIENCE }));
		} catch (error) {
			// Whom it did not reach hears the next one.
			if (!(error instanceof SwarmError)) throw error;
		}
	}

	#notice(text: string): void {
		this.#ports.show({ kind: "notice", text });
	}

	async #track<T>(sending: Promise<T>): Promise<T> {
		const settled = sending.catch(() => {});
		this.#sending.add(settled);
		try {
			return await sending;
		} finally {
			this.#sending.delete(settled);
		}
	}
}
