import {
	type NodeRecord,
	type NoticeType,
	type RemoteNode,
	decode,
	encode,
} from "@cicada/chordlib";

import { type Lane, type Said, said } from "../delivery-messages.ts";
import { type Ciphers, Opening, Sealing } from "./keys.ts";
import { sealedType } from "./messages.ts";
import { sameKey } from "./records.ts";

/** Another peer, as a session shows it. */
export interface Party {
	readonly node: RemoteNode;
	/** Of which it has shown that it has the keys; `undefined` where sessions are in clear, and it may be anybody. */
	readonly record: NodeRecord | undefined;
}

export function isSameParty(a: Party, b: Party): boolean {
	if (a.record !== undefined && b.record !== undefined && !sameKey(a.record, b.record))
		return false;
	return a.node.hash.equals(b.node.hash);
}

/** Something to be routed. */
export interface Saying {
	readonly type: NoticeType<unknown>;
	readonly body: unknown;
}

/** The numbers of a session: what comes in it carries ours, what goes out theirs. */
export interface Numbers {
	readonly ours: number;
	readonly theirs: number;
}

/** One end of an open session. */
export class Session {
	readonly numbers: Numbers;
	readonly party: Party;
	/** When anything was last heard in it. */
	heard: number;
	/** What was first sent after this, no earlier life of the other end has taken. `Infinity` where that is not known. */
	born: number = Infinity;
	/** How far the numbers of chunks had come in lanes in which this peer, for want of room, remembers nothing any more. */
	readonly given: { [lane in Lane]?: number } = {};
	readonly #limit: number;
	readonly #sealing: Sealing;
	readonly #opening: Opening;

	/** `limit`: bytes of the largest frame. */
	constructor(numbers: Numbers, party: Party, ciphers: Ciphers, limit: number, now: number) {
		this.numbers = numbers;
		this.party = party;
		this.heard = now;
		this.#limit = limit;
		this.#sealing = new Sealing(ciphers.send);
		this.#opening = new Opening(ciphers.receive);
	}

	/** Seals what is to be said to the other end. */
	say(value: Said): Saying {
		const sealed = this.#sealing.seal(encode(said, value, this.#limit));
		return { type: sealedType, body: { session: this.numbers.theirs, ...sealed } };
	}

	/** What the other end said; or why there is nothing to be heard. */
	hear(number: number, content: Uint8Array): Said | "repeated" | "forged" | "nonsense" {
		const opened = this.#opening.open(number, content);
		if (typeof opened === "string") return opened;
		try {
			return decode(said, opened);
		} catch {
			return "nonsense";
		}
	}
}
