import type { Word } from "./peer.ts";

/** A send, and what has become of it. */
interface Send {
	readonly number: number;
	readonly from: string;
	/** The life of the target that it was meant for, and where that is. */
	readonly to: string;
	readonly deadline: number;
	/** When the target was killed; undefined when it lives. */
	targetDied: boolean;
	/** Who sent it was killed meanwhile: nobody knows how it ended. */
	senderDied: boolean;
	outcome: "open" | "resolved" | "rejected";
	code: string;
	why: string;
	ms: number;
	hops: number;
	/** The lives that got it, once for each time. */
	readonly gotBy: string[];
}

/** How all sends went: plain JSON. */
export interface Account {
	readonly sends: number;
	/** To peers that lived on, by peers that did: all of these resolve, and are received once. */
	readonly toLiving: number;
	readonly resolved: number;
	/** Unacknowledged when their target was killed, and how those ended. */
	readonly targetDied: number;
	readonly targetDiedRejected: number;
	/** Of them, how many were taken by the peer that took the place of who was killed. */
	readonly nextLife: number;
	readonly senderDied: number;
	readonly received: number;
	/** Milliseconds: half of the sends that resolved took no longer, 99 of 100, none. */
	readonly p50: number;
	readonly p99: number;
	readonly most: number;
	readonly hops: number;
	readonly codes: Readonly<Record<string, number>>;
	readonly flaws: readonly string[];
	readonly flawCount: number;
}

/** How much later than its time-out a send may be heard to have ended, on a machine with much to do. */
const LATE = 2_000;
const TOLD = 20;

/** Keeps account of every send, and finds what should not be. */
export class Ledger {
	readonly #sends = new Map<number, Send>();
	/** The number that was last received, for each pair of lives. */
	readonly #last = new Map<string, number>();
	readonly #flaws: string[] = [];
	readonly #open = new Set<Send>();
	#received = 0;

	/** How many have not come to their end, of those whose senders live. */
	get open(): number {
		return this.#open.size;
	}

	/** One life sends to another. */
	sent(number: number, from: string, to: string, deadline: number): void {
		const send: Send = {
			number,
			from,
			to,
			deadline,
			targetDied: false,
			senderDied: false,
			outcome: "open",
			code: "",
			why: "",
			ms: 0,
			hops: 0,
			gotBy: [],
		};
		this.#sends.set(number, send);
		this.#open.add(send);
	}

	/** A life has ended: what is open to it, and from it, is another matter now. */
	died(life: string): void {
		for (const send of this.#open) {
			if (send.to === life) send.targetDied = true;
			if (send.from !== life) continue;
			send.senderDied = true;
			this.#open.delete(send);
		}
	}

	ended({ number, code, why, ms, hops }: Word & { kind: "sent" }, now: number): void {
		const send = this.#sends.get(number);
		if (send === undefined || send.outcome !== "open") {
			this.flaw(`send ${number} ended twice`);
			return;
		}
		this.#open.delete(send);
		send.outcome = code === undefined ? "resolved" : "rejected";
		send.code = code ?? "";
		send.why = why ?? "";
		send.ms = ms;
		send.hops = hops;
		if (now > send.deadline + LATE) {
			this.flaw(`send ${number} ended ${Math.round(now - send.deadline)} ms after its deadline`);
		}
	}

	/** A life got a message from another, whose id tells who that is. */
	got(life: string, number: number): void {
		this.#received++;
		const send = this.#sends.get(number);
		if (send === undefined) {
			this.flaw(`${life} got ${number}, which nobody sent`);
			return;
		}
		const pair = `${send.from} ${life}`;
		const last = this.#last.get(pair) ?? -1;
		if (number <= last) this.flaw(`${life} got ${number} of ${send.from} after ${last}`);
		this.#last.set(pair, Math.max(last, number));
		if (send.gotBy.length > 0)
			this.flaw(`send ${number} was received by ${send.gotBy[0]} and ${life}`);
		send.gotBy.push(life);
	}

	flaw(what: string): void {
		this.#flaws.push(what);
	}

	/** The account, when all is over. @param isAlive whether a life goes on */
	close(isAlive: (life: string) => boolean): Account {
		const sends = [...this.#sends.values()];
		const toLiving = sends.filter((send) => !send.targetDied && !send.senderDied);
		for (const send of toLiving) this.#judge(send, isAlive(send.to));
		const died = sends.filter((send) => send.targetDied && !send.senderDied);
		for (const { number, outcome } of died) {
			if (outcome === "open") this.flaw(`send ${number} to a dead peer did not end`);
		}
		const resolved = sends.filter(({ outcome }) => outcome === "resolved");
		const times = resolved.map(({ ms }) => ms).toSorted((a, b) => a - b);
		const rank = (part: number): number =>
			Math.round(times[Math.ceil(part * times.length) - 1] ?? 0);
		const codes: Record<string, number> = {};
		for (const { code } of sends) if (code !== "") codes[code] = (codes[code] ?? 0) + 1;
		return {
			sends: sends.length,
			toLiving: toLiving.length,
			resolved: resolved.length,
			targetDied: died.length,
			targetDiedRejected: died.filter(({ outcome }) => outcome === "rejected").length,
			nextLife: sends.filter(({ to, gotBy }) => gotBy.some((life) => life !== to)).length,
			senderDied: sends.filter(({ senderDied }) => senderDied).length,
			received: this.#received,
			p50: rank(0.5),
			p99: rank(0.99),
			most: rank(1),
			hops: resolved.reduce((sum, { hops }) => sum + hops, 0) / Math.max(1, resolved.length),
			codes,
			flaws: this.#flaws.slice(0, TOLD),
			flawCount: this.#flaws.length,
		};
	}

	#judge({ number, from, to, outcome, code, why, gotBy, ms }: Send, isAlive: boolean): void {
		const what = `send ${number} from ${from} to ${to}`;
		if (outcome === "open") this.flaw(`${what}, which lives, did not end`);
		if (outcome === "rejected") {
			this.flaw(`${what}, which lives, was rejected after ${Math.round(ms)} ms: ${code}: ${why}`);
		}
		// What a peer that was killed later had got by then it may not have told.
		if (isAlive && gotBy.length !== 1) this.flaw(`${what} was received ${gotBy.length} times`);
	}
}
