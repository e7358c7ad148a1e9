import {
	type Clock,
	type Crypto,
	type Hash,
	type LocalNode,
	type NodeRecord,
	isCurrent,
	openRecord,
} from "@cicada/chordlib";

/** Which records are believed. */
export class Records {
	readonly #node: LocalNode;
	readonly #clock: Clock;
	readonly #crypto: Crypto;
	/** Keys of which it is remembered which record was the newest. */
	readonly #most: number;
	/** The newest record of each key; the longest unused first. */
	readonly #newest = new Map<string, NodeRecord>();

	constructor(node: LocalNode, clock: Clock, crypto: Crypto, most: number) {
		this.#node = node;
		this.#clock = clock;
		this.#crypto = crypto;
		this.#most = most;
	}

	/**
	 * What somebody says of himself; `undefined` for what is not to be believed: it was not signed by its key, its id is
	 * neither that key's nor that of its address, it has expired, the same key has said something newer, or over the link
	 * to that very node is another key.
	 */
	read(bytes: Uint8Array): NodeRecord | undefined {
		let record: NodeRecord;
		try {
			record = openRecord(this.#crypto, bytes);
		} catch {
			return undefined;
		}
		if (record.mode === "data" || !isCurrent(record, this.#clock.wall())) return undefined;
		const linked = this.linked(record.contact.hash);
		if (linked !== undefined && !sameKey(linked, record)) return undefined;
		const name = record.publicKey.toString();
		const known = linked ?? this.#newest.get(name);
		if (known !== undefined && isOlder(record, known)) return undefined;
		this.#newest.delete(name);
		this.#newest.set(name, record);
		const [oldest] = this.#newest.keys();
		if (this.#newest.size > this.#most && oldest !== undefined) this.#newest.delete(oldest);
		return record;
	}

	/** What the other end of a link says of itself, where its key is proven for its id. */
	linked(peer: Hash): NodeRecord | undefined {
		const record = this.#node.recordOf(peer);
		return record !== undefined && this.#node.isProven(record) ? record : undefined;
	}
}

export function sameKey(a: NodeRecord, b: NodeRecord): boolean {
	return a.publicKey.every((byte, index) => byte === b.publicKey[index]);
}

function isOlder(a: NodeRecord, b: NodeRecord): boolean {
	return a.epoch < b.epoch || (a.epoch === b.epoch && a.sequence < b.sequence);
}
